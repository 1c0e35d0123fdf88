"""No chance, no log: what a run draws is decided, and what it says of itself is not heard."""

import logging
import random
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from broker.telemetry import emission, logger
from tests.model.told import Told

JITTER = 1.0
"""Where in its range every random pause lies: at its end."""


@contextmanager
def quiet(told: list[Told]) -> Iterator[None]:
    """Let the code draw from the run in ``told[0]``, and neither log nor count."""
    level = logger().log_level
    logger().setLevel(logging.CRITICAL)
    with (
        patch.object(secrets, "token_urlsafe", lambda _: told[0].draw()),
        patch.object(random, "uniform", lambda low, high: low + (high - low) * JITTER),
        patch.object(random, "random", lambda: JITTER),
        patch.object(emission, "write", lambda *_: None),
    ):
        try:
            yield
        finally:
            logger().setLevel(level)
