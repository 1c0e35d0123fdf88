"""One execution environment: a process that runs the real runtime loop."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

from local.containers.answer import Answer
from local.containers.function import LambdaFunction
from local.containers.runtime_api import Invocation, RuntimeApi
from local.processes import Child, Children

# Lambda allows 10 s; here other containers may be starting on the same few cores.
_INIT_SECONDS = 60.0
_FATAL = {"Function.ResponseSizeTooLarge", "Sandbox.Timedout"}


class Container:
    """Runs one event at a time, and keeps its module state in between."""

    def __init__(
        self,
        function: LambdaFunction,
        children: Children,
        log: Path,
        on_end: Callable[["Container"], None],
    ) -> None:
        self.function = function
        self.log = log
        self.busy = True
        self.idle_since = time.monotonic()
        self.invocations = 0
        self._children = children
        self._on_end = on_end
        self._api = RuntimeApi(function.arn, function.timeout)
        try:
            self._child = self._start()
        except OSError as exc:
            self._api.end("Runtime.InvalidEntrypoint", str(exc))
            raise
        threading.Thread(target=self._watch, daemon=True).start()

    @property
    def pid(self) -> int:
        """The runtime loop's process id."""
        return self._child.pid

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self._child.alive

    def run(self, payload: bytes) -> Answer | None:
        """Have one event answered; None if a warm container died before it took the event."""
        invocation, warm = Invocation(payload), self.invocations > 0
        self.invocations += 1
        self._api.offer(invocation)
        if not invocation.taken.wait(_INIT_SECONDS):
            self.kill()
        answer = self._await(invocation)
        if answer.error in _FATAL:
            self.kill()
        return None if warm and not invocation.delivered else answer

    def release(self) -> None:
        """Be free for the next event."""
        self.busy = False
        self.idle_since = time.monotonic()

    def kill(self) -> None:
        """Kill the process and wait until it is gone."""
        self._child.stop()

    def _start(self) -> Child:
        return self._children.start(
            self.function.label,
            [str(self.function.python), "-m", "awslambdaric", self.function.handler],
            log=self.log,
            cwd=self.function.folder,
            env=self.function.process_environment(self._api.address, self.log.stem),
        )

    def _await(self, invocation: Invocation) -> Answer:
        try:
            return invocation.answer.result(timeout=self.function.timeout)
        except TimeoutError:
            seconds = f"{self.function.timeout:.2f}"
            invocation.fail("Sandbox.Timedout", f"Task timed out after {seconds} seconds")
            return invocation.answer.result()

    def _watch(self) -> None:
        status = self._child.wait()
        cause = f"signal: {-status}" if status < 0 else f"exit status {status}"
        self._children.forget(self._child)
        self._api.end("Runtime.ExitError", f"Runtime exited with error: {cause}")
        self._on_end(self)
