"""What the worker needs around it, each a process of its own: AWS services and a token endpoint."""

import json
import os
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import httpx

from benchmarks.refresh.certificate import write_certificate
from benchmarks.refresh.store import Store, start_store
from local.account import ACCOUNT, REGION
from local.processes import Child, Children, bare_environment
from local.template import Template

ROOT = Path(__file__).resolve().parents[2]
_FUNCTIONS = ("RefreshWorkerFunction", "RefreshSchedulerFunction")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The running processes, and how they are asked."""

    store: Store
    token_endpoint: Child
    origin: str
    _certificate: Path
    _worker: subprocess.Popen[str]

    def ask(self, command: str, **arguments: object) -> dict[str, Any]:
        """Have the worker do something; return what it tells; raise where it failed."""
        asked, told = _pipes(self._worker)
        print(json.dumps({"command": command, **arguments}), file=asked, flush=True)
        line = told.readline()
        if not line:
            raise RuntimeError(f"The worker ended at {command!r}; what it said stands above.")
        return json.loads(line) or {}

    def refreshed(self) -> int:
        """Return how often the token endpoint refreshed; raise if a spent token ever came."""
        context = ssl.create_default_context(cafile=str(self._certificate))
        told = httpx.get(f"{self.origin}/told", verify=context, trust_env=False).json()
        if told["reused"]:
            raise RuntimeError(f"{told['reused']} refresh tokens were sent twice.")
        return int(told["refreshed"])


@contextmanager
def surroundings() -> Iterator[Surroundings]:
    """Start all of them; afterwards nothing is left."""
    with tempfile.TemporaryDirectory() as made, Children() as children:
        folder = Path(made)
        key, certificate = write_certificate(folder)
        store = start_store(children, folder)
        endpoint = children.start_module(
            "benchmarks.refresh.token_endpoint",
            str(key),
            str(certificate),
            log=folder / "token-endpoint.log",
            env={},
        )
        origin = f"https://localhost:{endpoint.announced()['port']}"
        environment = {
            **_environment(store),
            "BROKER_LOCAL_ORIGINS": origin,
            "SSL_CERT_FILE": str(certificate),
        }
        with _worker(folder / "worker.log", store.process, environment) as worker:
            yield Surroundings(store, endpoint, origin, certificate, worker)


@contextmanager
def _worker(
    log: Path, store: Child, environment: dict[str, str]
) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "benchmarks.refresh.worker", str(log), str(store.pid)]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as worker:
        try:
            yield worker
        finally:
            worker.kill()


def _environment(store: Store) -> dict[str, str]:
    """Create what the template declares; return the environment of worker and scheduler."""
    template = Template.load(ROOT / "template.yaml", {}, REGION)
    template = template.with_physical_ids(store.create(template))
    own = {
        name: value
        for function in template.functions()
        if function.logical_id in _FUNCTIONS
        for name, value in function.environment.items()
    }
    return {
        **bare_environment(),
        "PYTHONPATH": str(ROOT / "layers" / "common"),
        "AWS_ACCESS_KEY_ID": ACCOUNT,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL": store.address,
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        **own,
        "REFRESHES_PER_SECOND": "1000",  # the pace is not what is measured
    }


def _pipes(worker: "subprocess.Popen[str]") -> tuple[IO[str], IO[str]]:
    if worker.stdin is None or worker.stdout is None:
        raise RuntimeError("The worker was started without pipes.")
    return worker.stdin, worker.stdout
