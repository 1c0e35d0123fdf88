"""One simulated time for all processes: hours pass without waiting."""

import mmap
import struct
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from broker.clock import Clock

_AHEAD = struct.Struct("d")


class SharedTime:
    """By how much everybody's time runs ahead of the real one, in memory that all processes map.

    It moves the wall clocks and the monotonic clocks of all workers, and the ``Date`` of the table:
    a jump is what a frozen container sees.
    """

    def __init__(self, path: Path) -> None:
        if not path.exists():
            path.write_bytes(_AHEAD.pack(0.0))
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), _AHEAD.size)

    @property
    def ahead(self) -> float:
        """Seconds that were jumped over so far."""
        ahead: float = _AHEAD.unpack_from(self._map)[0]
        return ahead

    def passes(self, seconds: float) -> None:
        """Let time jump."""
        _AHEAD.pack_into(self._map, 0, self.ahead + seconds)

    def now(self) -> float:
        """Return seconds since the epoch."""
        return time.time() + self.ahead


@dataclass(frozen=True, slots=True)
class AheadClock(Clock):
    """A container's clock: its monotonic seconds are true, its wall clock may be wrong."""

    time: SharedTime = field(kw_only=True)
    wrong_by: float = field(default=0.0, kw_only=True)

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.time.now(), UTC) + timedelta(seconds=self.wrong_by)

    def monotonic(self) -> float:
        return time.monotonic() + self.time.ahead
