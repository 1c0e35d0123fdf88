"""The handshake of before 2026-07-28 (2025-11-25, Lifecycle), over either transport."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from broker.errors import McpServerError, OutboundError
from broker.model import Secret

from .eras import HANDSHAKE_VERSION, HANDSHAKE_VERSIONS, Era, Learned, is_refusal
from .exchange import SESSION_ID, Exchange, Reply
from .failures import refused, unanswered
from .http_sse import Channel
from .messages import CLIENT_INFO, Request

SMALL = 256 * 1024
"""Bytes of an answer that is not the caller's own."""


@dataclass(frozen=True, slots=True)
class _Line:
    """A way to a server: how it is asked, and how it is told."""

    ask: Callable[[Request], Reply]
    tell: Callable[[Mapping[str, object], Mapping[str, str]], None]


def shake_hands(exchange: Exchange) -> Learned | Reply:
    """Initialize over Streamable HTTP; return a refusal as it came."""
    # Without a version header: a server of both eras would read it as the request's era.
    line = _Line(lambda request: exchange.post(request, {}, cap=SMALL, older=True), exchange.notify)
    found = _shake(line)
    if isinstance(found, Reply):
        return found
    reply, version = found
    session = reply.headers.get("mcp-session-id")
    if session is None:
        learned = Learned(Era.SESSIONLESS, None, version)
    elif SESSION_ID.fullmatch(session):
        learned = Learned(Era.SESSIONS, Secret(session), version)
    else:
        raise McpServerError(
            "The MCP server's session id is not one.", details={"reason": "not_understood"}
        )
    _tell_initialized(line, older_headers(learned))
    return learned


def shake_hands_on(channel: Channel) -> Learned | Reply:
    """Initialize over HTTP+SSE, where the session is the stream itself."""
    line = _Line(channel.ask, lambda message, _headers: channel.tell(message))
    found = _shake(line)
    if isinstance(found, Reply):
        return found
    learned = Learned(Era.HTTP_SSE, None, found[1])
    channel.headers = older_headers(learned)
    _tell_initialized(line, channel.headers)
    return learned


def older_headers(learned: Learned) -> dict[str, str]:
    """Return what every request after the handshake carries."""
    headers = {"MCP-Protocol-Version": learned.protocol_version}
    if learned.session is not None:
        headers["Mcp-Session-Id"] = learned.session.reveal()
    return headers


def _shake(line: _Line) -> tuple[Reply, str] | Reply:
    params = {
        "protocolVersion": HANDSHAKE_VERSION,
        "capabilities": {},
        "clientInfo": CLIENT_INFO,
    }
    reply = line.ask(Request("initialize", params))
    response = reply.response
    if is_refusal(reply.status) or (response and response.error is not None):
        return reply
    if response is None or response.result is None:
        raise refused(reply.status, None, "initialize")
    version = response.result.get("protocolVersion")
    if not isinstance(version, str) or version not in HANDSHAKE_VERSIONS:
        raise McpServerError(
            "The MCP server and the broker have no protocol version in common.",
            details={"reason": "protocol_version"},
        )
    return reply, version


def _tell_initialized(line: _Line, headers: Mapping[str, str]) -> None:
    try:
        line.tell({"jsonrpc": "2.0", "method": "notifications/initialized"}, headers)
    except OutboundError as exc:
        raise unanswered(exc, "notifications/initialized") from exc
