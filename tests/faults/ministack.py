"""The AWS services that fault runs use: ministack, whose conditional writes are atomic.

It runs in an environment of its own (``make setup-ministack``).
"""

import contextlib
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local.processes import ChildFailedError, bare_environment
from tests.faults.stage import Stage

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv-ministack" / "bin" / "python"
_READY_SECONDS = 60.0


@contextmanager
def ministack(stage: Stage) -> Iterator[int]:
    """Run it; yield its port. It ends with this process, however that ends."""
    if not PYTHON.exists():
        raise ChildFailedError("there is no .venv-ministack: make setup-ministack")
    port = _free_port()
    environment = bare_environment() | {
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "LOG_LEVEL": "ERROR",
        "SFTP_ENABLED": "0",
        "TMPDIR": str(stage.folder),
        "DOCKER_HOST": "unix:///nowhere",
    }
    child = stage.children.start(
        "ministack",
        [str(PYTHON), "-m", "ministack"],
        log=stage.folder / "ministack.log",
        cwd=stage.folder,
        env=environment,
    )
    deadline = time.monotonic() + _READY_SECONDS
    while not _answers(port):
        if not child.alive or time.monotonic() > deadline:
            raise ChildFailedError(f"ministack did not come up: {child.log}")
        time.sleep(0.05)
    try:
        yield port
    finally:
        stage.children.stop(child)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def _answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
        return True
    return False
