"""A mistake of a builder, a service or a person, and the test of the configuration that meets it.

A mistake is data: how it is made, how the browser behaves, what happens meanwhile, and the cause
that its diagnosis must name. ``report_of`` makes it over the public API and returns the report.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from local.demo.journey import Journey
from local.demo.neighbours import Neighbours
from local.visitor import Visitor
from tests.e2e.stranger import Stranger
from tests.e2e.time_machine import TimeMachine

LOOPBACK = "http://127.0.0.1:1/tested"
_PENDING = "PendingTable"
type Report = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Bench:
    """Where mistakes are made: a registered server of its own, and those around it."""

    journey: Journey
    stranger: Stranger
    machine: TimeMachine
    others: Neighbours
    visited: list[str] = field(default_factory=list, repr=False)
    """Every URL that a browser was at or was sent to."""

    def visitor(self, decision: str = "allow") -> Visitor:
        """Return a person with a browser of their own."""
        return Visitor(decision=decision, visited=self.visited)

    def put(self, **changes: Any) -> None:
        """Configure the server so; `...` leaves a field out."""
        self.journey.put(**self.journey.configuration(**changes)).raise_for_status()

    def switch(self, **switches: Any) -> None:
        """Make the service so, for this app."""
        self.journey.app.switch(**switches)

    def mcp(self, **switches: Any) -> None:
        """Make the MCP server so."""
        self.journey.tenant.switch(**switches)

    def at_service(self, path: str) -> str:
        """Return an address of the authorization server."""
        return f"{self.journey.app.service.authorization_server}{path}"

    def age(self, seconds: float, *mentioned: str) -> None:
        """Make what is stored of a flow older."""
        assert self.machine.age(_PENDING, seconds, *mentioned)


type Browse = Callable[[Bench, Report], Mapping[str, str]]
type Make = Callable[[Bench], None]


def consents(bench: Bench, started: Report) -> Mapping[str, str]:
    """Open the link, log in and consent; return what comes back, if the browser does."""
    if started["connect_url"] is None:
        return {}
    with bench.visitor() as visitor:
        return visitor.go(started["connect_url"], until=LOOPBACK).query


def _nothing(_: Bench) -> None:
    """Make no mistake."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """One mistake, in a sentence, and the cause of which it is."""

    what: str
    cause: str
    make: Make = _nothing
    browse: Browse = consents
    meanwhile: Mapping[str, Make] = field(default_factory=dict, hash=False)
    """What happens before a step."""
    revoke: bool = False
    """Whether the test goes on to revoke."""

    @property
    def name(self) -> str:
        """A short id, the same in every run."""
        return self.what.replace(" ", "-")


def report_of(bench: Bench, mistake: Mistake) -> Report:
    """Make the mistake, walk the test to its end, and return the report as it is read then."""
    journey = bench.journey
    mistake.make(bench)
    started = journey.start_test(return_url=LOOPBACK).raise_for_status().json()
    test_id = started["test_id"]
    back = mistake.browse(bench, started)
    if "completion_code" in back or started["connect_url"] is None:
        _advance(bench, mistake, started, dict(back))
    report: Report = journey.report(test_id).raise_for_status().json()
    return report


def _advance(bench: Bench, mistake: Mistake, report: Report, back: dict[str, str]) -> None:
    test_id, step = report["test_id"], report["next_step"]
    code = {"completion_code": back["completion_code"]} if "completion_code" in back else {}
    while step:
        mistake.meanwhile.get(step, _nothing)(bench)
        answer = bench.journey.advance(test_id, **code)
        if answer.is_error:
            return
        code, step = {}, answer.json()["next_step"]
    if mistake.revoke:
        bench.journey.advance(test_id, revoke=True).raise_for_status()


def causes(report: Report) -> list[str]:
    """Return what a report names."""
    return [diagnosis["cause"] for diagnosis in report["diagnoses"]]
