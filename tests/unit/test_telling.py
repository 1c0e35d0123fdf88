"""How a walk speaks of a step that was not run."""

import pytest

from local.telling import Teller


@pytest.fixture
def teller() -> Teller:
    return Teller("walk", colours=False)


def test_a_step_that_is_not_run_has_a_mark_in_place_of_its_number(
    teller: Teller, capsys: pytest.CaptureFixture[str]
) -> None:
    teller.held("first", "seen")
    teller.not_run("second", "nobody asked")
    teller.held("third", "seen")
    lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines] == [
        ["1", "first", "seen"],
        ["–", "second", "not", "run:", "nobody", "asked"],
        ["3", "third", "seen"],
    ]


def test_a_step_that_is_not_run_does_not_count_as_held(
    teller: Teller, capsys: pytest.CaptureFixture[str]
) -> None:
    teller.held("first", "seen")
    teller.not_run("second", "nobody asked")
    teller.held("third", "seen")
    teller.ended()
    assert capsys.readouterr().out.splitlines()[-1] == "walk: 2 steps held, 1 not run"
