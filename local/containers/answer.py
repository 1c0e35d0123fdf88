"""What an invocation comes to."""

import json
from dataclasses import dataclass, field
from typing import Any, Self

PAYLOAD_LIMIT = 6 * 1024 * 1024


class RequestTooLargeError(Exception):
    """The event is over 6 MB; Lambda refuses it before a container sees it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The payload of an Invoke response, and whether the function failed (`FunctionError`)."""

    payload: bytes = field(repr=False)
    error: str | None = None
    """The failure's name: an exception's class, `Sandbox.Timedout`, `Runtime.ExitError`…"""

    @classmethod
    def failed(cls, error: str, message: str) -> Self:
        """Make the answer that Lambda gives in place of a function that cannot answer itself."""
        body = {"errorType": error, "errorMessage": message}
        return cls(json.dumps(body).encode(), error)

    def json(self) -> Any:
        """Return the parsed payload."""
        return json.loads(self.payload)
