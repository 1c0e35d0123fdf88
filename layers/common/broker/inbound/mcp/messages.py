"""JSON-RPC 2.0 as MCP clients send it: one message, or (2025-03-26) a batch."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from broker.endpoint_errors import McpRefusal
from broker.model.mcp import INVALID_PARAMS, INVALID_REQUEST

type Id = str | int | float
_LONGEST_METHOD = 128


@dataclass(frozen=True, slots=True)
class Asked:
    """A request: it is owed an answer with its id."""

    id: Id
    method: str
    params: Mapping[str, object] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Told:
    """A notification, or an answer to a question that we did not ask: nothing is owed."""


@dataclass(frozen=True, slots=True)
class Malformed:
    """No JSON-RPC message; ``id`` as far as it could be read."""

    id: Id | None
    refusal: McpRefusal


type Message = Asked | Told | Malformed


def read_message(value: object) -> Message:
    """Read one message (JSON-RPC 2.0 §4, §5; an id is a string or number in MCP)."""
    if not isinstance(value, dict) or value.get("jsonrpc") != "2.0":
        return Malformed(None, _invalid("This is not a JSON-RPC 2.0 message."))
    if "method" not in value:
        is_answer = "id" in value and ("result" in value) != ("error" in value)
        return Told() if is_answer else Malformed(None, _invalid("A method is missing."))
    method, params = value["method"], value.get("params", {})
    if not isinstance(method, str) or not 0 < len(method) <= _LONGEST_METHOD:
        return Malformed(_id(value), _invalid("method must be a short text."))
    if "id" not in value:
        return Told()
    found = _id(value)
    if found is None:
        return Malformed(None, _invalid("id must be a text or a number."))
    if not isinstance(params, dict):
        return Malformed(found, McpRefusal(INVALID_PARAMS, "params must be an object."))
    return Asked(found, method, params)


def _id(value: Mapping[str, object]) -> Id | None:
    found = value.get("id")
    return found if isinstance(found, str | int | float) and not isinstance(found, bool) else None


def _invalid(why: str) -> McpRefusal:
    return McpRefusal(INVALID_REQUEST, why)
