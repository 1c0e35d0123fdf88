"""Plays a recorded exchange to the client, and holds every request of its against the record.

A record is one object of ``tests/unit/wire/*.json``:

    title       what is shown
    source      what was recorded, or that it was written by hand from the specification
    remembered  era, session and version known before; null: the server is unknown
    ask         the method and its parameters, and what else the caller hands over
    wire        request and response, in order; ``$1`` stands for the first id that is sent, and
                so on, ``$p`` for the progress token; other words with a ``$`` are the file's own
                abbreviations (``where``)
    outcome     what the caller gets: ``result``, ``entries``, ``input_required`` or ``error``
    learned     era, session and version known afterwards; absent after an error

A response is a ``status`` and ``headers`` with a ``body`` (JSON), a ``text``, ``events`` (each
the lines of one server-sent event), or ``fails`` (``timeout``, ``cut``, ``no connection``).
``later`` are events that the response puts on the open stream of HTTP+SSE. ``repeat`` makes large
ones: ``text`` and ``later`` that many times.
"""

import json
import re
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from broker.errors import BrokerError
from broker.mcp import Called, Era, InputNeeded, Learned, McpClient, Target
from broker.model import Hearing, Secret
from broker.outbound import Outbound
from tests.unit.test_mcp_scripts import URL, SleepingClock

WIRE = Path(__file__).parent / "wire"
OURS = re.compile(r"mcp-.*|accept|authorization|content-type|last-event-id")
"""The headers that a record must name; the rest is HTTP's."""
FAILURES = {
    "timeout": httpx.ReadTimeout("evil"),
    "cut": httpx.ReadError("evil"),
    "no connection": httpx.ConnectError("evil"),
}


def records() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every record with its name."""
    for path in sorted(WIRE.glob("*.json")):
        book = json.loads(path.read_text("utf-8"))
        for record in book["records"]:
            yield f"{path.stem}: {record['title']}", spelled_out(record, book["where"])


def spelled_out(value: Any, where: Mapping[str, Any]) -> Any:
    """Return a value with the abbreviations of its file put in."""
    match value:
        case str():
            return where.get(value, value)
        case list():
            return [spelled_out(inner, where) for inner in value]
        case dict():
            whole = {key: spelled_out(inner, where) for key, inner in value.items()}
            return {**whole.pop("$with", {}), **whole}
    return value


@dataclass(slots=True)
class Player:
    """One server that answers as the record says, and takes no other request."""

    wire: list[dict[str, Any]]
    names: dict[str, str] = field(default_factory=dict)
    """What stands for what: ``$1`` for the first id."""
    channel: deque[str] = field(default_factory=deque)

    def handle(self, request: httpx.Request) -> httpx.Response:
        assert self.wire, f"one request too many: {request.method} {request.content!r}"
        step = self.wire.pop(0)
        assert self._seen(request) == step["request"]
        return self._answer(step["response"])

    def _seen(self, request: httpx.Request) -> dict[str, Any]:
        headers = {name: text for name, text in request.headers.items() if OURS.fullmatch(name)}
        seen: dict[str, Any] = {"http": f"{request.method} {request.url}", "headers": headers}
        if request.content:
            seen["body"] = json.loads(self._named(json.loads(request.content)))
        return seen

    def _named(self, body: dict[str, Any]) -> str:
        """Write a body with the names of its ids in their place."""
        text = json.dumps(body)
        sent_id = body.get("id")
        if isinstance(sent_id, str) and "method" in body:
            assert sent_id not in self.names.values(), "an id is used once"
            self.names[f"${len([n for n in self.names if n != '$p']) + 1}"] = sent_id
        token = body.get("params", {}).get("_meta", {}).get("progressToken")
        if token is not None:
            assert self.names.setdefault("$p", token) == token
        for name, value in self.names.items():
            text = text.replace(json.dumps(value), json.dumps(name))
        return text

    def _unnamed(self, text: str) -> str:
        for name, value in self.names.items():
            text = text.replace(json.dumps(name), json.dumps(value))
            text = text.replace(json.dumps(json.dumps(name))[1:-1], json.dumps(value))
        return text

    def _answer(self, said: dict[str, Any]) -> httpx.Response:
        if "fails" in said and "events" not in said:
            raise FAILURES[said["fails"]]
        headers, status, times = said.get("headers", {}), said["status"], said.get("repeat", 1)
        later = said.get("later", [])
        self.channel.extend(self._unnamed(event) * times + "\n\n" for event in later)
        if "events" in said:
            return httpx.Response(status, headers=headers, content=self._stream(said))
        text = json.dumps(said["body"]) if "body" in said else said.get("text", "")
        return httpx.Response(status, headers=headers, content=self._unnamed(text) * times)

    def _stream(self, said: dict[str, Any]) -> Iterator[bytes]:
        for event in said["events"]:
            yield (self._unnamed(event) + "\n\n").encode()
        if "fails" in said:
            raise FAILURES[said["fails"]]
        while self.channel:
            yield self.channel.popleft().encode()


def played(record: dict[str, Any]) -> dict[str, Any]:
    """Play a record; return outcome and what was learned, as the record would write them."""
    player = Player(list(record["wire"]))
    clock = SleepingClock()
    client, said = McpClient(Outbound(clock, httpx.MockTransport(player.handle)), clock), ""
    try:
        found = _ask(client, _target(record["remembered"]), dict(record["ask"]))
    except BrokerError as exc:
        found, said = {"outcome": {"error": exc.error, **exc.details}}, exc.message
    assert "evil" not in said
    assert not player.wire, "fewer requests than recorded"
    return found


def _target(remembered: dict[str, Any] | None) -> Target:
    headers = {"Authorization": "Bearer token"}
    if remembered is None:
        return Target(URL, headers)
    session = remembered.get("session")
    secret = None if session is None else Secret(session)
    return Target(URL, headers, Era(remembered["era"]), secret, remembered["version"])


def _ask(client: McpClient, target: Target, ask: dict[str, Any]) -> dict[str, Any]:
    method, params = ask.pop("method"), ask.pop("params", {})
    if "hearing" in ask:
        ask["hearing"] = Hearing(**ask["hearing"])
    if method.endswith("/list"):
        listing = client.list_all(target, method, deadline=1010.0, **ask)
        outcome: dict[str, Any] = {
            "entries": list(listing.entries),
            "ttl_ms": listing.ttl_ms,
            "cache_scope": listing.cache_scope,
        }
        return {"outcome": outcome, "learned": _written(listing.learned)}
    if method == "tools/call":
        called = client.call_tool(target, **params, deadline=1010.0, **ask)
    else:
        called = client.ask(target, method, params, deadline=1010.0, **ask)
    return {"outcome": _outcome(called), "learned": _written(called.learned)}


def _outcome(called: Called) -> dict[str, Any]:
    heard = {"notices": list(called.notices.heard)} if called.notices.heard else {}
    if isinstance(called.outcome, InputNeeded):
        asked = called.outcome
        needed = {"requests": asked.input_requests, "state": asked.request_state}
        return {"input_required": needed, **heard}
    return {"result": dict(called.outcome.result), **heard}


def _written(learned: Learned) -> dict[str, Any]:
    session = {"session": learned.session.reveal()} if learned.session else {}
    return {"era": learned.era.value, **session, "version": learned.protocol_version}
