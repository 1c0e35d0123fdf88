"""The catalogue of services as JSON."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from broker.inbound.answers import Body

if TYPE_CHECKING:  # who asks for no preset does not pay for the import
    from broker.presets import Preset, PresetValue


def listed(presets: "Iterable[Preset]") -> Body:
    """Return every preset by id and name, with the values that it needs."""
    return {
        "presets": [
            {
                "preset_id": preset.preset_id,
                "version": preset.version,
                "name": preset.name,
                "values": list(preset.values),
            }
            for preset in presets
        ]
    }


def whole(preset: "Preset") -> Body:
    """Return one preset: what it sets, with its gaps, and what a builder should know."""
    lifetimes = preset.lifetimes.model_dump()
    return {
        "preset_id": preset.preset_id,
        "version": preset.version,
        "name": preset.name,
        "console": preset.console,
        "server": dict(preset.server.set_fields()),
        "values": {name: _value(value) for name, value in preset.values.items()},
        "scopes": [scope.model_dump() for scope in preset.scopes],
        "lifetimes": lifetimes,
        "notes": list(preset.notes),
        "sources": list(preset.sources),
    }


def _value(value: "PresetValue") -> Body:
    return {
        "kind": value.kind.value,
        "description": value.description,
        "example": value.example,
        "default": value.default,
        "options": list(value.options),
    }
