"""Runs `sam local`, in an environment that holds nothing of the developer's accounts."""

import json
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.account import REGION
from local.processes import Child, Children, bare_environment
from local.sam_local.engine import Engine
from local.sam_local.templates import env_vars_of

_INVOKE_SECONDS = 120


class InvokeFailedError(RuntimeError):
    """`sam local invoke` did not answer with JSON; the message is the end of what it said."""


@dataclass(frozen=True, slots=True)
class SamLocal:
    """The SAM command line and the engine that it uses."""

    sam: Path
    engine: Engine
    children: Children
    logs: Path
    """Where the functions' own output goes."""
    own_folder: Path
    """Where that of `sam local` goes: it writes each request with its query, secrets and all.

    Its locks go there, too: one that a killed run has left would keep the next one waiting for
    five minutes, if it lay in a place that all runs share.
    """

    def __post_init__(self) -> None:
        """Make the folders."""
        self._locks.mkdir(parents=True, exist_ok=True)

    @property
    def _locks(self) -> Path:
        return self.own_folder / "locks"

    def start_api(self, name: str, template: Path, port: int) -> Child:
        """Start the API of a template; each function's container stays warm from its first call."""
        arguments = ["--port", str(port), "--warm-containers", "LAZY"]
        arguments += ["--log-file", str(self.logs / f"{name}-functions.log")]
        return self.children.start(
            f"sam local start-api ({name})",
            self._command("start-api", template, arguments),
            log=self.own_folder / f"{name}-sam-local.log",
            cwd=template.parent,
            env=self._environment(),
        )

    def invoke(self, template: Path, function: str, event: Mapping[str, Any], name: str) -> Any:
        """Run one event in a function; return its answer."""
        event_file = self.logs / f"{name}.json"
        event_file.write_text(json.dumps(event), encoding="utf-8")
        arguments = [function, "--event", str(event_file)]
        done = subprocess.run(
            self._command("invoke", template, arguments),
            cwd=template.parent,
            env=self._environment(),
            capture_output=True,
            text=True,
            timeout=_INVOKE_SECONDS,
            check=False,
        )
        (self.logs / f"{name}.log").write_text(done.stderr + done.stdout, encoding="utf-8")
        try:
            return json.loads(done.stdout.strip().splitlines()[-1])
        except (IndexError, ValueError) as exc:
            raise InvokeFailedError(done.stderr[-2000:]) from exc

    def _command(self, what: str, template: Path, arguments: Sequence[str]) -> list[str]:
        command = [str(self.sam), "local", what, *arguments]
        command += ["--template", str(template), "--region", REGION]
        command += ["--env-vars", str(env_vars_of(template))]
        # Where the image is here, and perhaps made here, a registry is not asked for a newer one.
        return command + (["--skip-pull-image"] if self.engine.has_image(_architecture()) else [])

    def _environment(self) -> dict[str, str]:
        return {
            **bare_environment(),
            **self.engine.environment,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "HOME": os.environ.get("HOME", "/"),
            "SAM_CLI_TELEMETRY": "0",
            "TMPDIR": str(self._locks),
        }


def _architecture() -> str:
    return platform.machine().replace("aarch64", "arm64")
