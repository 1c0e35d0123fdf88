"""What AWS services do when they fail, as acts of the proxy."""

import json
import time

from tests.faults import wire
from tests.faults.proxy import CUT, Act, Asked, Cut


def _error(status: int, code: str) -> wire.Message:
    body = json.dumps({"__type": code, "message": "by the run"}).encode()
    kind = ("Content-Type", "application/x-amz-json-1.0")
    return wire.reply(status, body, kind, ("x-amzn-ErrorType", code))


def failing(_: Asked) -> wire.Message:
    """Answer that the service broke."""
    return _error(500, "InternalServerError")


def throttled(_: Asked) -> wire.Message:
    """Answer that the table, or one of its indexes, takes no more."""
    return _error(400, "ProvisionedThroughputExceededException")


def key_throttled(_: Asked) -> wire.Message:
    """Answer as KMS does above its request quota."""
    return _error(400, "ThrottlingException")


def key_refused(_: Asked) -> wire.Message:
    """Answer as KMS does where no policy allows it."""
    return _error(400, "AccessDeniedException")


def cut(_: Asked) -> Cut:
    """Close the connection without an answer."""
    return CUT


def slow(seconds: float) -> Act:
    """Let it take a moment, in real time."""

    def wait(_: Asked) -> None:
        time.sleep(seconds)

    return wait
