"""Which revision of MCP a request is of, and whether headers and body agree about it.

2026-07-28, Streamable HTTP: Request Metadata, Protocol Version Header. Before it, the version
header says what ``initialize`` agreed on; where it is absent, 2025-03-26 is assumed.
"""

import base64
from collections.abc import Mapping

from broker.endpoint_errors import McpRefusal
from broker.model import HANDSHAKE_REVISIONS, MODERN_REVISION, REVISIONS, Hearing, McpRequest
from broker.model.mcp import (
    HEADER_MISMATCH,
    INVALID_PARAMS,
    UNSUPPORTED_VERSION,
    USUAL_LOG_LEVEL,
)

from .messages import Asked

VERSION_HEADER = "mcp-protocol-version"
_ASSUMED = "2025-03-26"
_PARAM_HEADERS = "mcp-param-"
_LEVEL_META = "io.modelcontextprotocol/logLevel"
_VERSION_META = "io.modelcontextprotocol/protocolVersion"
_CAPABILITIES_META = "io.modelcontextprotocol/clientCapabilities"
_NAMES = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}
_START, _END = "=?base64?", "?="


def read_request(asked: Asked, headers: Mapping[str, str]) -> McpRequest:
    """Return the request, of its revision; raise McpRefusal (-32602, -32020, -32022)."""
    version, meta = headers.get(VERSION_HEADER), asked.params.get("_meta")
    meta = meta if isinstance(meta, Mapping) else {}
    if _VERSION_META in meta or version == MODERN_REVISION:
        return _modern(asked, headers, meta)
    if asked.method == "initialize" or version is None:
        return _legacy(asked, version or _ASSUMED, meta)
    refuse_unknown(version)
    return _legacy(asked, version, meta)


def takes_batches(headers: Mapping[str, str]) -> bool:
    """Say whether the client's revision has batches: 2025-03-26 alone, or none was named."""
    return headers.get(VERSION_HEADER, _ASSUMED) == _ASSUMED


def is_modern(headers: Mapping[str, str]) -> bool:
    """Say whether the version header names no revision of the handshake's time."""
    return headers.get(VERSION_HEADER, _ASSUMED) not in HANDSHAKE_REVISIONS


def refuse_unknown(version: str) -> None:
    """Raise McpRefusal for a revision that we do not speak."""
    if version not in REVISIONS:
        data = {"supported": [*REVISIONS], "requested": version[:64]}
        raise McpRefusal(UNSUPPORTED_VERSION, "Unsupported protocol version", data)


def _modern(asked: Asked, headers: Mapping[str, str], meta: Mapping[str, object]) -> McpRequest:
    version, capabilities = meta.get(_VERSION_META), meta.get(_CAPABILITIES_META)
    if not isinstance(version, str) or not isinstance(capabilities, Mapping):
        needed = f"params._meta needs {_VERSION_META} and {_CAPABILITIES_META}."
        raise McpRefusal(INVALID_PARAMS, needed)
    if headers.get(VERSION_HEADER) != version:
        raise _mismatch("MCP-Protocol-Version")
    if headers.get("mcp-method") != asked.method:
        raise _mismatch("Mcp-Method")
    named = asked.params.get(_NAMES.get(asked.method, ""))
    if named is not None and decode_value(headers.get("mcp-name")) != named:
        raise _mismatch("Mcp-Name")
    if version != MODERN_REVISION:
        refuse_unknown(version)
        # A revision of before has no such envelope: its requests begin with initialize.
        raise McpRefusal(
            UNSUPPORTED_VERSION,
            "Unsupported protocol version",
            {"supported": [MODERN_REVISION], "requested": version},
        )
    level = meta.get(_LEVEL_META)
    return McpRequest(
        asked.method,
        asked.params,
        version,
        capabilities,
        Hearing(_progress_token(meta), level if isinstance(level, str) else None),
        {
            name.removeprefix(_PARAM_HEADERS): decode_value(value)
            for name, value in headers.items()
            if name.startswith(_PARAM_HEADERS)
        },
    )


def _legacy(asked: Asked, version: str, meta: Mapping[str, object]) -> McpRequest:
    # A server of 2026-07-28 tells no line to whom names no level. Which one this client named
    # would have to be looked up before every call; lines below the usual one are not had so.
    hearing = Hearing(_progress_token(meta), USUAL_LOG_LEVEL)
    return McpRequest(asked.method, asked.params, version, hearing=hearing)


def _progress_token(meta: Mapping[str, object]) -> str | int | None:
    token = meta.get("progressToken")
    return token if isinstance(token, str | int) and not isinstance(token, bool) else None


def decode_value(value: str | None) -> str | None:
    """Read a header's value, plain or ``=?base64?…?=``; None for one that is malformed."""
    if value is None or not (value.startswith(_START) and value.endswith(_END)):
        return value
    encoded = value[len(_START) : -len(_END)]
    try:
        decoded = base64.b64decode(encoded, validate=True)
        text = decoded.decode()
    except ValueError:
        return None
    # Not canonical: two headers would mean one name.
    return text if base64.b64encode(decoded).decode() == encoded else None


def _mismatch(header: str) -> McpRefusal:
    return McpRefusal(HEADER_MISMATCH, f"The {header} header does not match the request's body.")
