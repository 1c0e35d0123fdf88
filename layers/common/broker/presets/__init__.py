"""Services as data: one file each, what a server of that service is configured with."""

from .catalogue import Catalogue
from .preset import Lifetimes, Preset, PresetScope, PresetServer
from .value import GRAMMAR, Kind, PresetValue, ValueRefused

__all__ = [
    "GRAMMAR",
    "Catalogue",
    "Kind",
    "Lifetimes",
    "Preset",
    "PresetScope",
    "PresetServer",
    "PresetValue",
    "ValueRefused",
]
