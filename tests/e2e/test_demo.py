"""How `make demo` ends: the walk itself is `make demo`, and costs more than a test may."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from local.choice import Choice
from local.demo import __main__ as demo
from local.demo import walk
from local.telling import NotHeldError


@contextmanager
def _empty_stage(logs: Callable[[str], None], choice: Choice) -> Iterator[Any]:
    logs(str(Path.cwd() / "somewhere" / "logs"))
    deployment = SimpleNamespace(functions={}, url="http://broker.localhost:1")
    yield SimpleNamespace(bound=SimpleNamespace(deployment=deployment))


def _held(_stage: object) -> str:
    return "what was seen"


def _not_held(_stage: object) -> str:
    raise NotHeldError("a fish", "a bird")


def _interrupted(_stage: object) -> str:
    raise KeyboardInterrupt


def _surprised(_stage: object) -> str:
    raise KeyError("completion_code")


@pytest.fixture
def ending(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, list[str]]]:
    """Run the demo with these steps; return its exit status and its lines."""

    def run(*steps: Callable[[object], str]) -> tuple[int, list[str]]:
        monkeypatch.setattr(demo, "raised", _empty_stage)
        monkeypatch.setattr(walk, "STEPS", [(step.__name__, step) for step in steps])
        return demo.main([]), capsys.readouterr().out.splitlines()

    return run


def test_when_all_held_the_last_line_says_how_many(
    ending: Callable[..., tuple[int, list[str]]],
) -> None:
    status, lines = ending(_held, _held)
    assert status == 0
    assert lines[-1] == "demo: 3 steps, all held"
    assert lines[1].split() == ["2", "_held", "what", "was", "seen"]


def test_ctrl_c_ends_it_without_a_traceback(
    ending: Callable[..., tuple[int, list[str]]],
) -> None:
    status, lines = ending(_held, _interrupted, _held)
    assert (status, len(lines)) == (130, 2)


def test_a_step_that_did_not_hold_is_named_with_what_was_seen(
    ending: Callable[..., tuple[int, list[str]]],
) -> None:
    status, lines = ending(_held, _not_held, _held)
    assert status == 1
    assert [line.split() for line in lines[2:]] == [
        ["3", "_not_held", "did", "not", "hold"],
        ["expected", "a", "fish"],
        ["seen", "a", "bird"],
        ["logs", "somewhere/logs"],
    ]


def test_an_answer_of_another_shape_is_a_step_that_did_not_hold(
    ending: Callable[..., tuple[int, list[str]]],
) -> None:
    status, lines = ending(_surprised)
    assert status == 1
    assert "KeyError: 'completion_code'" in lines[3]
