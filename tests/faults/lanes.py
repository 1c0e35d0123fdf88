"""Run kinds in two processes at once, each on a stage of its own: most of a run is waiting."""

import multiprocessing
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from multiprocessing.util import Finalize
from pathlib import Path

from tests.faults import report
from tests.faults.kind import Kind, Tally
from tests.faults.kinds import all_kinds
from tests.faults.stage import Stage

_LANES = 2
_stages: list[Stage] = []
"""This process's stage, where it is a lane."""


def run(kinds: Sequence[Kind], seed: int) -> Iterator[report.Shown]:
    """Run kinds; yield what came of them, in their order."""
    context = multiprocessing.get_context("spawn")
    lanes = min(_LANES, len(kinds))
    with ProcessPoolExecutor(lanes, context, _open, (seed,)) as pool:
        told = [pool.submit(_run, kind.name) for kind in kinds]
        for kind, shown in zip(kinds, told, strict=True):
            yield replace(shown.result(), kind=kind)


def _open(seed: int) -> None:
    end = ExitStack()
    folder = end.enter_context(tempfile.TemporaryDirectory(prefix="faults-"))
    _stages.append(end.enter_context(Stage(Path(folder), seed)))
    Finalize(None, end.close, exitpriority=1)


def _run(name: str) -> report.Shown:
    """Run the kind of that name; its functions stay behind, they do not travel."""
    [kind] = (kind for kind in all_kinds() if kind.name == name)
    return replace(report.run_one(_stages[0], kind), kind=Kind(name, "", "", _nothing))


def _nothing(_: Stage) -> Tally:
    raise NotImplementedError
