"""The catalogue of services, and configurations filled in from it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from broker.errors import InvalidServer, PresetNotFound
from broker.model import AuthType, Draft
from broker.presets import Catalogue, Preset


@dataclass(frozen=True, slots=True)
class Presets:
    """``/v1/presets``."""

    catalogue: Catalogue

    def all(self) -> Iterator[Preset]:
        """Return every preset, in order of ids."""
        return self.catalogue.all()

    def get(self, preset_id: str) -> Preset:
        """Return one; raise PresetNotFound."""
        preset = self.catalogue.get(preset_id)
        if preset is None:
            raise PresetNotFound
        return preset

    def filled(self, draft: Draft) -> Mapping[str, Any]:
        """Return the fields of a server: the builder's own, the preset's where there are none.

        A field that the builder named stays as it is, null included. Raises InvalidServer naming
        ``preset``, ``auth_type`` or the value at fault.
        """
        preset = self.catalogue.get(draft.preset or "")
        if preset is None:
            raise InvalidServer("preset: no such one in the catalogue; GET /v1/presets lists them.")
        values = {**draft.values, **preset.filled(draft.preset_values, draft.given)}
        values["preset"] = preset.preset_id
        values["name"] = values["name"] or preset.name
        values["auth_type"] = values["auth_type"] or AuthType.CONSUMER_OAUTH.value
        if values["auth_type"] != AuthType.CONSUMER_OAUTH:
            raise InvalidServer("auth_type: a preset is for consumer_oauth alone.")
        return values
