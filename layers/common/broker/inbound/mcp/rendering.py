"""Outcomes and failures as JSON-RPC, in the words of the client's revision."""

from collections.abc import Mapping
from http import HTTPStatus

from broker.endpoint_errors import McpRefusal
from broker.errors import BrokerError
from broker.model import McpInput, McpOutcome, McpRequest
from broker.model.mcp import (
    HEADER_MISMATCH,
    INTERNAL_ERROR,
    INVALID_PARAMS,
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    MISSING_CAPABILITY,
    PARSE_ERROR,
    UNSUPPORTED_VERSION,
)

from .messages import Id

_CACHED = frozenset(
    {
        "prompts/list",
        "resources/list",
        "resources/read",
        "resources/templates/list",
        "server/discover",
        "tools/list",
    }
)
_STATUS = {
    PARSE_ERROR: 400,
    INVALID_REQUEST: 400,
    HEADER_MISMATCH: 400,
    MISSING_CAPABILITY: 400,
    UNSUPPORTED_VERSION: 400,
}
_MODERN_STATUS = {**_STATUS, INVALID_PARAMS: 400, METHOD_NOT_FOUND: 404}
_PARAMS_AT_FAULT = frozenset({"invalid_request", "invalid_tool_arguments"})

type Message = dict[str, object]


def result(message_id: Id, request: McpRequest, outcome: McpOutcome) -> Message:
    """Return the response to a request."""
    return {"jsonrpc": "2.0", "id": message_id, "result": _result(request, outcome)}


def error(message_id: Id | None, refusal: McpRefusal) -> Message:
    """Return an error response (JSON-RPC 2.0 §5.1); without an id, it could not be read."""
    body: Message = {"code": refusal.code, "message": refusal.message}
    if refusal.data is not None:
        body["data"] = refusal.data
    return {"jsonrpc": "2.0", "id": message_id, "error": body}


def refusal_of(exc: BrokerError, request_id: str) -> McpRefusal:
    """Return a failure of ours as a JSON-RPC error: its HTTP status is the code, our own range."""
    code = INTERNAL_ERROR if exc.status == HTTPStatus.INTERNAL_SERVER_ERROR else exc.status
    if exc.error in _PARAMS_AT_FAULT:
        code = INVALID_PARAMS
    data: dict[str, object] = {"error": exc.error, "request_id": request_id, **exc.details}
    if exc.retry_after:
        data["retry_after"] = exc.retry_after
    return McpRefusal(code, exc.message, data)


def notification(notice: Mapping[str, object]) -> Message:
    """Return what a server said on the way as a JSON-RPC notification (§4.1)."""
    return {"jsonrpc": "2.0", **notice}


def status_of(refusal: McpRefusal | None, *, modern: bool) -> int:
    """Return the HTTP status that a result or an error is sent with."""
    if refusal is None:
        return HTTPStatus.OK
    return (_MODERN_STATUS if modern else _STATUS).get(refusal.code, HTTPStatus.OK)


def _result(request: McpRequest, outcome: McpOutcome) -> Mapping[str, object]:
    if isinstance(outcome, McpInput):
        asked: Message = {"resultType": "input_required", "requestState": outcome.request_state}
        if outcome.input_requests is not None:
            asked["inputRequests"] = outcome.input_requests
        return asked
    if not request.is_modern:
        return outcome.result
    found = {"resultType": "complete", **outcome.result}
    if request.method in _CACHED:
        # What one user is shown is no other's.
        found |= {"ttlMs": outcome.ttl_ms, "cacheScope": "private"}
    return found
