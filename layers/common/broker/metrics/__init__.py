"""Every metric of the broker, as data: its name, unit, dimensions, and what it means.

Nothing else is emitted. A dimension has a closed set of values, and what is not in it is counted
as ``other``: no text of a stranger, no id, no URL becomes a dimension. Each metric is emitted
under ``service`` alone and, where it has dimensions, under ``service`` and all of them; an alarm
or a graph must name one of these sets exactly.
"""

from .metric import Dimension, Metric, Unit
from .values import ERRORS, OAUTH_ERRORS, RECONNECTS, REQUEST_FAILURES, STATES


def _of(name: str, *values: str) -> Dimension:
    return Dimension(name, frozenset(values))


def _counted(name: str, meaning: str, *dimensions: Dimension) -> Metric:
    return Metric(name, Unit.COUNT, meaning, dimensions)


def _latency(name: str, meaning: str) -> Metric:
    return Metric(name, Unit.MILLISECONDS, meaning, (_of("door", "http", "batch"),))


# ------------------------------------------------------------------------------------- calls

INVOKE = _counted(
    "Invoke",
    "An invoke was answered: run, failed in the tool, asked for input, or a prompt or error's code",
    _of(
        "outcome",
        "completed",
        "tool_error",
        "input_required",
        "not_connected",
        "reconnect_required",
        "additional_scope",
        *ERRORS,
    ),
)
MCP_REQUEST = _counted(
    "McpRequest",
    "A request at /mcp was answered: as an invoke, or refused as no request of MCP's",
    _of("method", "tools_call", "tools_list", "none"),
    _of(
        "outcome",
        "completed",
        "tool_error",
        "input_required",
        "authorization_required",
        "refused",
        *ERRORS,
    ),
)
STORE_LATENCY = _latency("StoreLatency", "One request to DynamoDB, repetitions included")
VAULT_LATENCY = _latency("VaultLatency", "One request to KMS; a data key held open asks nothing")
REFRESH_LATENCY = _latency("RefreshLatency", "One refresh at a token endpoint, until its answer")
MCP_LATENCY = _latency("McpLatency", "One call of an MCP server, all of its requests together")
MCP_UNAUTHORIZED = _counted(
    "McpUnauthorized",
    "An MCP server answered 401: to the first attempt, or again after a refresh",
    _of("attempt", "first", "again"),
)
SERVER_REJECTS_EVERYBODY = _counted(
    "ServerRejectsEverybody",
    "A call was refused because its MCP server refuses more than five users",
)
UNEXPECTED_ERROR = _counted("UnexpectedError", "A fault of ours, answered as 500 or redelivered")
STORED_BY_NEWER_VERSION = _counted(
    "StoredByNewerVersion", "An item that a newer release wrote was met, and left as it is"
)

# ----------------------------------------------------------------------------------- refresh

REFRESH = _counted(
    "Refresh",
    "A refresh was sent: what came of it, and the OAuth error or the kind of silence behind it",
    _of("outcome", "refreshed", *REQUEST_FAILURES),
    _of(
        "cause",
        "none",
        *OAUTH_ERRORS,
        "rate_limited",
        "server_error",
        "unusable",
        "no_answer",
        "not_sent",
        "blocked_address",
    ),
)
REFRESH_FAILED = _counted(
    "RefreshFailed", "1 for a refresh that brought no token set, 0 for one that did"
)
REFRESH_ORPHANED = _counted(
    "RefreshOrphaned", "A refreshed set found its connection gone or reconnected"
)
TOKEN_SET_RESCUED = _counted(
    "TokenSetRescued", "A refreshed set that the table did not take went to the rescue queue"
)
RESCUE_APPLIED = _counted("RescueApplied", "A rescued set was stored")
RESCUE_DISCARDED = _counted("RescueDiscarded", "A rescued set without a connection was revoked")
TOKEN_SET_LOST = _counted(
    "TokenSetLost", "Neither the table nor the rescue queue took a refreshed set: a lost grant"
)
SERVER_MISCONFIGURED = _counted(
    "ServerMisconfigured", "An authorization server refused a server's client credentials"
)
KEY_REFUSED = _counted("KeyRefused", "KMS refused the stack's key: denied, disabled, being deleted")
TICK = _counted(
    "Tick",
    "The scheduler ran: all that was due is queued, some is left for the next run, or parts failed",
    _of("outcome", "done", "full", "failed"),
)
TICK_FAILURE = _counted(
    "TickFailure",
    "Shards not read, claims and batches for the queue refused in one run; left to the next",
    _of("step", "read", "claim", "queue"),
)
OLDEST_DUE = Metric(
    "OldestDue",
    Unit.SECONDS,
    "How long the connection that is due longest has waited to be queued, 0 if none is due; "
    "not said while a shard cannot be read",
)
AHEAD_REFUSED = _counted(
    "AheadRefused",
    "The worker's look at a due connection ended in an error that passes",
    _of("error", *ERRORS),
)

# ------------------------------------------------------------------------------- connections

TRANSITION = _counted(
    "Transition",
    "A connection went from one state to another",
    _of("from", *STATES, "unknown"),
    _of("to", *STATES),
    _of("reason", "consented", "rescued", "removing", "removed", *RECONNECTS),
)
CONNECTION_EVENT = _counted(
    "ConnectionEvent",
    "The event bus was told what happened to a connection",
    _of(
        "event",
        "ConnectionEstablished",
        "ConnectionRecovered",
        "ConnectionRefreshFailed",
        "ConnectionRemoved",
        "ReconnectRequired",
    ),
)
REMOVAL = _counted(
    "Removal",
    "A connection was removed, and what became of its tokens at the service",
    _of("revocation", "confirmed", "failed", "unsupported"),
)
AUTHORIZATION_REQUEST = _counted("AuthorizationRequest", "A browser was sent to a service")
CONSENT_REFUSED = _counted("ConsentRefused", "Our consent page came back from another browser")
CALLBACK = _counted(
    "Callback",
    "An authorization response came back: kept, redeemed at once, or an error's code",
    _of(
        "outcome",
        "offered",
        "connected",
        *ERRORS,
        "access_denied",
        "account_selection_required",
        "authorization_failed",
        "consent_required",
        "interaction_required",
        "invalid_scope",
        "issuer_mismatch",
        "login_required",
        "unauthorized_client",
        "unsupported_response_type",
    ),
)
CALLBACK_REFUSED = _counted(
    "CallbackRefused",
    "An authorization response came from another browser or to another server's address",
    _of("why", "cookie", "redirect_uri"),
)
SESSION_MISMATCH = _counted(
    "SessionMismatch",
    "A completion was refused",
    _of("why", "erased", "mismatch", "server_gone", "unknown", "used"),
)
FIRST_USE = _counted(
    "FirstUse",
    "A server registered with nothing but its URL was discovered when it was first wanted",
    _of("outcome", "completed", "failed"),
)
EXCHANGE = _counted(
    "Exchange",
    "A code was exchanged, was refused, or brought tokens that nobody wants any more",
    _of("outcome", "exchanged", "unwanted", "discarded", *REQUEST_FAILURES),
)
TEST = _counted(
    "Test",
    "A test of a configuration began or went a step on",
    _of("outcome", "started", "waiting_for_consent", "running", "succeeded", "failed"),
)

LATENCIES = (STORE_LATENCY, VAULT_LATENCY, REFRESH_LATENCY, MCP_LATENCY)
CATALOGUE = (
    INVOKE,
    MCP_REQUEST,
    *LATENCIES,
    MCP_UNAUTHORIZED,
    SERVER_REJECTS_EVERYBODY,
    UNEXPECTED_ERROR,
    STORED_BY_NEWER_VERSION,
    REFRESH,
    REFRESH_FAILED,
    REFRESH_ORPHANED,
    TOKEN_SET_RESCUED,
    RESCUE_APPLIED,
    RESCUE_DISCARDED,
    TOKEN_SET_LOST,
    SERVER_MISCONFIGURED,
    KEY_REFUSED,
    TICK,
    TICK_FAILURE,
    OLDEST_DUE,
    AHEAD_REFUSED,
    TRANSITION,
    CONNECTION_EVENT,
    REMOVAL,
    AUTHORIZATION_REQUEST,
    CONSENT_REFUSED,
    CALLBACK,
    CALLBACK_REFUSED,
    SESSION_MISMATCH,
    FIRST_USE,
    EXCHANGE,
    TEST,
)
