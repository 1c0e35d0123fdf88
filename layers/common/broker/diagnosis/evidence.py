"""What was seen at one step of a flow, fit to be stored, logged and shown to the builder."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self

from .scrub import scrub, short_code

type Fact = str | bool | int

_MEDIA_TYPES = frozenset(
    {
        "application/json",
        "application/problem+json",
        "application/x-www-form-urlencoded",
        "application/xml",
        "text/event-stream",
        "text/html",
        "text/plain",
        "text/xml",
    }
)


class Step(StrEnum):
    """Where in the flow."""

    AUTHORIZATION = "authorization"
    EXCHANGE = "exchange"
    ACCOUNT = "account"
    MCP = "mcp"
    TOOLS = "tools"
    REFRESH = "refresh"
    REVOCATION = "revocation"
    METADATA = "metadata"


class Kind(StrEnum):
    """What came of it."""

    OK = "ok"
    REFUSED = "refused"
    """An answer that was understood, and says no."""
    UNUSABLE = "unusable"
    """An answer that was not understood."""
    NO_ANSWER = "no_answer"
    """Bytes left, and no whole answer came back."""
    NOT_SENT = "not_sent"
    """No byte left: name, connection or TLS failed."""
    BLOCKED = "blocked"
    """An address that the broker does not talk to."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """One observation; whatever is put in, what it holds is scrubbed.

    Secrets that look like words must be taken out before (``scrub(text, hide=…)``).
    """

    step: Step
    kind: Kind
    status: int | None = None
    content_type: str | None = None
    """The bare media type, in lower case."""
    error: str | None = None
    """A short code: the service's, or one of ours (``issuer_mismatch``, ``server_changed``)."""
    description: str | None = None
    facts: Mapping[str, Fact] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Scrub, so that no caller can forget to."""
        described = scrub(self.description) if self.description else None
        facts = {
            name: scrub(fact) if isinstance(fact, str) else fact
            for name, fact in self.facts.items()
        }
        object.__setattr__(self, "content_type", media_type(self.content_type))
        object.__setattr__(self, "error", short_code(self.error))
        object.__setattr__(self, "description", described or None)
        object.__setattr__(self, "facts", facts)

    @property
    def data(self) -> dict[str, object]:
        """Return what it says as plain data: to be stored, and shown to the builder."""
        said = {
            "step": self.step.value,
            "outcome": self.kind.value,
            "status": self.status,
            "content_type": self.content_type,
            "error": self.error,
            "description": self.description,
            "facts": dict(self.facts) or None,
        }
        return {name: value for name, value in said.items() if value is not None}

    @classmethod
    def of_data(cls, said: Mapping[str, Any]) -> Self:
        """Read what ``data`` wrote."""
        return cls(
            Step(said["step"]),
            Kind(said["outcome"]),
            said.get("status"),
            said.get("content_type"),
            said.get("error"),
            said.get("description"),
            said.get("facts", {}),
        )

    @property
    def seen(self) -> str:
        """Put the observation in one line."""
        status = f" HTTP {self.status}" if self.status else ""
        media = f" {self.content_type}" if self.content_type else ""
        told = [self.error or "", f"“{self.description}”" if self.description else ""]
        words = ", ".join(word for word in told if word)
        return f"{self.step}: {self.kind}{status}{media}{': ' if words else ''}{words}"


def media_type(content_type: str | None) -> str | None:
    """Return the bare media type of a Content-Type (RFC 9110 §8.3.1), None if there is none.

    One that tells nothing here is "other": a stranger could write a secret there.
    """
    bare = (content_type or "").partition(";")[0].strip().lower()
    if not bare:
        return None
    return bare if bare in _MEDIA_TYPES else "other"
