"""The composition root: alone knows everyone."""

import functools
import os

from broker.clock import Clock
from broker.errors import ConfigurationError
from broker.settings import Settings
from broker.telemetry import logger

from .flows import Wiring
from .parts import Parts

__all__ = ["Parts", "Wiring", "wiring"]


def wiring() -> Wiring:
    """Return this container's flows; raise ConfigurationError where the environment is at fault."""
    built = _built()
    if isinstance(built, tuple):
        raise ConfigurationError(built)
    return built


@functools.cache
def _built() -> Wiring | tuple[str, ...]:
    """Build the flows, or name the variables at fault: once, and logged once for a container."""
    try:
        return Wiring(Parts(Settings.read(os.environ), Clock()))
    except ConfigurationError as exc:
        logger().error("configuration_error", extra={"variables": exc.variables})
        return exc.variables
