"""`make build` ends here: see the package's docstring."""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from local.artifact import Artifact, files

_MEGABYTE = 1 << 20  # as Lambda counts
_UNPACKED = 250  # MB: a function with its layers
_UPLOADED = 50  # MB: the zipped layer, when it does not come by way of S3
_WIDTH = 28


def main(folder: Path) -> int:
    """Print what is in an artifact; return the exit status."""
    try:
        artifact = Artifact.at(folder)
    except FileNotFoundError:
        print(f"{folder} is no build: it has no template.yaml.", file=sys.stderr)
        return 1
    sizes, zipped = artifact.unpacked(), artifact.zipped()
    functions = {name: _size(path) for name, path in artifact.functions.items()}
    largest = sizes.total() + max(functions.values())
    print(*_contents(artifact, sizes, functions), sep="\n")
    print()
    print(_row("a function with its layer", "", f"{_megabytes(largest)} of {_UNPACKED} MB"))
    print(_row("the layer, zipped", "", f"{_megabytes(zipped)} of {_UPLOADED} MB"))
    print(_row(f"{len(artifact.binaries)} binaries", "", _listed(artifact.binaries.values())))
    print(_row("digest", "", artifact.digest()), flush=True)
    faults = list(_faults(artifact, largest, zipped))
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


def _contents(
    artifact: Artifact, sizes: dict[str, int], functions: dict[str, int]
) -> Iterator[str]:
    yield f"\n{artifact.folder}, for {_listed(artifact.declared)}\n"
    for name, size in sorted(sizes.items(), key=lambda each: -each[1]):
        yield _row(name, artifact.versions.get(name, "-"), f"{_megabytes(size)} MB")
    for name, size in functions.items():
        yield _row(name, "", f"{size / 1024:9.1f} kB")


def _faults(artifact: Artifact, largest: int, zipped: int) -> Iterator[str]:
    """Yield why this would not be taken, or would not run, on Lambda."""
    declared, found = artifact.declared, set(artifact.binaries.values())
    if len(declared) != 1 or found != declared:
        yield f"The template says {_listed(declared)}, the binaries are {_listed(found)}."
    if largest > _UNPACKED * _MEGABYTE:
        yield f"A function may have {_UNPACKED} MB, its layer included."
    if zipped > _UPLOADED * _MEGABYTE:
        yield f"A zipped layer may have {_UPLOADED} MB."


def _row(name: str, version: str, seen: str) -> str:
    return f"  {name:<{_WIDTH}}{version:<14}{seen}"


def _megabytes(size: int) -> str:
    return f"{size / _MEGABYTE:9.2f}"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(set(names))) or "none"


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in files(folder))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("Usage: python -m local.artifact FOLDER")
    sys.exit(main(Path(sys.argv[1])))
