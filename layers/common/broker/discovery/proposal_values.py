"""A server that could be registered, and where each of its values comes from."""

from dataclasses import dataclass, field, replace
from typing import Any

from broker.model import Server

CONFIGURED = "configured"
CHALLENGE = "challenge"
DEFAULT = "default"


@dataclass(slots=True)
class Proposal:
    """A server, and where its values come from: a URL, or one of the words above."""

    server: Server
    sources: dict[str, str] = field(default_factory=dict)
    registration_endpoint: str | None = None

    def take(self, name: str, value: Any, source: str) -> None:
        """Set a field and remember its source."""
        self.server = replace(self.server, **{name: value})
        self.sources[name] = source
