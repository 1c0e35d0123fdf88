"""What a run of kinds says: a line for each, the sum, and the table of the documentation."""

import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.faults.kind import Kind, Tally
from tests.faults.stage import Stage

BEGIN, END = "<!-- faults:begin -->", "<!-- faults:end -->"


@dataclass(frozen=True, slots=True)
class Shown:
    """One kind, run."""

    kind: Kind
    tally: Tally
    seconds: float
    broke: str = ""

    @property
    def held(self) -> bool:
        """Whether it held what the kind promises."""
        return not self.broke and self.tally.held

    def line(self) -> str:
        """Return the line that is printed."""
        said = "held" if self.held else f"BROKE: {self.broke or self.tally}"
        tally = self.tally
        counted = f"{tally.runs:4} runs {tally.refreshes:5} refreshes {self.seconds:6.1f} s"
        ended = f"  ({tally.ambiguous} ambiguous)" if tally.ambiguous else ""
        return f"{self.kind.name:58} {counted}  {said}{ended}"


def run_one(stage: Stage, kind: Kind) -> Shown:
    """Run a kind; one that raises is shown as broken."""
    began = time.monotonic()
    try:
        tally, broke = kind.run(stage), ""
    except Exception as exc:  # noqa: BLE001 - whatever it was, it is shown
        tally, broke = Tally(), f"{type(exc).__name__}: {exc}"
        traceback.print_exc()
    return Shown(kind, tally, time.monotonic() - began, broke)


def last_line(shown: Sequence[Shown]) -> str:
    """Return the sum in one line."""
    total = sum((each.tally for each in shown), Tally())
    line = (
        f"faults: {total.runs} runs, {total.refreshes} refresh requests, "
        f"{total.double_spends} double spends, {total.lost} lost, {total.stuck} stuck"
    )
    broke = sum(not each.held for each in shown)
    return line + (f", {broke} of {len(shown)} kinds broke" if broke else "")


def table(shown: Sequence[Shown]) -> str:
    """Return the table of the documentation."""
    lines = ["| Run | Fault | Outcome | Runs | Refresh requests |", "|---|---|---|---|---|"]
    for each in shown:
        kind, tally = each.kind, each.tally
        numbers = f"{tally.runs} | {tally.refreshes}"
        lines.append(f"| {kind.name} | {kind.fault} | {kind.outcome} | {numbers} |")
    return "\n".join([*lines, "", f"`{last_line(shown)}`"])


def write_table(document: Path, shown: Sequence[Shown]) -> None:
    """Put the table between its markers."""
    text = document.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    document.write_text(f"{before}{BEGIN}\n{table(shown)}\n{END}{after}", encoding="utf-8")
