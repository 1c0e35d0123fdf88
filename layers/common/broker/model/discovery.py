"""What was found out about an MCP server from its URL alone, and what stands in the way."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Self

from .secret import Sealed
from .server import Server


class ClientSource(StrEnum):
    """Where the client id comes from, in the order in which they are tried."""

    PRE_REGISTERED = "pre_registered"
    """The builder's own, registered by hand."""
    CLIENT_ID_METADATA_DOCUMENT = "client_id_metadata_document"
    """The URL of our own document about this server's client."""
    DYNAMIC = "dynamic"
    """Registered at the authorization server (RFC 7591)."""
    BUILDER = "builder"
    """Nobody's yet: the builder has to register a client."""
    NOT_NEEDED = "not_needed"
    """The server has no authorization."""


class Severity(StrEnum):
    """Whether users can connect in spite of it."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that the builder should know: a code, in words, and the URL it was seen at."""

    code: str
    severity: Severity
    message: str
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Resemblance:
    """A preset that a server's authorization server is like."""

    preset_id: str
    name: str
    by: str
    """``endpoints``: they are the preset's; ``hosts``: they lie on the preset's hosts."""
    values: Mapping[str, str]
    """The preset's values with which it is so, as far as the URLs hold them."""


@dataclass(frozen=True, slots=True)
class Discovered:
    """A server as it could be registered; ``sources`` says of each field where it comes from."""

    server: Server
    """Its ``server_id`` is empty where none was asked about."""
    sources: Mapping[str, str]
    client: ClientSource
    problems: Sequence[Problem]
    seen: Mapping[str, str] = field(default_factory=dict)
    """``issuer`` and endpoints as they are named, whether or not they are proposed."""
    resembles: Sequence[Resemblance] = ()

    @property
    def ready(self) -> bool:
        """Say whether it works as it is, once it is registered so."""
        broken = any(problem.severity is Severity.ERROR for problem in self.problems)
        return not broken and not self.server.missing


@dataclass(frozen=True, slots=True)
class Found:
    """What discovery came to, for a server that has nothing but its URL."""

    server: Server | None
    """The server, complete; None: it cannot be completed so, and ``problems`` say why."""
    problems: Sequence[Problem]
    found_at: datetime


@dataclass(frozen=True, slots=True)
class ClientRegistration:
    """A client registered for one server at one issuer (RFC 7591 §3.2.1); good for no other."""

    server_id: str
    issuer: str
    client_id: str
    client_secret: Sealed | None
    token_request_style: str
    urls: frozenset[str]
    """Where the secret, or what it obtains, may be sent: nowhere else."""

    @classmethod
    def of(cls, server: Server) -> Self:
        """Return the client that a server uses."""
        return cls(
            server.server_id,
            server.issuer or "",
            server.client_id or "",
            server.client_secret,
            server.token_request_style.value,
            server.secret_places,
        )

    def reaches(self, server: Server) -> bool:
        """Say whether a server would send the secret, and what it obtains, nowhere new.

        One that was kept before places had roles names their URLs alone.
        """
        return server.secret_places <= self.urls or (
            server.secret_urls <= self.urls and not server.quirks.destinations
        )

    def fits(self, server: Server) -> bool:
        """Say whether a server would use just this client, and send its secret nowhere new."""
        return (
            (self.server_id, self.issuer) == (server.server_id, server.issuer)
            and self.client_id == server.client_id
            and self.token_request_style == server.token_request_style.value
            and self.reaches(server)
        )
