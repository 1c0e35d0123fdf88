"""An MCP server of the `mcp` SDK that is its own authorization server, known by its URL alone."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

import pytest

from local.demo.journey import RETURN_URL, Journey, callers, text_of
from local.demo.service import App
from local.processes import Children
from local.stack import LocalStack
from local.visitor import Visitor
from tests.e2e.time_machine import TimeMachine
from tests.interop.environments import OwnEnvironment
from tests.interop.field import Place
from tests.interop.processes import start_server
from tests.interop.registry import Server
from tests.interop.tap import Tap

TESTED = "http://127.0.0.1:1/tested"
SERVER = Server("mcp SDK 2, its own issuer", OwnEnvironment(), "mcp", "mcp_2_issuer")


@dataclass(frozen=True, slots=True)
class Meeting:
    """A broker, and the server behind a tap."""

    journey: Journey
    tap: Tap
    time_machine: TimeMachine

    def registers(self, server_id: str) -> Journey:
        """Register the server by nothing but its URL, under another id."""
        at = Journey(self.journey.callers, self.journey.app, self.journey.tenant, server_id)
        about = {"mcp_url": at.tenant.url, "auth_type": "consumer_oauth"}
        at.put(name="Notes", **about).raise_for_status()
        return at

    def asked(self, path: str) -> list[tuple[int, str, dict[str, Any]]]:
        """Return status, Authorization header and form of the requests to an endpoint."""
        return [
            (
                each.status,
                each.headers.get("authorization", ""),
                {name: values[0] for name, values in parse_qs(each.body.decode()).items()},
            )
            for each in self.tap.exchanges
            if each.path == path
        ]


@pytest.fixture(scope="module")
def meeting(stack: LocalStack) -> Iterator[Meeting]:
    with Tap() as tap, Children() as children:
        about = {"ISSUER": tap.origin, "RESOURCE": f"{tap.origin}{SERVER.path}"}
        child = start_server(children, SERVER, stack.logs, about)
        tap.target = int(child.announced()["port"])
        deployment = stack.deployment(
            "own-issuer", return_urls=[RETURN_URL], local_origins=[tap.origin]
        )
        with callers(deployment) as clients:
            place = Place(tap.origin, SERVER.path)
            journey = Journey(clients, App(stack.services), place)
            yield Meeting(journey, tap, TimeMachine(deployment))


@pytest.fixture(params=["discovered", "first use"])
def journey(meeting: Meeting, request: pytest.FixtureRequest) -> Journey:
    """The server: completed by its builder, or left to the first use."""
    meeting.tap.exchanges.clear()
    registered = meeting.registers(f"notes-{request.param.replace(' ', '-')}")
    if request.param == "discovered":
        about = registered.discover().raise_for_status().json()
        assert (about["ready"], about["client"], about["problems"]) == (True, "dynamic", [])
        registered.put(**about["server"]).raise_for_status()
    return registered


def test_its_url_alone_is_enough_to_connect_refresh_call_and_leave(
    meeting: Meeting, journey: Journey
) -> None:
    card = journey.invoke("ana").json()
    assert (card["status"], card["scopes"]) == ("authorization_required", ["notes"])
    assert journey.connect("ana")["connection"]["refreshable"]
    assert text_of(journey.invoke("ana")) == "alice"

    meeting.time_machine.age("ConnectionsTable", 3600, "ana", journey.server_id)
    assert text_of(journey.invoke("ana")) == "alice"
    assert journey.disconnect("ana").json()["revocation"] == "confirmed"

    exchange, refresh = meeting.asked("/token")
    assert [exchange[2]["grant_type"], refresh[2]["grant_type"]] == [
        "authorization_code",
        "refresh_token",
    ]
    for status, header, form in (exchange, refresh, *meeting.asked("/revoke")):
        assert (status, header) == (200, "")
        assert {"client_id", "client_secret"} <= form.keys()


def test_the_check_and_the_test_of_the_configuration_have_nothing_against_it(
    meeting: Meeting, journey: Journey
) -> None:
    journey.connect("ben")
    if journey.get().json()["missing"]:
        journey.put(**journey.discover().json()["server"]).raise_for_status()
    checks = journey.check().raise_for_status().json()["checks"]
    assert [one["name"] for one in checks if one["outcome"] == "failed"] == []
    started = journey.start_test(return_url=TESTED).raise_for_status().json()
    with Visitor() as builder:
        code = builder.go(started["connect_url"], until=TESTED).query["completion_code"]
    answer = journey.advance(started["test_id"], completion_code=code)
    report = answer.raise_for_status().json()
    while report["next_step"]:
        report = journey.advance(started["test_id"]).raise_for_status().json()
    assert (report["status"], report["tools"]) == ("succeeded", ["whoami"])
    assert "refresh_token" in [form["grant_type"] for _, _, form in meeting.asked("/token")]
