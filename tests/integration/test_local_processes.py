"""A child process that was started is always one that can be ended."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from local import processes
from local.processes import Children, bare_environment

SLEEPS = [sys.executable, "-c", "import time; time.sleep(60)"]


@pytest.fixture(params=[signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def number(request: pytest.FixtureRequest) -> Iterator[signal.Signals]:
    """A signal whose handler ends the program, as those of the commands do."""

    def ends(number: int, _frame: FrameType | None) -> None:
        sys.exit(128 + number)

    before = signal.signal(request.param, ends)
    yield request.param
    signal.signal(request.param, before)


def test_a_signal_that_comes_while_a_child_starts_does_not_lose_it(
    tmp_path: Path, number: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[int] = []
    handler = signal.getsignal(number)

    def popen(*args: Any, **options: Any) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(*args, **options)
        started.append(process.pid)
        signal.raise_signal(number)
        return process

    with Children() as children:
        monkeypatch.setattr(processes, "subprocess", _Subprocess(popen))
        with pytest.raises(SystemExit) as ended:
            children.start(
                "sleeps", SLEEPS, log=tmp_path / "log", cwd=tmp_path, env=bare_environment()
            )
        monkeypatch.undo()
    assert ended.value.code == 128 + number
    assert signal.getsignal(number) == handler
    with pytest.raises(ProcessLookupError):
        os.kill(started[0], 0)


class _Subprocess:
    """The module, with another Popen."""

    def __init__(self, popen: Any) -> None:
        self.Popen = popen

    def __getattr__(self, name: str) -> Any:
        return getattr(subprocess, name)
