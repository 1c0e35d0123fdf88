"""What flows answer; ``inbound`` alone turns them into JSON, redirects and pages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from .connection import Connection, Failure
from .mcp import Notifications
from .probe import TestRun
from .secret import Secret
from .server import Server


class PromptReason(StrEnum):
    """Why the user is asked."""

    NOT_CONNECTED = "not_connected"
    RECONNECT_REQUIRED = "reconnect_required"
    ADDITIONAL_SCOPE = "additional_scope"


@dataclass(frozen=True, slots=True)
class Prompt:
    """The three parts of the connect card: what and why, the button, the reassurance."""

    text: str
    button_label: str
    detail: str


@dataclass(frozen=True, slots=True)
class ConnectLink:
    """Where the user's browser is sent, and how the chat names the flow."""

    connect_url: str = field(repr=False)
    connect_id: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Completed:
    """The tool ran; ``result`` is the MCP CallToolResult as the server sent it."""

    result: Mapping[str, object] = field(repr=False)
    notices: Notifications = field(default=(), repr=False)
    """What the server said on the way, for a caller that can be told."""


@dataclass(frozen=True, slots=True)
class AuthorizationRequired:
    """The user must connect, reconnect or consent to more."""

    reason: PromptReason
    server: Server
    prompt: Prompt
    link: ConnectLink
    scopes: tuple[str, ...]
    failure: Failure | None = None
    missing_scopes: tuple[str, ...] = ()
    """Those of ``scopes`` that the user has not granted yet, where more is asked for."""


@dataclass(frozen=True, slots=True)
class SeveralRequired:
    """One card for several servers; without cards, the user is connected to all of them."""

    prompt: Prompt
    cards: Sequence[AuthorizationRequired]
    misconfigured: tuple[str, ...] = ()
    """Servers that no user can connect to before their builder acts."""


@dataclass(frozen=True, slots=True)
class InputRequired:
    """The MCP server asks for more before it goes on (2026-07-28 multi round trip)."""

    input_requests: Mapping[str, object] | None = field(repr=False)
    request_state: str | None = field(repr=False)
    notices: Notifications = field(default=(), repr=False)


type InvokeOutcome = Completed | AuthorizationRequired | InputRequired


@dataclass(frozen=True, slots=True)
class ToolListing:
    """A server's tools as last seen; times in the model are aware UTC."""

    tools: Sequence[Mapping[str, object]] = field(repr=False)
    fetched_at: datetime | None
    source: str
    """``user``: what this user's token was shown; ``catalogue``: what the builder published;
    ``none``: no list is known yet."""
    stale_because: str | None = None
    """Set when a refresh of the list failed and this is the last good one."""


@dataclass(frozen=True, slots=True)
class Connected:
    """A consent became a connection."""

    connection: Connection
    server: Server
    account_changed: bool
    recovered: bool


class Revocation(StrEnum):
    """What became of the tokens at the service."""

    CONFIRMED = "confirmed"
    PENDING = "pending"
    FAILED = "failed"
    UNSUPPORTED = "unsupported"


@dataclass(frozen=True, slots=True)
class Listed:
    """A connection with the server it is to; None where the server is gone."""

    connection: Connection
    server: Server | None


@dataclass(frozen=True, slots=True)
class Erased:
    """What became of each of a user's connections, and how many are left for another call."""

    revocations: dict[str, Revocation]
    remaining: int


@dataclass(frozen=True, slots=True)
class Registered:
    """A server as it stands now, and whether the request made it."""

    server: Server
    created: bool


@dataclass(frozen=True, slots=True)
class StartedTest:
    """A test, and where the builder's browser goes; None: no consent is needed."""

    run: TestRun
    link: ConnectLink | None


@dataclass(frozen=True, slots=True)
class Redirect:
    """Send the browser on (303), setting or clearing one flow's cookie."""

    location: str = field(repr=False)
    set_cookie: tuple[str, Secret] | None = None
    clear_cookie: str | None = None


@dataclass(frozen=True, slots=True)
class ConsentPage:
    """The page of ``SessionBinding=none`` before the service's own login."""

    chat_name: str
    chat_logo_url: str
    user_label: str
    service: str
    ticket: Secret
    csrf: Secret
    cookie_name: str
    action_origin: str
    locale: str | None = None


@dataclass(frozen=True, slots=True)
class ClosingPage:
    """Our own last page: connected, or one of a fixed set of refusals."""

    title: str
    message: str
    succeeded: bool
    completion_code: Secret | None = None
    """Shown to be copied, where a test has no page to return to."""
    clear_cookie: str | None = None
    locale: str | None = None


type BrowserOutcome = Redirect | ConsentPage | ClosingPage
