"""What MCP clients ask our own endpoint, and what they are answered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from .server import Server

MODERN_REVISION = "2026-07-28"
"""Of this revision every request stands alone; before it, ``initialize`` came first."""
URL_REVISION = "2025-11-25"
"""The one revision whose clients are told of a URL by error -32042."""
HANDSHAKE_REVISIONS = (URL_REVISION, "2025-06-18", "2025-03-26")
REVISIONS = (MODERN_REVISION, *HANDSHAKE_REVISIONS)
INVALID_REQUEST, METHOD_NOT_FOUND, INVALID_PARAMS = -32600, -32601, -32602
PARSE_ERROR, INTERNAL_ERROR = -32700, -32603
HEADER_MISMATCH, MISSING_CAPABILITY, UNSUPPORTED_VERSION = -32020, -32021, -32022
URL_ELICITATION_REQUIRED = -32042
RESOURCE_NOT_FOUND = -32002
"""Before 2026-07-28; since then it is -32602."""
USER_NEEDED = 403
"""Our own code, outside JSON-RPC's: the user must do something first."""

USUAL_LOG_LEVEL = "info"
"""For clients of before 2026-07-28 that named none: then it is for the server to choose."""

type ProgressToken = str | int
type Notifications = Sequence[Mapping[str, object]]


@dataclass(frozen=True, slots=True)
class Hearing:
    """What a caller wants to hear of on the way to an answer; by default nothing is asked for."""

    progress_token: ProgressToken | None = None
    """The caller's own. The server is given another, so that two users of one session never
    share one, and the caller finds its own again in what it is handed."""
    log_level: str | None = None
    """RFC 5424's, as MCP names them. To servers of before 2026-07-28, which keep a level per
    session, it is not told: they log as they please."""


NOTHING = Hearing()


@dataclass(frozen=True, slots=True)
class McpRequest:
    """One request of an MCP client, of a revision that we speak."""

    method: str
    params: Mapping[str, object] = field(repr=False)
    revision: str
    capabilities: Mapping[str, object] | None = None
    """What the client declared with this request; None: it did so at ``initialize``."""
    hearing: Hearing = NOTHING
    mirrored: Mapping[str, str | None] | None = field(default=None, repr=False)
    """The ``Mcp-Param-…`` headers by the rest of their names, in lower case; a value of None is
    malformed. None: the revision has no such headers."""

    @property
    def is_modern(self) -> bool:
        """Say whether the request stands alone (2026-07-28)."""
        return self.revision == MODERN_REVISION


@dataclass(frozen=True, slots=True)
class McpResult:
    """A result; ``ttl_ms`` says how long what can be cached may be."""

    result: Mapping[str, object] = field(repr=False)
    ttl_ms: int = 0
    notices: Notifications = field(default=(), repr=False)
    """What the MCP server said on the way: ``{"method": …, "params": …}`` each."""
    connects: bool = False
    """It asks the user to connect, or to consent to more."""


@dataclass(frozen=True, slots=True)
class McpInput:
    """The client is asked for more first (2026-07-28, Multi Round-Trip Requests)."""

    input_requests: Mapping[str, object] | None = field(repr=False)
    request_state: str = field(repr=False)
    notices: Notifications = field(default=(), repr=False)
    connects: bool = False


type McpOutcome = McpResult | McpInput


@dataclass(frozen=True, slots=True)
class ProtectedResource:
    """Which authorization server lets clients in at an endpoint of ours (RFC 9728 §2)."""

    resource: str
    authorization_server: str
    server: Server


def elicits_urls(capabilities: Mapping[str, object]) -> bool:
    """Say whether a client declared that it can show its user a URL (``elicitation.url``)."""
    elicitation = capabilities.get("elicitation")
    return isinstance(elicitation, Mapping) and isinstance(elicitation.get("url"), Mapping)


def elicits_forms(capabilities: Mapping[str, object]) -> bool:
    """Say whether a client declared forms; an empty ``elicitation`` means just that."""
    elicitation = capabilities.get("elicitation")
    return isinstance(elicitation, Mapping) and ("form" in elicitation or not elicitation)
