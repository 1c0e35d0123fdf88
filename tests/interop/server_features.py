"""What is looked at with each server: registered by its URL, and called through the API."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import httpx

from local.demo.journey import Journey, text_of
from tests.interop.field import Field, completed
from tests.interop.registry import MIRRORED, REPLACED, Asked, Server, of_another_era, spare
from tests.interop.tap import Exchange

_PEOPLE = {"alice": "ana", "bob": "ben"}
"""Who at the service is which user of the chat."""


@dataclass(frozen=True, slots=True)
class Visit:
    """One server on the field; each feature goes on from the one before."""

    field: Field
    server: Server

    @property
    def server_id(self) -> str:
        """Its id at the product."""
        return slug(self.server.name)

    @property
    def journey(self) -> Journey:
        """The server as discovery completed it."""
        return self.field.journeys[self.server.name]

    def user(self, username: str) -> str:
        """Return the chat's user who is this person at the service."""
        return _PEOPLE[username]

    def call(self, username: str, journey: Journey | None = None) -> httpx.Response:
        """Call the server's tool as a user."""
        about = self.server.tool.params
        arguments = about["arguments"]
        user = self.user(username)
        return (journey or self.journey).invoke(user, about["name"], arguments=arguments)

    def works(self, username: str, journey: Journey | None = None) -> None:
        """Call the tool, and see that it answered this user."""
        said = text_of(self.call(username, journey))
        assert self.server.tool.text.format(username=username) in said, said

    def counted(self, username: str, expected: int, journey: Journey | None = None) -> None:
        """Call the tool, and count the HTTP requests."""
        tap = self.field.taps[self.server.name]
        mark = len(tap.exchanges)
        self.works(username, journey)
        seen = tap.since(mark)
        assert len(seen) == expected, f"{len(seen)} requests, not {expected}: {_told(seen)}"
        calls = [each for each in seen if each.message.get("method") == "tools/call"]
        assert [each for each in calls if each.status < 300][1:] == [], _told(seen)


def discovered(visit: Visit) -> None:
    """The URL alone leads to a registered server that users can connect to."""
    journey = visit.field.journey(visit.server, visit.server_id)
    visit.field.journeys[visit.server.name] = completed(journey)


def connected(visit: Visit) -> None:
    """A call asks for the user's account, and after the consent it is connected."""
    for username in _PEOPLE:
        card = _asked(visit.call(username), "not_connected")
        consented(visit.journey, visit.user(username), card["connect_url"], username)
        found = visit.journey.connection(visit.user(username)).json()
        assert found["status"] == "active", found


def completed_by_use(visit: Visit) -> None:
    """Registered with nothing but its URL, it is completed by the first user's call."""
    bare = visit.field.journey(visit.server, f"{visit.server_id}-bare")
    url_alone = {"mcp_url": bare.tenant.url, "auth_type": "consumer_oauth"}
    bare.put(name=bare.server_id, **url_alone).raise_for_status()
    card = _asked(visit.call("alice", bare), "not_connected")
    consented(bare, visit.user("alice"), card["connect_url"])
    visit.works("alice", bare)


def first_call(visit: Visit) -> None:
    """The first call of all finds the era out, in as few requests as it can."""
    visit.counted("alice", visit.server.first)


def later_calls(visit: Visit) -> None:
    """Each later call is one HTTP request, or as many as HTTP+SSE takes."""
    for _ in range(3):
        visit.counted("alice", visit.server.each)


def another_user(visit: Visit) -> None:
    """Another user has a session of their own, and is not mixed up with the first."""
    visit.counted("bob", visit.server.another)
    for username in ("alice", "bob", "alice"):
        visit.counted(username, visit.server.each)


def listed(visit: Visit) -> None:
    """The tools are listed."""
    answer = visit.journey.tools(visit.user("alice")).raise_for_status().json()
    names = {tool["name"] for tool in answer["tools"]}
    assert visit.server.tool.params["name"] in names, names


def stepped_up(visit: Visit) -> None:
    """A 403 for a scope leads to a card for what is missing, and after it the call works."""
    narrow = visit.field.journey(visit.server, f"{visit.server_id}-narrow")
    narrow = completed(narrow, scopes=["openid", "email"])
    narrow.connect(visit.user("alice"))
    card = _asked(visit.call("alice", narrow), "additional_scope")
    assert card["missing_scopes"] == ["contacts.read"], card
    assert set(card["scopes"]) == {"openid", "email", "contacts.read"}, card
    consented(narrow, visit.user("alice"), card["connect_url"])
    visit.works("alice", narrow)
    if visit.server.guarded:
        _stepped_up_for(visit.server.guarded, visit, narrow)


def _stepped_up_for(guarded: Asked, visit: Visit, journey: Journey) -> None:
    """One tool alone wants more; the others work as before."""
    user, tool = visit.user("alice"), guarded.params["name"]
    card = _asked(journey.invoke(user, tool), "additional_scope")
    assert card["missing_scopes"] == ["contacts.write"], card
    visit.works("alice", journey)
    consented(journey, user, card["connect_url"])
    assert text_of(journey.invoke(user, tool)) == guarded.text


def reconnected(visit: Visit) -> None:
    """A grant that died leads to a card to reconnect, and after it the call works."""
    visit.journey.app.revoke("alice")
    card = _asked(visit.call("alice"), "reconnect_required")
    visit.works("bob")
    consented(visit.journey, visit.user("alice"), card["connect_url"])
    visit.works("alice")


def mirrored(visit: Visit) -> None:
    """An argument that the tool's schema marks goes as a header as well (2026-07-28)."""
    tap = visit.field.taps[visit.server.name]
    for region, header in (("north", "north"), ("Köln", "=?base64?S8O2bG4=?=")):
        answer = visit.journey.invoke(visit.user("alice"), "day_in", arguments={"region": region})
        assert text_of(answer) == f"Nothing in {region}."
        assert tap.exchanges[-1].headers["mcp-param-region"] == header, tap.exchanges[-1].headers


def restarted(visit: Visit) -> None:
    """A server that lost its sessions is called once more, and the tool runs once."""
    visit.works("alice")
    visit.field.servers.start(visit.server)
    visit.counted("alice", visit.server.lost)
    visit.counted("alice", visit.server.each)


def replaced(visit: Visit) -> None:
    """A server of another era in its place is found out, and so is its own return.

    At an address of its own: what is learned there concerns no other feature.
    """
    itself = replace(visit.server, name=spare(visit.server))
    other = replace(of_another_era(visit.server), name=itself.name)
    servers = visit.field.servers
    servers.start(itself)
    journey = completed(visit.field.journey(itself, slug(itself.name)))
    journey.connect(visit.user("alice"))
    for now in (itself, other, itself):
        servers.start(now)
        there = replace(visit, server=now)
        there.works("alice", journey)
        there.counted("alice", now.each, journey)
    servers.stop(itself)


def consented(journey: Journey, user_id: str, url: str, username: str = "alice") -> str:
    """Go through login and consent, confirm whose browser it was; return where it came back."""
    stop = journey.consent(url, username)
    back = stop.query
    journey.complete(user_id, back["connect_id"], back["completion_code"]).raise_for_status()
    return stop.url


def slug(name: str) -> str:
    """Return a name as an id."""
    words = "".join(letter if letter.isalnum() else " " for letter in name.lower())
    return "-".join(words.split())


def _asked(answer: httpx.Response, reason: str) -> dict[str, Any]:
    card: dict[str, Any] = answer.json()
    assert card.get("reason") == reason, card
    return card


def _told(seen: list[Exchange]) -> str:
    return "; ".join(map(str, seen))


type Feature[Where] = tuple[str, Callable[[Where], None]]
SERVER_FEATURES: tuple[Feature[Visit], ...] = (
    ("discovered by its URL", discovered),
    ("connected", connected),
    ("first call", first_call),
    ("later calls", later_calls),
    ("another user", another_user),
    ("tools listed", listed),
    (MIRRORED, mirrored),
    ("restarted", restarted),
    (REPLACED, replaced),
    ("stepped up", stepped_up),
    ("reconnected", reconnected),
    ("completed by its first use", completed_by_use),
)
