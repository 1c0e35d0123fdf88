"""Each minute: put the connections that are due on the queue."""

from .budget import clears
from .scheduler import RefreshScheduler, Tick

__all__ = ["RefreshScheduler", "Tick", "clears"]
