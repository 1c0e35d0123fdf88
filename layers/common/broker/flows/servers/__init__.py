"""The registry: writes configuration, reads no secret, talks to nobody."""

from .servers import Servers

__all__ = ["Servers"]
