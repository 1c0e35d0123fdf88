"""What is committed builds anywhere: it names no registry and no place on somebody's machine."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.unit.transformed import ROOT

# Written in pieces, so that this file does not find itself.
REGISTRIES = [
    pieces.replace("·", "")
    for pieces in [
        "py·pi·.org",
        "python·hosted·.org",
        "registry·.npm·js·.org",
        "registry·.yarn·pkg·.com",
        "proxy·.go·lang·.org",
        "j·frog·.io",
    ]
]
MACHINE_PATH = re.compile(r"(?<![\w.:/~}*-])/(?:root|home|Users|work|private/tmp)/[\w.]")


def _committed() -> list[Path]:
    """Return the files that are tracked, and those that the next commit would add."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listing = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    if listing.returncode:
        pytest.skip("not a git checkout")
    paths = [ROOT / name for name in listing.stdout.decode().split("\0") if name]
    return [path for path in paths if path.is_file()]


def _texts() -> list[tuple[str, str]]:
    texts = []
    for path in _committed():
        content = path.read_bytes()
        if b"\0" not in content:
            texts.append((str(path.relative_to(ROOT)), content.decode("utf-8")))
    return texts


def test_no_committed_file_names_a_package_registry() -> None:
    named = [(name, host) for name, text in _texts() for host in REGISTRIES if host in text]
    assert named == []


def test_no_committed_file_names_a_place_on_somebodys_machine() -> None:
    named = [(name, found) for name, text in _texts() for found in MACHINE_PATH.findall(text)]
    assert named == []


def test_no_lock_that_records_registry_addresses_is_committed() -> None:
    names = {path.name for path in _committed()}
    assert not names & {"uv.lock", "poetry.lock", "yarn.lock", "Pipfile.lock"}


def test_every_npm_package_is_pinned_by_version_and_hash_and_no_address() -> None:
    locks = [path for path in _committed() if path.name == "package-lock.json"]
    assert locks
    for lock in locks:
        packages = json.loads(lock.read_text(encoding="utf-8"))["packages"]
        of_itself = packages.pop("")
        assert of_itself["name"].startswith("interop-")
        for name, package in packages.items():
            assert package["version"], name
            assert package["integrity"].startswith("sha512-"), name
            assert "resolved" not in package, name


LOCKS = ["runtime", "dev", "sam", "oldest", "checkov", "ministack"]


@pytest.mark.parametrize("lock", [*LOCKS, "interop-mcp-1", "interop-mcp-2", "interop-fastmcp"])
def test_every_locked_package_is_pinned_by_version_and_hash(lock: str) -> None:
    text = (ROOT / "requirements" / f"{lock}.txt").read_text(encoding="utf-8")
    entries = re.split(r"\n(?=\S)", text.strip())
    assert entries
    for entry in entries:
        assert re.match(r"[a-z0-9._\[\],-]+==\S+", entry), entry.splitlines()[0]
        assert "--hash=sha256:" in entry, entry.splitlines()[0]
