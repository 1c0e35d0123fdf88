"""The journey: what a stranger gets, and what a builder and a chat backend do."""

import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import unescape
from typing import Any

import httpx

from local.telling import NotHeldError, NotRunError, expect, expect_within
from smoke.addresses import without_secrets
from smoke.api import Api, expect_status, members, refusal
from smoke.asked import Asked
from smoke.failures import CannotRunError, in_one_line
from smoke.registration import Registration

BUILDER, CHAT_BACKEND = "BuilderPolicyArn", "ChatBackendPolicyArn"
_PAGE_HEADERS = {
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
_PAGE_POLICY = ("default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'")
_HEADING = re.compile(r"<h1>(.*?)</h1>", re.DOTALL)


@dataclass(slots=True)
class Visit:
    """What the steps share."""

    asked: Asked
    api: Api
    registration: Registration
    tool: str = ""
    """The tool to run; the one asked for, or one that was found to be harmless."""

    @property
    def user_id(self) -> str:
        """A user that nobody has; a server without authorization needs no connection."""
        return self.registration.server_id


type Step = Callable[[Visit], str]
"""Returns what was seen; raises NotHeldError, and NotRunError where it was left out."""


def a_stranger_is_refused(visit: Visit) -> str:
    """Call a route without a signature: refused before any code runs."""
    answer = visit.api.unsigned("/v1/servers")
    if answer.status_code == 404 or answer.is_redirect:
        raise CannotRunError(
            f"{visit.api.origin} has no route GET /v1/servers: API must be the stack's output"
            " ApiUrl. With a custom domain the gateway's own address is switched off."
        )
    said = expect_status(403, answer)
    return f"403 {in_one_line(str(said.get('message', '')))}"


def an_unknown_path_is_not_found(visit: Visit) -> str:
    """Ask for a path that no route has."""
    said = expect_status(404, visit.api.unsigned(f"/{visit.registration.server_id}"))
    return f"404 {in_one_line(str(said.get('message', '')))}"


def a_bad_ticket_gets_a_page(visit: Visit) -> str:
    """Open a connect link that nobody made: a page for people, locked down."""
    ticket = secrets.token_urlsafe(32)
    page = visit.api.unsigned("/authorize", ticket=ticket)
    expect((400, "text/html; charset=utf-8"), (page.status_code, page.headers.get("content-type")))
    expect_within(_PAGE_HEADERS, page.headers)
    policy = page.headers.get("content-security-policy", "")
    expect([], [part for part in _PAGE_POLICY if part not in policy])
    heading = _HEADING.search(page.text)
    expect((True, False), (heading is not None, ticket in page.text))
    return f"400 “{in_one_line(unescape(heading[1] if heading else ''))}”, nothing may be embedded"


def the_caller_is_admitted(visit: Visit) -> str:
    """Read the registry: the first signed call."""
    body = expect_status(200, _admitted(visit, visit.api.signed("GET", "/v1/servers"), BUILDER))
    expect(True, isinstance(body.get("servers"), list))
    signer = visit.api.signer
    return f"may read the registry; credentials by {signer.found_by}, region {signer.region}"


def a_server_is_registered(visit: Visit) -> str:
    """Register a server without authorization, if its id is free."""
    answer = _admitted(visit, visit.registration.put(visit.asked.mcp), BUILDER)
    if members(answer).get("error") in {"invalid_server", "invalid_request"}:
        said = in_one_line(str(members(answer).get("error_description", "")))
        raise CannotRunError(f"The broker does not take this MCP address: {said}")
    body = expect_status(201, answer)
    expect_within({"server_id": visit.registration.server_id, "missing": []}, body)
    return visit.registration.server_id


def it_reads_back(visit: Visit) -> str:
    """Read it: as written."""
    body = expect_status(200, visit.api.signed("GET", visit.registration.path))
    written = {"name": "Smoke test", "auth_type": "none"}
    expect_within({"server_id": visit.registration.server_id, **written}, body)
    if body.get("mcp_url") != visit.asked.mcp:
        raise NotHeldError("the MCP URL that was given", "another one")
    return f"auth_type none, at {in_one_line(without_secrets(visit.asked.mcp))}"


def its_tools_are_listed(visit: Visit) -> str:
    """List the tools; the builder's policy denies it, and then the tool must have been named."""
    path, query = f"{visit.registration.path}/tools", {"user_id": visit.user_id}
    answer = visit.api.signed("GET", path, query=query)
    refused = refusal(answer, visit.api, CHAT_BACKEND)
    if refused and visit.asked.tool:
        visit.tool = visit.asked.tool
        raise NotRunError(f"{BUILDER} denies it to these credentials (403); TOOL is run unseen")
    if refused:
        raise CannotRunError(
            f"These credentials may not list tools (403; {BUILDER} denies it, {CHAT_BACKEND} alone"
            " allows it): name the tool to run with TOOL=name."
        )
    tools = _tools(expect_status(200, _open_to_all(answer)))
    if not tools:
        raise NotHeldError("at least one tool", "none")
    names = [str(tool["name"]) for tool in tools]
    visit.tool = visit.asked.tool or harmless(tools)
    if visit.asked.tool not in {"", *names}:
        raise NotHeldError(f"a tool {visit.asked.tool}", in_one_line(", ".join(names)))
    return f"{len(names)}: {in_one_line(', '.join(names))}"


def a_tool_runs(visit: Visit) -> str:
    """Call the tool; without one that is known to be harmless, none is called."""
    if not visit.tool:
        raise NotRunError(
            "no tool says that it only reads and needs no arguments; TOOL=name runs one"
        )
    call = {
        "user_id": visit.user_id,
        "server_id": visit.registration.server_id,
        "tool": visit.tool,
        "arguments": visit.asked.arguments,
    }
    answer = _admitted(visit, visit.api.signed("POST", "/v1/invoke", body=call), CHAT_BACKEND)
    body = expect_status(200, _open_to_all(answer))
    expect("completed", body.get("status"))
    return f"{in_one_line(visit.tool)} → {_content(body.get('result'))}"


def the_server_is_deleted(visit: Visit) -> str:
    """Delete it."""
    visit.registration.delete()
    return "204"


def it_is_gone(visit: Visit) -> str:
    """Read it once more."""
    expect_status(404, visit.api.signed("GET", visit.registration.path), "server_not_found")
    return "404 server_not_found"


def harmless(tools: Sequence[Mapping[str, Any]]) -> str:
    """Return the first tool that says it only reads and needs no arguments; empty if none does."""
    for tool in tools:
        hints, schema = tool.get("annotations"), tool.get("inputSchema")
        reads = isinstance(hints, dict) and hints.get("readOnlyHint") is True
        if reads and isinstance(schema, dict) and not schema.get("required"):
            return str(tool["name"])
    return ""


def _admitted(visit: Visit, answer: httpx.Response, policy: str) -> httpx.Response:
    """Return an answer that the gateway let through; raise CannotRunError."""
    refused = refusal(answer, visit.api, policy)
    if refused:
        raise CannotRunError(refused)
    return answer


def _open_to_all(answer: httpx.Response) -> httpx.Response:
    """Return the answer; raise CannotRunError if the MCP server wants credentials."""
    if members(answer).get("error") == "server_misconfigured":
        raise CannotRunError("MCP asks for credentials: name a server that asks for none.")
    return answer


def _tools(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    tools = body.get("tools")
    named = isinstance(tools, list) and all(
        isinstance(tool, dict) and isinstance(tool.get("name"), str) for tool in tools
    )
    if not named or not isinstance(tools, list):
        raise NotHeldError("a list of tools with names", in_one_line(str(tools)))
    return tools


def _content(result: object) -> str:
    """Return what a tool answered, as far as it fits a line; raise NotHeldError."""
    parts = result.get("content") if isinstance(result, dict) else None
    if not isinstance(result, dict) or not isinstance(parts, list):
        raise NotHeldError("a result with content", in_one_line(str(result)))
    typed = [part for part in parts if isinstance(part, dict) and isinstance(part.get("type"), str)]
    if len(typed) != len(parts) or result.get("isError") is True:
        raise NotHeldError("content in parts, and no isError", in_one_line(str(result)))
    texts = [str(part["text"]) for part in typed if part["type"] == "text" and "text" in part]
    return in_one_line(texts[0]) if texts else f"{len(parts)} parts without text"


STEPS: tuple[tuple[str, Step], ...] = (
    ("a stranger is refused", a_stranger_is_refused),
    ("an unknown path is not found", an_unknown_path_is_not_found),
    ("a link that nobody made gets a page", a_bad_ticket_gets_a_page),
    ("the caller is admitted", the_caller_is_admitted),
    ("a server is registered", a_server_is_registered),
    ("it reads back as it was written", it_reads_back),
    ("its tools are listed", its_tools_are_listed),
    ("a tool runs", a_tool_runs),
    ("the server is deleted", the_server_is_deleted),
    ("it is gone", it_is_gone),
)
