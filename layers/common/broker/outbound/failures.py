"""Why not one byte of a request left."""

from enum import StrEnum

from broker.errors import NotSent


class Obstacle(StrEnum):
    """What stood between the broker and the other side."""

    NAME = "name"
    """The name does not resolve."""
    CONNECTION = "connection"
    """No judged address takes a connection."""
    TLS = "tls"
    """No trusted, secure channel to that name."""
    DEADLINE = "deadline"
    """The time was up before the first byte."""
    REQUEST = "request"
    """The request is not one that HTTP can carry."""


class Unreached(NotSent):
    """A NotSent that says why; ``reason`` is one public line and names no address."""

    def __init__(self, obstacle: Obstacle, reason: str) -> None:
        """Take the kind of obstacle, for a program, and the reason, for a person."""
        super().__init__(reason)
        self.obstacle = obstacle
        self.reason = reason
