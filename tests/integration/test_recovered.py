"""Reconnecting in place: for every reason, what the user is told, what stays, what is announced."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from broker.events import EventBus, EventType
from broker.model import (
    AuthorizationRequired,
    Connection,
    PromptReason,
    Reason,
    Status,
    ToolCall,
    Wish,
)
from tests.fakes.services import answers
from tests.integration.conftest import RETURN_URL, World
from tests.integration.consents import complete, consented
from tests.integration.test_ahead import looks
from tests.integration.test_calls import invoke
from tests.integration.test_lease import DEAD
from tests.integration.test_rescue import apply, rescued

type Heard = list[tuple[EventType, str | None]]
LABEL = "jo@acme.example"


@pytest.fixture(autouse=True)
def _no_luck(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw the longest backoff; the shortest lets a call try again at once."""
    monkeypatch.setattr("broker.tokens.timing.random.random", lambda: 0.99)


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> Heard:
    """What is said on the bus, from now on."""
    said: Heard = []
    publish = EventBus.publish

    def hear(
        bus: EventBus,
        event: EventType,
        connection: Connection,
        reason: str | None = None,
        **more: bool,
    ) -> None:
        said.append((event, reason))
        publish(bus, event, connection, reason, **more)

    monkeypatch.setattr(EventBus, "publish", hear)
    return said


def refresh_rejected(world: World) -> None:
    world.login.script.append(answers(400, {"error": "invalid_grant"}))


def ambiguous_refresh(world: World) -> None:
    world.login.script += [answers(502), answers(400, {"error": "invalid_grant"})]
    looks(world)
    world.time.passes(hours=2)


def rejected_by_server(world: World) -> None:
    world.mcp.script += [answers(401), answers(401)]


def server_changed(world: World) -> None:
    world.server = world.register(replace(world.server, resource="https://mcp.example.com/"))


def expired_without_refresh(world: World) -> None:
    """The token has run out, and there is none to refresh it with."""


ENDS: dict[Reason, Callable[[World], None]] = {
    Reason.REFRESH_REJECTED: refresh_rejected,
    Reason.AMBIGUOUS_REFRESH: ambiguous_refresh,
    Reason.REJECTED_BY_SERVER: rejected_by_server,
    Reason.SERVER_CHANGED: server_changed,
    Reason.EXPIRED_WITHOUT_REFRESH: expired_without_refresh,
}
WHY = {
    Reason.REFRESH_REJECTED: ("no longer accepts", "nimmt diese Verbindung nicht mehr an"),
    Reason.AMBIGUOUS_REFRESH: ("did not confirm", "nicht bestätigt"),
    Reason.REJECTED_BY_SERVER: ("refuses the access", "lehnt den Zugriff ab"),
    Reason.SERVER_CHANGED: ("set up anew", "neu eingerichtet"),
    Reason.EXPIRED_WITHOUT_REFRESH: ("has run out", "ist abgelaufen"),
}
reasons = pytest.mark.parametrize("reason", ENDS)


def ended(world: World, reason: Reason) -> Connection:
    """Connect a user and let that end it, with the next call at the latest."""
    if reason is Reason.EXPIRED_WITHOUT_REFRESH:
        world.login.omits.add("refresh_token")
    world.connect(user_label=LABEL)
    before = world.connection()
    world.time.passes(DEAD)
    ENDS[reason](world)
    return before


def asks(world: World, locale: str = "en") -> AuthorizationRequired:
    wish = Wish("jo", return_url=RETURN_URL, locale=locale)
    outcome = world.core.flows.mcp_invoke.invoke(ToolCall("crm", "get", wish, {}), world.run())
    assert isinstance(outcome, AuthorizationRequired)
    return outcome


def reconnects(world: World) -> bool:
    world.login.omits.clear()
    return complete(world, consented(world)).recovered


@reasons
def test_the_user_is_told_why_in_their_language(world: World, reason: Reason) -> None:
    ended(world, reason)
    for locale, why in zip(("en", "de"), WHY[reason], strict=True):
        asked = asks(world, locale)
        assert asked.reason is PromptReason.RECONNECT_REQUIRED
        assert why in asked.prompt.text
        assert asked.failure is not None
        assert asked.failure.code == reason.value


@reasons
def test_reconnecting_keeps_whose_connection_it_is_and_since_when(
    world: World, reason: Reason
) -> None:
    before = ended(world, reason)
    asks(world)
    assert reconnects(world)
    stands = world.connection()
    kept = (stands.user_id, stands.server_id, stands.created_at, stands.user_label)
    assert kept == (before.user_id, before.server_id, before.created_at, LABEL)
    assert stands.requested_scopes == before.requested_scopes
    assert stands.grant_id != before.grant_id
    assert stands.connected_at > before.connected_at


@reasons
def test_reconnecting_leaves_nothing_of_what_ended_it(world: World, reason: Reason) -> None:
    ended(world, reason)
    asks(world)
    reconnects(world)
    stands = world.connection()
    flags = (stands.reason, stands.failure, stands.lease, stands.recover_at, stands.retry_at)
    assert (stands.status, stands.generation, *flags) == (Status.ACTIVE, 1, *[None] * 5)
    assert (stands.ambiguous, stands.attempts, stands.refusals) == (False, 0, 0)
    assert stands.config_digest == world.server.config_digest
    assert stands.due_at is not None  # it is kept warm again
    assert not isinstance(invoke(world), AuthorizationRequired)


@reasons
def test_a_recovery_is_announced_once(world: World, reason: Reason, heard: Heard) -> None:
    ended(world, reason)
    for _ in range(3):
        asks(world)
    reconnects(world)
    invoke(world)
    told = [event for event, _ in heard]
    assert told.count(EventType.RECOVERED) == 1
    assert EventType.ESTABLISHED not in told
    derived = reason is Reason.SERVER_CHANGED  # nothing happened to the connection itself
    assert heard.count((EventType.RECONNECT_REQUIRED, reason.value)) == (0 if derived else 1)


def test_a_reconnect_that_nothing_asked_for_is_no_recovery(world: World, heard: Heard) -> None:
    world.connect()
    assert not reconnects(world)
    assert [event for event, _ in heard] == [EventType.ESTABLISHED]


def test_a_rescue_recovers_once_however_often_it_is_delivered(world: World, heard: Heard) -> None:
    message = rescued(world)
    world.flag(reason=Reason.AMBIGUOUS_REFRESH)
    for _ in range(3):
        apply(world, message)
    assert [event for event, _ in heard].count(EventType.RECOVERED) == 1


def test_a_rescue_of_what_was_never_flagged_recovers_nothing(world: World, heard: Heard) -> None:
    apply(world, rescued(world))
    assert EventType.RECOVERED not in [event for event, _ in heard]


def test_a_rescue_that_comes_after_the_user_does_not_recover_again(
    world: World, heard: Heard
) -> None:
    message = rescued(world)
    world.flag(reason=Reason.AMBIGUOUS_REFRESH)
    assert reconnects(world)
    apply(world, message)
    assert [event for event, _ in heard].count(EventType.RECOVERED) == 1
    assert world.connection().generation == 1
