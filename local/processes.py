"""Child processes that never outlive this one.

Three things end a child: `Child.stop`; the reaper, which kills the groups of all children once this
process is gone, however it went; and, for the servers of our own, the end of their stdin.
PR_SET_PDEATHSIG is not among them: it fires when the *thread* that started the child ends (here
often one that served a single request), and only Linux has it.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import IO, Any, Self

from local import reaper

_NECESSITIES = ("PATH", "LD_LIBRARY_PATH", "SYSTEMROOT", "TMPDIR")
_READY_SECONDS = 60.0


class ChildFailedError(Exception):
    """A child ended, or stayed silent, before it said that it was ready."""


def bare_environment() -> dict[str, str]:
    """Return what any process needs of the developer's environment, and nothing else of it."""
    return {name: os.environ[name] for name in _NECESSITIES if name in os.environ}


class Child:
    """One running child, the leader of its own session and process group."""

    def __init__(self, name: str, process: subprocess.Popen[bytes], log: Path) -> None:
        self.name = name
        self.log = log
        self._process = process
        self._announcement: Future[dict[str, Any]] = Future()
        self._ended = threading.Lock()

    @property
    def pid(self) -> int:
        """The process id, which is the id of its group as well."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    def announced(self, within: float = _READY_SECONDS) -> dict[str, Any]:
        """Return the JSON line that the child prints when it is ready; raise ChildFailedError."""
        try:
            return self._announcement.result(timeout=within)
        except TimeoutError as exc:
            raise ChildFailedError(
                f"{self.name} is not ready after {within} s: {self.log}"
            ) from exc

    def stop(self) -> None:
        """Kill the whole group, if the child still runs, and wait for the child."""
        if self.alive:
            self._kill_group()
        self.wait()

    def end(self, within: float) -> None:
        """Ask the child to end by itself (SIGTERM), and kill the group if it does not in time."""
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=within)
        self.stop()

    def wait(self) -> int:
        """Wait for the end and return the exit status, negative for a signal."""
        status = self._process.wait()
        # Once, and at once: later the number may be that of a stranger's group.
        if self._ended.acquire(blocking=False):
            self._kill_group()
            if self._process.stdin:
                self._process.stdin.close()
        return status

    def _kill_group(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)

    def listen(self, stdout: IO[bytes]) -> None:
        """Copy the child's stdout to its log; take the first line for the announcement."""
        with stdout, self.log.open("ab") as log:
            for line in stdout:
                log.write(line)
                log.flush()
                self._hear(line)
        if not self._announcement.done():
            failure = ChildFailedError(f"{self.name} ended before it was ready: {self.log}")
            self._announcement.set_exception(failure)

    def _hear(self, line: bytes) -> None:
        if not self._announcement.done():
            with contextlib.suppress(json.JSONDecodeError):
                self._announcement.set_result(json.loads(line))


class Children:
    """Starts children and ends them all; to be closed, or used as a context manager."""

    def __init__(self) -> None:
        command = [sys.executable, "-I", "-S", reaper.__file__]
        self._reaper = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)
        self._lock = threading.Lock()
        self._children: dict[int, Child] = {}

    def start(
        self,
        name: str,
        command: Sequence[str],
        *,
        log: Path,
        cwd: Path,
        env: Mapping[str, str],
        announces: bool = False,
    ) -> Child:
        """Start a child with just this environment; both its outputs go to the log."""
        with log.open("ab") as output, _undisturbed():
            process = subprocess.Popen(
                command,
                cwd=cwd,
                env=dict(env),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE if announces else output,
                stderr=output,
                start_new_session=True,
            )
            child = Child(name, process, log)
            self._register(child)
        if process.stdout:
            threading.Thread(target=child.listen, args=(process.stdout,), daemon=True).start()
        return child

    def start_module(
        self, module: str, *arguments: str, log: Path, env: Mapping[str, str]
    ) -> Child:
        """Start a server of this repository, which prints `{"port": N}` when it is ready."""
        root = Path(__file__).resolve().parents[1]
        command = [sys.executable, "-m", module, *arguments]
        environment = bare_environment() | {"PYTHONUNBUFFERED": "1"} | dict(env)
        return self.start(module, command, log=log, cwd=root, env=environment, announces=True)

    def stop(self, child: Child) -> None:
        """End one child."""
        child.stop()
        self.forget(child)

    def forget(self, child: Child) -> None:
        """Drop a child that has ended."""
        with self._lock:
            if self._children.pop(child.pid, None):
                self._tell_reaper(f"-{child.pid}")

    def close(self) -> None:
        """End all children, then the reaper."""
        for child in list(self._children.values()):
            self.stop(child)
        if self._reaper.stdin:
            self._reaper.stdin.close()
        self._reaper.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _register(self, child: Child) -> None:
        with self._lock:
            self._children[child.pid] = child
            self._tell_reaper(f"+{child.pid}")

    def _tell_reaper(self, line: str) -> None:
        pipe = self._reaper.stdin
        if pipe and not pipe.closed:
            pipe.write(f"{line}\n".encode())
            pipe.flush()


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Put signals off until a child that runs is known: a handler that raises would lose it."""
    if threading.current_thread() is not threading.main_thread():
        yield  # where no handler runs
        return
    came: list[int] = []
    before = {
        number: handler
        for number in (signal.SIGINT, signal.SIGTERM)
        if callable(handler := signal.getsignal(number))
    }
    for number in before:
        signal.signal(number, lambda number, _frame: came.append(number))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for late in came:
            signal.raise_signal(late)
