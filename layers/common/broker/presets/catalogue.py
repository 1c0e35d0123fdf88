"""The services, each read from its file when it is asked for."""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from .preset import Preset

_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_FOLDER = Path(__file__).parent / "services"


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Presets by id. A file that does not hold a preset raises ValidationError: ours to mend."""

    folder: Path = _FOLDER
    _read: dict[str, Preset] = field(default_factory=dict, repr=False)

    def get(self, preset_id: str) -> Preset | None:
        """Read one file, once per container; None: there is no such preset."""
        if not _ID.fullmatch(preset_id):
            return None
        if preset_id not in self._read:
            path = self.folder / f"{preset_id}.toml"
            if not path.is_file():
                return None
            said = tomllib.loads(path.read_text(encoding="utf-8"))
            self._read[preset_id] = Preset.model_validate({**said, "preset_id": preset_id})
        return self._read[preset_id]

    def all(self) -> Iterator[Preset]:
        """Read every file, in order of ids."""
        for path in sorted(self.folder.glob("*.toml")):
            if (preset := self.get(path.stem)) is not None:
                yield preset
