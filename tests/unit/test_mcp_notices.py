"""Progress and log notifications: who hears them, and how many."""

import json
from typing import Any

import httpx
import pytest

from broker.mcp import Called, Target
from broker.mcp.notices import MOST_BYTES, MOST_NOTICES
from broker.model import Hearing
from tests.unit.test_mcp_scripts import (
    CONTENT,
    MODERN,
    SESSION,
    SESSIONLESS,
    Script,
    Step,
    body,
    message,
)

TARGETS = {"modern": MODERN, "session": SESSION, "sessionless": SESSIONLESS}
WANTED = Hearing(progress_token="mine", log_level="debug")


def saying(*notifications: dict[str, Any]) -> Step:
    """Say these, OURS for the token that was given, and then the answer."""

    def answer(request: httpx.Request) -> httpx.Response:
        meta: Any = body(request)["params"].get("_meta", {})  # type: ignore[attr-defined]
        token = json.dumps(meta.get("progressToken"))
        said = [json.dumps({"jsonrpc": "2.0", **one}) for one in notifications]
        said.append(json.dumps(message(request, result=CONTENT)))
        text = "".join(f"data: {one}\n\n" for one in said).replace('"OURS"', token)
        return httpx.Response(200, text=text, headers={"Content-Type": "text/event-stream"})

    return answer


def progress(at: int, token: object = "OURS", **params: object) -> dict[str, Any]:
    told = {"progressToken": token, "progress": at, **params}
    return {"method": "notifications/progress", "params": told}


def log(data: object) -> dict[str, Any]:
    return {"method": "notifications/message", "params": {"level": "info", "data": data}}


def heard(*said: dict[str, Any], target: Target = MODERN, hearing: Hearing = WANTED) -> Called:
    return Script.of(saying(*said)).call(target, hearing=hearing)


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS.keys())
def test_progress_and_log_are_handed_on_in_order_and_whole(target: Target) -> None:
    notices = heard(progress(1, total=2, message="x"), log({"a": [1]}), target=target).notices
    assert list(notices.heard) == [
        progress(1, "mine", total=2, message="x"),
        log({"a": [1]}),
    ]
    assert notices.dropped == 0


def test_in_a_batch_they_are_heard_as_well() -> None:
    def batch(request: httpx.Request) -> httpx.Response:
        said = [{"jsonrpc": "2.0", **log("x")}, message(request, result=CONTENT)]
        return httpx.Response(200, json=said)

    assert Script.of(batch).call(SESSION).notices.heard == (log("x"),)


@pytest.mark.parametrize("token", ["mine", "other", 1, None, True, []])
def test_progress_of_another_request_is_not_ours(token: object) -> None:
    assert heard(progress(1, token)).notices.heard == ()


def test_without_a_wish_nothing_is_asked_for() -> None:
    script = Script.of(saying(progress(1)))
    assert script.call(MODERN).notices.heard == ()
    meta: Any = body(script.requests[0])["params"]["_meta"]  # type: ignore[index]
    assert "progressToken" not in meta
    assert "io.modelcontextprotocol/logLevel" not in meta


def test_the_servers_token_is_random_and_not_the_callers() -> None:
    tokens = set()
    for target in (MODERN, MODERN, SESSION):
        script = Script.of(saying())
        script.call(target, hearing=WANTED)
        meta: Any = body(script.requests[0])["params"]["_meta"]  # type: ignore[index]
        tokens.add(meta["progressToken"])
    assert len(tokens) == 3
    assert "mine" not in tokens


def test_an_older_server_is_told_no_log_level() -> None:
    script = Script.of(saying())
    script.call(SESSION, hearing=Hearing(log_level="debug"))
    assert "_meta" not in body(script.requests[0])["params"]


@pytest.mark.parametrize(
    "said",
    [
        {"method": "notifications/tools/list_changed"},
        {"method": "notifications/message"},
        {"method": "notifications/message", "params": ["x"]},
        {"method": "notifications/message", "params": {}, "id": 1},
        {"method": "evil", "params": {}},
    ],
)
def test_what_else_is_said_is_not_handed_on(said: dict[str, Any]) -> None:
    assert heard(said, target=MODERN).notices.heard == ()


def test_the_later_ones_of_too_many_are_dropped_and_counted() -> None:
    notices = heard(*(log(number) for number in range(MOST_NOTICES + 5))).notices
    assert [one["params"]["data"] for one in notices.heard] == list(  # type: ignore[index]
        range(MOST_NOTICES)
    )
    assert notices.dropped == 5


def test_all_together_are_of_a_bounded_size() -> None:
    large = "x" * (MOST_BYTES // 2)
    notices = heard(log(large), log(large), log("small")).notices
    assert list(notices.heard) == [log(large), log("small")]
    assert notices.dropped == 1


def test_what_was_heard_is_in_no_repr() -> None:
    assert "canary" not in repr(heard(log("canary")))
