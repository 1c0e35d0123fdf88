"""How a server of 2025-11-25 turns away a request of 2026-07-28: as the SDK 1.x of its time did.

SDK 2.3 sends a request with a modern version header to its modern entry. Here the header is taken
off a request without a session, so that the old transport answers it (400 "Missing session ID"),
and one with a session gets the refusal that the old transport's version check used to give.
"""

from typing import Any

from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS
from starlette.responses import JSONResponse, Response
from starlette.types import Scope

from .messages import SESSION_HEADER, VERSION_HEADER, Inbound
from .switches import Switches

INVALID_REQUEST = -32600


def is_modern(inbound: Inbound) -> bool:
    """Tell whether the version header names none of the versions with a handshake."""
    version = inbound.request.headers.get(VERSION_HEADER)
    return version is not None and version not in HANDSHAKE_PROTOCOL_VERSIONS


def refuse_modern(inbound: Inbound, switches: Switches, *, stateless: bool) -> Response | None:
    """Answer a modern request as an old server; None if the old transport shall do that itself."""
    headers = inbound.request.headers
    if switches.modern_refusal == 200:
        return _error(200, "Server not initialized", inbound.message.get("id"))
    if switches.modern_refusal is not None:
        return Response(status_code=switches.modern_refusal)
    if inbound.method == "initialize" or not (stateless or SESSION_HEADER in headers):
        return None
    supported = ", ".join(HANDSHAKE_PROTOCOL_VERSIONS)
    asked = headers[VERSION_HEADER]
    message = f"Bad Request: Unsupported protocol version: {asked}. Supported versions: {supported}"
    return _error(400, message, "server-error")


def without_version(scope: Scope) -> Scope:
    """Return the scope of the same request without the version header."""
    name = VERSION_HEADER.encode()
    return {**scope, "headers": [pair for pair in scope["headers"] if pair[0] != name]}


def _error(status: int, message: str, message_id: Any) -> Response:
    error = {"code": INVALID_REQUEST, "message": message}
    return JSONResponse({"jsonrpc": "2.0", "id": message_id, "error": error}, status)
