"""Logs and metrics, and what never enters them: a secret, a message of an unknown exception."""

from .emission import count, record
from .latency import measured, timed
from .logs import logger, unexpected

__all__ = ["count", "logger", "measured", "record", "timed", "unexpected"]
