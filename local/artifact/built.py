"""A build of the template, looked at from outside: nothing of it is imported."""

import hashlib
import stat
import tempfile
import zipfile
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from samtranslator.yaml_helper import yaml_parse

_MACHINES = {0x3E: "x86_64", 0xB7: "arm64"}  # e_machine of an ELF header
_FOLDERS = {"python", "__pycache__"}
"""What stands before a distribution's own names."""


@dataclass(frozen=True)
class Artifact:
    """One build: a layer, and the functions that share it."""

    folder: Path
    template: dict[str, Any]

    @classmethod
    def at(cls, folder: Path) -> Self:
        """Read the built template; FileNotFoundError if there is none."""
        text = (folder / "template.yaml").read_text(encoding="utf-8")
        return cls(folder, yaml_parse(text))

    @cached_property
    def layer(self) -> Path:
        """The layer's folder; on Lambda it is /opt."""
        [layer] = self._resources("LayerVersion").values()
        return self.folder / str(layer["Properties"]["ContentUri"])

    @cached_property
    def functions(self) -> dict[str, Path]:
        """The functions' folders by logical id."""
        found = self._resources("Function")
        return {name: self.folder / each["Properties"]["CodeUri"] for name, each in found.items()}

    @cached_property
    def declared(self) -> set[str]:
        """The architectures that the template names; more than one is a mistake."""
        [layer] = self._resources("LayerVersion").values()
        return {
            layer["Metadata"]["BuildArchitecture"],
            *layer["Properties"]["CompatibleArchitectures"],
            *self.template["Globals"]["Function"]["Architectures"],
        }

    @cached_property
    def binaries(self) -> dict[Path, str]:
        """What is machine code, and for which architecture."""
        return {path: machine for path in files(self.folder) if (machine := _machine(path))}

    @cached_property
    def versions(self) -> dict[str, str]:
        """The distributions in the layer and their versions."""
        installed = (self.layer / "python").glob("*.dist-info")
        return dict(sorted(each.stem.split("-", 1) for each in installed))

    def unpacked(self) -> Counter[str]:
        """Return bytes in the layer by distribution.

        What is not under a distribution's name counts under its own: `broker`, or what crept in.
        """
        sizes = Counter[str]()
        for path in files(self.layer):
            sizes[self._owner(path.relative_to(self.layer).parts)] += path.stat().st_size
        return sizes

    def zipped(self) -> int:
        """Return the bytes of the layer as it is uploaded; it is packed to find out."""
        with tempfile.TemporaryFile() as file:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
                for path in files(self.layer):
                    archive.write(path, path.relative_to(self.layer))
            return file.tell()

    def manifest(self) -> dict[str, str]:
        """Return, by path, the SHA-256 of the content and whether it may be executed.

        Not the other permissions: they are those of the checkout, which SAM widens when it packs.
        """
        return {
            path.relative_to(self.folder).as_posix(): _fingerprint(path)
            for path in files(self.folder)
        }

    def digest(self) -> str:
        """Return one hash of the manifest: two builds with the same one are the same bytes."""
        lines = (f"{seen}  {path}\n" for path, seen in self.manifest().items())
        return hashlib.sha256("".join(lines).encode()).hexdigest()

    def _resources(self, kind: str) -> dict[str, Any]:
        wanted, resources = f"AWS::Serverless::{kind}", self.template["Resources"]
        return {name: each for name, each in resources.items() if each["Type"] == wanted}

    def _owner(self, inside: tuple[str, ...]) -> str:
        """Return the distribution that a file belongs to: the longest name it begins with.

        RECORD, which would say it, is not shipped.
        """
        name = next(part for part in inside if part not in _FOLDERS)
        plain = name.lstrip("_")
        return max(
            (each for each in self.versions if plain.startswith(each)), key=len, default=name
        )


def files(folder: Path) -> list[Path]:
    """Return the files in a folder, in the same order everywhere."""
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _fingerprint(path: Path) -> str:
    mode = "x" if path.stat().st_mode & stat.S_IXUSR else "-"
    return f"{hashlib.sha256(path.read_bytes()).hexdigest()} {mode}"


def _machine(path: Path) -> str | None:
    with path.open("rb") as file:
        header = file.read(20)
    if not header.startswith(b"\x7fELF"):
        return None
    number = int.from_bytes(header[18:20], "little")
    return _MACHINES.get(number, f"machine {number:#x}")
