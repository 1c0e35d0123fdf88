"""The composition root: alone knows everyone."""

import functools
import os

from broker.clock import Clock
from broker.settings import Settings

from .flows import Wiring
from .parts import Parts

__all__ = ["Parts", "Wiring", "wiring"]


@functools.cache
def wiring() -> Wiring:
    """Return this container's flows; raise ConfigurationError naming the variables at fault."""
    return Wiring(Parts(Settings.read(os.environ), Clock()))
