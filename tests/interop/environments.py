"""The peers' environments, in `.cache/interop`: made from the locks, anew when those change."""

import hashlib
import json
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_MADE = ROOT / ".cache" / "interop"
_UV = ROOT / ".cache" / "uv" / "bin" / "uv"
_NPM = Path(__file__).parent / "npm"


@dataclass(frozen=True, slots=True)
class PythonEnvironment:
    """A virtual environment made from `requirements/interop-{name}.txt`."""

    name: str

    @property
    def lock(self) -> Path:
        """What it is made from; every line has its hashes."""
        return ROOT / "requirements" / f"interop-{self.name}.txt"

    @property
    def folder(self) -> Path:
        """Where it is."""
        return _MADE / self.name

    def command(self, script: str) -> list[str]:
        """Return what runs a script of `peers`."""
        return [str(self.folder / "bin" / "python"), "-m", f"tests.interop.peers.{script}"]

    def version(self, package: str) -> str:
        """Return the version that the lock pins."""
        found = re.search(
            rf"^{re.escape(package)}==(\S+)", self.lock.read_text("utf-8"), re.MULTILINE
        )
        assert found, f"{self.lock.name} has no {package}"
        return found[1]

    def make(self) -> None:
        """Install everything."""
        python = str(self.folder / "bin" / "python")
        _run(_UV, "venv", "--quiet", "--clear", "--python", sys.executable, self.folder)
        wanted = ("--require-hashes", "--requirements", self.lock)
        _run(_UV, "pip", "install", "--quiet", "--python", python, *wanted)


@dataclass(frozen=True, slots=True)
class NpmEnvironment:
    """A folder with the packages of `npm/{name}/package-lock.json`."""

    name: str

    @property
    def lock(self) -> Path:
        """What it is made from; every package has its hash, and no address."""
        return _NPM / self.name / "package-lock.json"

    @property
    def folder(self) -> Path:
        """Where it is."""
        return _MADE / f"npm-{self.name}"

    def command(self, script: str) -> list[str]:
        """Return what runs a script of `peers`, or one of a package."""
        preload = [] if script.endswith("_client.mjs") else ["--import", "./loopback.mjs"]
        return ["node", *preload, script]

    def version(self, package: str) -> str:
        """Return the version that the lock pins."""
        packages = json.loads(self.lock.read_text("utf-8"))["packages"]
        return str(packages[f"node_modules/{package}"]["version"])

    def make(self) -> None:
        """Install everything; no package's script is run."""
        if not (shutil.which("node") and shutil.which("npm")):
            raise SystemExit("Peers of npm need node, version 20 or later, and npm.")
        self.folder.mkdir(parents=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(self.lock.with_name(name), self.folder)
        _run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", cwd=self.folder)

    def bring_scripts(self) -> None:
        """Lay our scripts beside the packages: Node looks for packages beside a script."""
        for script in (Path(__file__).parent / "peers").glob("*.mjs"):
            shutil.copy(script, self.folder)


@dataclass(frozen=True, slots=True)
class OwnEnvironment:
    """The one that this program runs in, for peers that are installed here anyhow."""

    folder: Path = ROOT

    def command(self, script: str) -> list[str]:
        """Return what runs a script of `peers`."""
        return [sys.executable, "-m", f"tests.interop.peers.{script}"]

    def version(self, package: str) -> str:
        """Return the version that is installed."""
        return version(package)


type Environment = PythonEnvironment | NpmEnvironment | OwnEnvironment


def prepare(environment: PythonEnvironment | NpmEnvironment) -> None:
    """Make an environment, unless it was made from this very lock."""
    mark = environment.folder / ".made-from"
    digest = hashlib.sha256(environment.lock.read_bytes()).hexdigest()
    if not mark.exists() or mark.read_text("utf-8") != digest:
        shutil.rmtree(environment.folder, ignore_errors=True)
        environment.make()
        mark.write_text(digest, encoding="utf-8")
    if isinstance(environment, NpmEnvironment):
        environment.bring_scripts()


def _run(*command: str | Path, cwd: Path = ROOT) -> None:
    done = subprocess.run(
        list(map(str, command)), cwd=cwd, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{command[0]} failed:\n{done.stdout}{done.stderr}")
