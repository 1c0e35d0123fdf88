"""What an MCP server may ask of the client behind a request: what that client declared.

2026-07-28, Multi Round-Trip Requests: a server asks for nothing that the client did not declare.
"""

from collections.abc import Mapping

from broker.endpoint_errors import McpRefusal
from broker.mcp import MissingCapability
from broker.model import McpRequest, elicits_forms, elicits_urls
from broker.model.mcp import MISSING_CAPABILITY

type Capabilities = Mapping[str, object]

_NEEDS: Mapping[str, str] = {"roots/list": "roots", "sampling/createMessage": "sampling"}
_PASSED_ON = ("elicitation", *_NEEDS.values())


def declared(request: McpRequest) -> Capabilities:
    """Return what to declare to the MCP server; nothing for an older client.

    Of a request of 2026-07-28 it is what lets its client be asked. Left out are extensions and
    experiments: they change answers in ways that are not passed on here.
    """
    said = request.capabilities or {}
    return {name: said[name] for name in _PASSED_ON if isinstance(said.get(name), Mapping)}


def refuse_undeclared(input_requests: Mapping[str, object] | None, request: McpRequest) -> None:
    """Raise McpRefusal for a question that the client did not say it can be asked."""
    lacking: dict[str, object] = {}
    for question in (input_requests or {}).values():
        if isinstance(question, Mapping):
            lacking |= _lacking(question, request.capabilities or {})
    if lacking:
        message = "The MCP server asks for input, which this client did not declare."
        raise McpRefusal(MISSING_CAPABILITY, message, {"requiredCapabilities": lacking})


def refusal_for(lacking: MissingCapability) -> McpRefusal:
    """Return the MCP server's own -32021 as ours; what it requires is its word."""
    return McpRefusal(
        MISSING_CAPABILITY, lacking.message, {"requiredCapabilities": lacking.required}
    )


def _lacking(question: Mapping[str, object], said: Capabilities) -> Capabilities:
    method, params = question.get("method"), question.get("params")
    if method == "elicitation/create":
        by_url = isinstance(params, Mapping) and params.get("mode") == "url"
        if elicits_urls(said) if by_url else elicits_forms(said):
            return {}
        return {"elicitation": {"url" if by_url else "form": {}}}
    need = _NEEDS.get(method) if isinstance(method, str) else None
    return {} if need is None or isinstance(said.get(need), Mapping) else {need: {}}
