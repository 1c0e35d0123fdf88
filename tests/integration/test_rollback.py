"""What a newer version stored is not misread, changed or deleted, and nothing is lost over it."""

import inspect
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from broker.errors import StoredByNewerVersion
from broker.flows.refresh_scheduler import Tick
from broker.inbound.batch import process
from broker.model import (
    Connection,
    Failure,
    Found,
    Lease,
    PendingAuthorization,
    Reason,
    Server,
    TestRun,
    Ticket,
)
from broker.queues import DueMessage, RescueMessage
from broker.storage.schedule import Due
from broker.storage.table import TableTime
from broker.storage.tools import StoredTools
from tests.fakes.clock import START
from tests.integration.conftest import Container, World
from tests.integration.stored import Stored
from tests.shapes import NAMES
from tests.shapes.registry import BARE

AGAIN = replace(BARE, incarnation="second")
"""What was found for one incarnation of a server is not replaced for the same."""
LATER = START + timedelta(hours=1)
STORES = (
    "servers",
    "found",
    "server_states",
    "connections",
    "schedule",
    "pending",
    "tests",
    "tools",
)


@dataclass(frozen=True, slots=True)
class Known:
    """What was read before the rollback."""

    server: Server
    connection: Connection
    leased: Connection
    ticket: Ticket
    state: PendingAuthorization
    test: TestRun
    time: TableTime
    lease: Lease
    failure: Failure
    tools: StoredTools


@pytest.fixture
def stored(world: World) -> Stored:
    return Stored(world, NAMES[-1])


def known(stored: Stored) -> Known:
    core, connection = stored.core, stored.world.connection()
    ticket, state = core.pending.ticket("connect-1"), core.pending.state("state-1")
    test, tools = core.tests.get("test-1"), core.tools.get("crm", "jo")
    _, time = core.connections.get("jo", "crm")
    assert ticket
    assert state
    assert test
    assert tools
    leased = stored.world.connection("lee")
    core.pending.end_grant("grant-1", START)
    lease = Lease("lease-1", START.timestamp() + 30)
    failure = Failure("x", "x", START)
    return Known(
        stored.server,
        connection,
        leased,
        ticket,
        state,
        test,
        time,
        lease,
        failure,
        tools,
    )


type Act = Callable[[Container, Known], Any]
READS: dict[str, Act] = {
    "servers.get": lambda c, k: c.servers.get("crm"),
    "servers.registered": lambda c, k: c.servers.registered("crm"),
    "found.get": lambda c, k: c.found.get(BARE),
    "servers.all": lambda c, k: c.servers.all(None, 10),
    "server_states.get": lambda c, k: c.server_states.get("crm"),
    "connections.get": lambda c, k: c.connections.get("jo", "crm"),
    "connections.of_user": lambda c, k: c.connections.of_user("jo"),
    "pending.ticket": lambda c, k: c.pending.ticket("connect-1"),
    "pending.state": lambda c, k: c.pending.state("state-1"),
    "pending.erased_since": lambda c, k: c.pending.erased_since(replace(k.ticket, user_id="kim")),
    "pending.erased_after": lambda c, k: c.pending.erased_after("kim", START),
    "pending.is_ended": lambda c, k: c.pending.is_ended("grant-1"),
    "tests.get": lambda c, k: c.tests.get("test-1"),
    "tools.get": lambda c, k: c.tools.get("crm", "jo"),
}
WRITES: dict[str, Act] = {
    "servers.put": lambda c, k: c.servers.put(replace(k.server, revision=2), replaces=k.server),
    "servers.delete": lambda c, k: c.servers.delete(k.server),
    "found.put": lambda c, k: c.found.put(AGAIN, Found(None, (), START)),
    "found.forget": lambda c, k: c.found.forget("harbor"),
    "server_states.remember_era": lambda c, k: c.server_states.remember_era("crm", "x", "x"),
    "server_states.remember_mirrors": lambda c, k: c.server_states.remember_mirrors("crm"),
    "server_states.flag_misconfigured": lambda c, k: c.server_states.flag_misconfigured(
        "crm", "x", START
    ),
    "server_states.clear_misconfigured": lambda c, k: c.server_states.clear_misconfigured("crm"),
    "server_states.take_probe": lambda c, k: c.server_states.take_probe("crm", START),
    "server_states.note_rejection": lambda c, k: c.server_states.note_rejection("crm", "x", START),
    "server_states.forget": lambda c, k: c.server_states.forget("crm"),
    "connections.establish": lambda c, k: c.connections.establish(k.connection, k.connection),
    "connections.lease": lambda c, k: c.connections.lease(k.connection, k.lease, k.time),
    "connections.announce_recovery": lambda c, k: c.connections.announce_recovery(k.leased, 1.0),
    "connections.advance": lambda c, k: c.connections.advance(
        k.connection, k.connection.tokens, LATER
    ),
    "connections.release": lambda c, k: c.connections.release(k.leased, k.lease, None),
    "connections.flag": lambda c, k: c.connections.flag(k.connection, Reason.REVOKED, k.failure),
    "connections.touch": lambda c, k: c.connections.touch(k.connection, LATER, LATER),
    "connections.reschedule": lambda c, k: c.connections.reschedule(k.connection, None),
    "connections.date": lambda c, k: c.connections.date(k.connection, START, START),
    "connections.remember_session": lambda c, k: c.connections.remember_session(k.connection, None),
    "connections.remember_challenge": lambda c, k: c.connections.remember_challenge(
        k.connection, ("admin",)
    ),
    "connections.begin_removal": lambda c, k: c.connections.begin_removal(
        k.connection, START, START
    ),
    "connections.remove": lambda c, k: c.connections.remove(k.connection),
    "pending.put_ticket": lambda c, k: c.pending.put_ticket(k.ticket),
    "pending.put_state": lambda c, k: c.pending.put_state(replace(k.state, state_id="x"), START),
    "pending.take_state": lambda c, k: c.pending.take_state("state-1", "x", START),
    "pending.take_ticket": lambda c, k: c.pending.take_ticket("connect-1", "x", START),
    "pending.keep_code": lambda c, k: c.pending.keep_code(
        k.state, k.connection.tokens.access, "x", LATER
    ),
    "pending.erase_code": lambda c, k: c.pending.erase_code("state-1"),
    "pending.erase_user": lambda c, k: c.pending.erase_user("kim", LATER),
    "pending.end_grant": lambda c, k: c.pending.end_grant("grant-1", LATER),
    "tests.put": lambda c, k: c.tests.put(k.test),
    "tests.claim": lambda c, k: c.tests.claim(k.test, START, LATER),
    "tests.report": lambda c, k: c.tests.report(k.test, k.test),
    "tools.put": lambda c, k: c.tools.put("crm", "jo", k.tools),
    "tools.forget": lambda c, k: c.tools.forget("crm", "jo"),
}
KEYS_ALONE = {"connections.users_of", "schedule.due", "schedule.claim"}
"""They read an index that holds no more, or leave the row alone; each has a test below."""


def test_every_method_of_every_store_is_tried(world: World) -> None:
    methods = {
        f"{name}.{method}"
        for name in STORES
        for method, found in inspect.getmembers(type(getattr(world.core, name)))
        if inspect.isfunction(found) and not method.startswith("_")
    }
    assert methods == READS.keys() | WRITES.keys() | KEYS_ALONE


@pytest.mark.parametrize("name", [*READS, *WRITES])
def test_what_is_newer_is_refused_and_left_as_it_is(stored: Stored, name: str) -> None:
    before_rollback = known(stored)
    stored.becomes_newer()
    before = stored.everything()
    with pytest.raises(StoredByNewerVersion):
        (READS | WRITES)[name](stored.core, before_rollback)
    assert stored.everything() == before


@pytest.mark.parametrize("name", WRITES)
def test_the_same_write_is_taken_where_nothing_is_newer(stored: Stored, name: str) -> None:
    before_rollback, before = known(stored), stored.everything()
    WRITES[name](stored.core, before_rollback)
    assert name in UNCHANGING or stored.everything() != before


UNCHANGING = {"connections.establish", "pending.put_ticket", "tests.put", "tools.put"}
"""They write again what stands there, whole."""


def test_a_refusal_is_logged_with_the_table_and_counted(
    stored: Stored, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    stored.becomes_newer()
    with pytest.raises(StoredByNewerVersion):
        stored.core.connections.get("jo", "crm")
    [line] = [vars(record) for record in caplog.records]
    assert (line["levelname"], line["msg"]) == ("ERROR", "stored_by_newer_version")
    assert line["table"] == stored.core.settings.connections_table
    assert '"StoredByNewerVersion":[1.0]' in capsys.readouterr().out


def test_a_call_is_refused_for_now_and_no_token_leaves(stored: Stored) -> None:
    stored.becomes_newer("ConnectionsTable")
    with pytest.raises(StoredByNewerVersion) as refused:
        stored.token()
    assert (refused.value.status, refused.value.retry_after) == (503, 60)
    assert stored.world.login.token_requests == []


def test_a_valid_token_serves_although_what_was_learned_of_its_server_is_newer(
    stored: Stored,
) -> None:
    stored.becomes_newer("ServerStateTable")
    stored.world.time.passes(3600 - 200)
    assert stored.token() == "canary-access-jo-1"


def test_a_set_refreshed_while_the_row_became_newer_is_rescued_and_not_lost(
    stored: Stored,
) -> None:
    stored.world.time.passes(hours=2)
    stored.world.login.during.append(lambda: stored.becomes_newer("ConnectionsTable"))
    assert stored.token() == "canary-access-1"
    [body] = stored.world.cloud.messages("RescueQueue")
    assert RescueMessage.model_validate_json(body).generation == 1


def test_the_schedule_goes_on_with_the_others(stored: Stored) -> None:
    stored.becomes_newer("ConnectionsTable")
    stored.world.register(stored.server)
    stored.world.connect("zoe")
    stored.world.time.passes(hours=2)
    before = [
        item for item in stored.world.cloud.items("ConnectionsTable") if item["v"]["N"] == "99"
    ]
    assert stored.core.flows.refresh_scheduler.tick(stored.world.run()) == Tick(5, 1)
    after = [
        item for item in stored.world.cloud.items("ConnectionsTable") if item["v"]["N"] == "99"
    ]
    assert before == after


def test_a_claim_of_what_is_newer_fails(stored: Stored) -> None:
    stored.becomes_newer("ConnectionsTable")
    due = Due("jo", "crm", int(LATER.timestamp()))
    with pytest.raises(StoredByNewerVersion):
        stored.core.schedule.claim(due, LATER, "x")


def test_indexes_of_keys_alone_are_read(stored: Stored) -> None:
    stored.becomes_newer("ConnectionsTable")
    assert len(stored.core.connections.users_of("crm", None, 10)[0]) == 5


@pytest.mark.parametrize("kind", [DueMessage, RescueMessage])
def test_a_newer_message_stays_on_its_queue_and_says_why(
    stored: Stored, kind: type[DueMessage | RescueMessage], capsys: pytest.CaptureFixture[str]
) -> None:
    body = {DueMessage: stored.due, RescueMessage: stored.rescue}[kind]
    newer = json.dumps(json.loads(body) | {"v": 99, "user_id": {"of": "another kind"}})
    record = {"messageId": "m", "eventSourceARN": "arn:aws:sqs:x:1:queue", "body": newer}
    handled = {
        "https://sqs/1/queue": lambda text: handled_with.append(kind.model_validate_json(text))
    }
    handled_with: list[object] = []
    answer = process({"Records": [record]}, handled)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "m"}]}
    assert handled_with == []
    printed = capsys.readouterr().out
    assert '"StoredByNewerVersion":[1.0]' in printed
    assert "UnexpectedError" not in printed


def test_a_rescued_set_waits_until_its_connection_can_be_read_again(stored: Stored) -> None:
    stored.becomes_newer("ConnectionsTable")
    message = RescueMessage.model_validate_json(stored.rescue)
    with pytest.raises(StoredByNewerVersion):
        stored.core.flows.refresh_worker.rescue(message)
    assert stored.world.login.revoked == []


def test_erasing_a_user_says_that_it_cannot_be_done_yet(stored: Stored) -> None:
    stored.becomes_newer()
    with pytest.raises(StoredByNewerVersion):
        stored.core.flows.connections.erase("jo", stored.world.run())
    assert stored.world.login.revoked == []
