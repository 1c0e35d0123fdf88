"""Whatever a token endpoint answers to a refresh, no token set is lost, and the outcome is stated.

Each row of ``token_answers`` and ``token_failures`` is met by a call while the old access token
serves, by one after it has run out, and by the worker.
"""

import json
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

import httpx
import pytest

from broker.errors import BrokerError, ServerMisconfigured, TemporarilyUnavailable
from broker.model import Connection, Reason, Status
from broker.outbound import GuardedTransport
from broker.outbound.urls import parse_origins
from broker.tokens import Unusable, Usable
from tests.fakes.services import Step, answers
from tests.integration.conftest import CLIENT_SECRET, World
from tests.integration.test_ahead import DUE, looks
from tests.integration.test_lease import DEAD, STALE
from tests.integration.token_answers import RENEWALS
from tests.integration.token_failures import FAILURES
from tests.integration.token_rows import ACCESS, REFRESH, WORDS, Ends, Row
from tests.unit.test_outbound_loopback import Place, StillClock, answering, no_lookup, serving

SECRETS = (
    ACCESS,
    REFRESH,
    WORDS,
    CLIENT_SECRET,
    "canary-access",
    "canary-refresh",
    "canary-another",
)
PASSES = {Ends.NOT_NOW, Ends.OPEN, Ends.HALF, Ends.REFUSED}


@pytest.fixture(autouse=True)
def _no_luck(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw the longest backoff; the shortest lets a call try again at once."""
    monkeypatch.setattr("broker.tokens.timing.random.random", lambda: 0.99)


def content_of(row: Row, now: datetime) -> bytes:
    body = row.body(now) if callable(row.body) else row.body
    match body:
        case bytes():
            return body
        case str():
            return body.encode()
    return json.dumps(body).encode()


def over_the_wire(place: Place) -> Step:
    """Take the answer from a socket, through the guarded transport."""

    def step(request: httpx.Request) -> httpx.Response:
        transport = GuardedTransport(StillClock(), parse_origins([place.origin]), lookup=no_lookup)
        asked = httpx.Request(
            "POST", place.url, content=request.content, extensions=request.extensions
        )
        return transport.handle_request(asked)

    return step


@contextmanager
def answered(world: World, row: Row) -> Iterator[None]:
    """Let the token endpoint answer the next refresh that way."""
    if row.wire is None:
        content = content_of(row, world.time.now())
        world.login.script.append(answers(row.status, content, **row.headers))
        yield
        return
    with serving(answering(*row.wire)) as place:
        world.login.script.append(over_the_wire(place))
        yield


def access_token_of(row: Row, now: datetime) -> str:
    if row.access_token is not None:
        return row.access_token
    told: str = json.loads(content_of(row, now))["access_token"]
    return told


@dataclass(frozen=True, slots=True)
class Trial:
    """A user's connection, and a row that it meets."""

    world: World
    row: Row
    user_id: str
    old: Connection

    @property
    def access_token(self) -> str:
        return self._opened(self.old)[0]

    @property
    def refresh_token(self) -> str:
        return self._opened(self.old)[1]

    def _opened(self, stands: Connection) -> tuple[str, str]:
        """Open the tokens of a connection as it was read: access, refresh."""
        sealer = self.world.core.sealer
        refresh_token = sealer.open_refresh(stands)
        assert refresh_token is not None
        return sealer.open_access(stands).reveal(), refresh_token.reveal()

    def call(self, refused: Connection | None = None) -> str | Connection | BrokerError:
        """Return what a call gets: a token, the connection that is asked about, or a refusal."""
        run, tokens = self.world.run(), self.world.core.tokens
        try:
            found = tokens.for_call(self.world.server, self.user_id, run, refused=refused)
        except BrokerError as exc:
            return exc
        if isinstance(found, Usable):
            return found.access_token.reveal()
        assert isinstance(found, Unusable)
        assert found.connection is not None
        return found.connection

    def check(self, at: datetime) -> Connection:
        """Hold what is stored against the row: the old set or the new one, whole."""
        stands, ends = self.world.connection(self.user_id), self.row.ends
        assert stands.lease is None
        assert stands.grant_id == self.old.grant_id
        flagged = self.world.core.server_states.get("crm").misconfigured_at is not None
        assert flagged is (ends is Ends.CLIENT_WRONG)
        if ends is Ends.RENEWED:
            self._check_new(stands, at)
            return stands
        if ends is Ends.HALF:
            self._check_half(stands)
        else:
            assert (stands.generation, stands.tokens) == (1, self.old.tokens)
        assert stands.ambiguous is (ends is Ends.OPEN)
        assert stands.refusals == (ends in (Ends.REFUSED, Ends.HALF))
        gone = ends is Ends.GRANT_GONE
        assert stands.status is (Status.RECONNECT_REQUIRED if gone else Status.ACTIVE)
        assert stands.reason is (Reason.REFRESH_REJECTED if gone else None)
        assert (stands.retry_at is not None) is (ends in PASSES)
        if stands.retry_at is not None:
            assert stands.retry_at >= at + timedelta(seconds=self.row.waits)
            assert stands.retry_at <= at + timedelta(hours=2)
        return stands

    def _check_half(self, stands: Connection) -> None:
        assert (stands.generation, stands.attempts) == (2, 1)
        assert self._opened(stands) == (self.access_token, REFRESH)
        assert stands.failure is not None

    def _check_new(self, stands: Connection, at: datetime) -> None:
        assert (stands.generation, stands.status) == (2, Status.ACTIVE)
        expected = (access_token_of(self.row, at), self.row.refresh_token or self.refresh_token)
        assert self._opened(stands) == expected
        assert stands.tokens.scope == self.row.scope
        assert (stands.tokens.expires_at is None) is (self.row.lasts is None)
        if self.row.lasts is not None and stands.tokens.expires_at is not None:
            ends = at + timedelta(seconds=self.row.lasts)
            assert abs(stands.tokens.expires_at - ends) < timedelta(seconds=1)
        flags = (stands.ambiguous, stands.retry_at, stands.attempts, stands.refusals)
        assert (*flags, stands.failure) == (self.row.doubtful, None, 0, 0, None)

    def check_next(self, stands: Connection) -> None:
        """What is stored is a good set: the next refresh sends what belongs to it."""
        sent = len(self.world.login.refreshes)
        self.world.time.passes(hours=3)
        later = {"access_token": "later", "refresh_token": "later", "expires_in": 3600}
        self.world.login.script.append(answers(200, later))
        got = self.call(refused=stands)
        if self.row.ends is Ends.GRANT_GONE:
            assert isinstance(got, Connection)
            assert len(self.world.login.refreshes) == sent
            return
        renewed = self.row.ends in (Ends.RENEWED, Ends.HALF)
        expected = self.row.refresh_token if renewed else None
        expected = expected or self.refresh_token
        assert (got, self.world.login.refreshes[sent:]) == ("later", [expected])
        after = self.world.connection(self.user_id)
        assert (self._opened(after), after.ambiguous) == (("later", "later"), False)


def trial(world: World, row: Row, user_id: str, seconds: float) -> Trial:
    """Connect a user and let that time pass; nothing is left of the trial before."""
    world.core.server_states.forget("crm")
    world.login.script.clear()
    world.login.issued = 0  # everybody's first tokens are called the same
    world.connect(user_id)
    old = world.connection(user_id)
    world.time.passes(seconds)
    return Trial(world, row, user_id, old)


def meets_a_call_while_the_old_token_serves(world: World, row: Row) -> None:
    jo = trial(world, row, "jo", STALE)
    at = world.time.now()
    with answered(world, row):
        got = jo.call()
    stands = jo.check(at)
    match row.ends:
        case Ends.RENEWED:
            assert got == access_token_of(row, at)
        case Ends.GRANT_GONE:
            assert isinstance(got, Connection)
            assert got.reason is Reason.REFRESH_REJECTED
        case _:
            assert got == jo.access_token
    jo.check_next(stands)


def meets_the_worker(world: World, row: Row) -> None:
    ann = trial(world, row, "ann", DUE + 10)
    at = world.time.now()
    with answered(world, row):
        looks(world, "ann")
    due_at, ends_at = ann.check(at).due_at, ann.old.tokens.expires_at
    assert ends_at is not None
    match row.ends:
        case Ends.GRANT_GONE:
            assert due_at is None
        case Ends.RENEWED:
            assert (due_at is None) is (row.lasts is None)
        case Ends.OPEN:  # sent again when the access token has run out, and not before
            assert due_at is not None
            assert due_at >= ends_at
            assert ann.call() == ann.access_token
        case _:
            assert due_at is not None
            assert ann.call() == ann.access_token


def meets_a_call_when_the_old_token_has_run_out(world: World, row: Row) -> str:
    """Return what is raised, with its trace."""
    kim = trial(world, row, "kim", DEAD)
    at = world.time.now()
    with answered(world, row):
        got = kim.call()
    kim.check(at)
    if row.ends is Ends.GRANT_GONE:
        assert isinstance(got, Connection)
        return ""
    expected = ServerMisconfigured if row.ends is Ends.CLIENT_WRONG else TemporarilyUnavailable
    assert isinstance(got, expected)
    assert got.retry_after or row.ends is Ends.CLIENT_WRONG
    return f"{got!r} {''.join(traceback.format_exception(got))}"


@pytest.mark.parametrize("row", [pytest.param(row, id=row.title) for row in RENEWALS + FAILURES])
def test_an_answer_ends_as_stated_and_costs_no_token_set(
    world: World, row: Row, capsys: pytest.CaptureFixture[str]
) -> None:
    meets_a_call_while_the_old_token_serves(world, row)
    meets_the_worker(world, row)
    told = ""
    if row.ends is not Ends.RENEWED:
        told = meets_a_call_when_the_old_token_has_run_out(world, row)
    told += f"{world.core.connections.of_user('ann')!r} {capsys.readouterr().out}"
    assert [secret for secret in SECRETS if secret in told] == []


def test_the_rows_are_many_and_none_is_there_twice() -> None:
    titles = [row.title for row in RENEWALS + FAILURES]
    assert len(titles) == len(set(titles)) > 120
    assert {row.ends for row in FAILURES} == set(Ends) - {Ends.RENEWED}
