"""What earlier code stored is read, used, and stored anew."""

from dataclasses import replace
from datetime import timedelta

import pytest

from broker.errors import StoredByNewerVersion
from broker.flows.refresh_scheduler import Tick
from broker.model import Reason, Secret, Status, TestStep
from broker.queues import DueMessage, RescueMessage
from broker.storage import versions
from broker.storage.encoding import deserialize
from broker.storage.server_state import ServerState
from broker.vault import code_place, open_under, verifier_place
from broker.vault import test_place as place_of_test
from tests.fakes.clock import START
from tests.integration.conftest import World
from tests.integration.stored import Stored
from tests.shapes import NAMES, read
from tests.shapes.registry import BARE
from tests.shapes.write import SHAPES
from tests.unit.transformed import statements

OLDER = [name for name in NAMES if name != NAMES[-1]]
HOUR = timedelta(hours=1)


@pytest.fixture(params=NAMES)
def stored(world: World, request: pytest.FixtureRequest) -> Stored:
    return Stored(world, request.param)


@pytest.fixture(params=OLDER)
def older(world: World, request: pytest.FixtureRequest) -> Stored:
    return Stored(world, request.param)


def test_a_server_and_its_secret_are_read(stored: Stored) -> None:
    server = stored.server
    assert (server.name, server.scopes, server.missing) == ("CRM", ("read", "write"), ())
    assert stored.core.vault.client_secret_of(server) == Secret("canary-secret")
    assert stored.core.servers.all(None, 10) == ([server], None)


def test_a_server_is_changed_and_deleted(stored: Stored) -> None:
    changed = replace(stored.server, name="New", revision=2)
    stored.core.servers.put(changed, replaces=stored.server)
    assert stored.server == changed
    assert stored.versions("ServersTable") == {str(versions.SERVERS.version)}
    stored.core.servers.delete(changed)
    assert stored.core.servers.get("crm") is None


def test_an_unchanged_server_is_deleted(stored: Stored) -> None:
    stored.core.servers.delete(stored.server)
    assert stored.core.servers.get("crm") is None


def test_what_was_learned_of_a_server_is_read(stored: Stored) -> None:
    known = stored.core.server_states.get("crm")
    assert known == ServerState("legacy", "2025-11-25", START - HOUR, "invalid_client")


def test_what_a_first_use_found_is_read(world: World) -> None:
    stored = Stored(world, NAMES[-1])
    found = stored.core.found.get(BARE)
    assert found is not None
    assert found.server is not None
    assert (found.server.client_id, found.server.missing) == ("registered-1", ())
    assert stored.core.vault.client_secret_of(found.server) == Secret("canary-registered")
    assert [problem.code for problem in found.problems] == ["endpoints_apart"]


def test_what_is_learned_next_is_stored_in_todays_shape(stored: Stored) -> None:
    stored.core.server_states.clear_misconfigured("crm")
    assert stored.core.server_states.get("crm") == ServerState("legacy", "2025-11-25")
    assert stored.versions("ServerStateTable") == {str(versions.SERVER_STATE.version)}


def test_every_connection_is_read(stored: Stored) -> None:
    named = ("jo", "kim", "lee", "max", "una")
    jo, kim, lee, max_, una = (stored.world.connection(name) for name in named)
    assert (jo.status, jo.due_at, jo.account.label) == (
        Status.ACTIVE,
        START + HOUR,
        "jo@example.com",
    )
    assert (kim.attempts, kim.ambiguous, kim.retry_at) == (2, True, START + HOUR)
    assert kim.failure is not None
    assert lee.lease is not None
    assert (max_.status, max_.reason) == (Status.RECONNECT_REQUIRED, Reason.REFRESH_REJECTED)
    assert (una.status, una.removing_since) == (Status.REMOVING, START)
    assert [c.server_id for c in stored.core.connections.of_user("jo")] == ["crm"]
    assert stored.core.connections.users_of("crm", None, 10)[0] == list(named)


def test_a_call_is_served_with_the_stored_token(stored: Stored) -> None:
    assert stored.token() == "canary-access-jo-1"
    assert stored.world.login.refreshes == []


def test_an_mcp_session_opens(stored: Stored) -> None:
    session = stored.core.sealer.open_session(stored.world.connection())
    assert session == Secret("canary-session")


def test_an_ending_token_is_refreshed_with_the_stored_one(stored: Stored) -> None:
    stored.world.time.passes(hours=2)
    assert stored.token() == "canary-access-1"
    assert stored.world.login.refreshes == ["canary-refresh-jo-1"]
    assert stored.world.connection().generation == 2
    assert stored.world.refresh_token() == "canary-refresh-1"


def test_what_is_due_is_refreshed_ahead(stored: Stored) -> None:
    stored.world.time.passes(hours=2)
    assert stored.core.flows.refresh_scheduler.tick(stored.world.run()) == Tick(4, 4)


def test_a_queued_id_is_read(stored: Stored) -> None:
    assert DueMessage.model_validate_json(stored.due) == DueMessage(user_id="jo", server_id="crm")


def test_a_rescued_token_set_is_applied(stored: Stored) -> None:
    message = RescueMessage.model_validate_json(stored.rescue)
    stored.core.flows.refresh_worker.rescue(message)
    assert stored.world.connection().generation == 2
    assert stored.world.refresh_token() == "canary-refresh-jo-2"


def test_a_ticket_is_taken_and_says_when_it_was_made(stored: Stored) -> None:
    ticket = stored.core.pending.take_ticket("connect-1", "attempt", START)
    assert ticket is not None
    assert (ticket.user_id, ticket.created_at, ticket.taken) == ("jo", START, True)
    assert stored.core.pending.ticket("connect-1") == ticket


def test_a_user_erased_since_ends_a_flow_that_began_before(stored: Stored) -> None:
    ticket = stored.core.pending.ticket("connect-1")
    assert ticket is not None
    assert not stored.core.pending.erased_since(ticket)
    stored.core.pending.erase_user("jo", START + timedelta(seconds=1))
    assert stored.core.pending.erased_since(ticket)


def test_a_states_code_and_verifier_open_once_it_is_taken(stored: Stored) -> None:
    state = stored.core.pending.take_state("state-1", "attempt", START)
    assert state is not None
    assert state.code is not None
    assert state.code_verifier is not None
    opened = stored.core.vault.open
    assert opened(code_place("crm", "state-1"), state.code) == Secret("canary-code")
    assert opened(verifier_place("crm", "state-1"), state.code_verifier) == Secret(
        "canary-verifier"
    )


def test_a_test_goes_on(stored: Stored) -> None:
    run = stored.core.tests.get("test-1")
    assert run is not None
    assert run.tokens is not None
    assert run.next_step is TestStep.TOOLS
    assert stored.core.vault.open(place_of_test("crm", "test-1"), run.tokens) == Secret(
        "canary-test"
    )
    claimed = stored.core.tests.claim(run, START, START + HOUR)
    assert stored.core.tests.get("test-1") == claimed


def test_tool_lists_are_read(stored: Stored) -> None:
    listed = stored.core.tools.get("crm", None), stored.core.tools.get("crm", "jo")
    assert [one.tools for one in listed if one] == [[{"name": "get"}], [{"name": "mine"}]]


def test_changing_one_attribute_of_an_older_item_stores_todays_shape(older: Stored) -> None:
    older.core.connections.reschedule(older.world.connection(), None)
    state = older.core.pending.state("state-1")
    assert state is not None
    assert older.core.pending.put_state(replace(state, state_id="state-2"), START)
    [connection] = older.items("ConnectionsTable", user_id="jo")
    [ticket] = older.items("PendingTable", id="ticket#connect-1")
    assert connection["v"] == {"N": str(versions.CONNECTIONS.version)}
    assert ticket["v"] == {"N": str(versions.PENDING.version)}
    assert ticket["created_at"] == {"N": str(int(START.timestamp()) * 1000)}
    assert ticket["states"] == {"N": "2"}


def test_a_failed_condition_on_an_older_item_is_told_in_todays_shape(older: Stored) -> None:
    [ticket] = older.items("PendingTable", id="ticket#connect-1")
    older.dynamodb.put_item(TableName="PendingTable", Item={**ticket, "taken_by": {"S": "other"}})
    older.world.cloud.unversioned.clear()
    assert older.core.pending.take_ticket("connect-1", "attempt", START) is None
    mine = older.core.pending.take_ticket("connect-1", "other", START)
    assert mine is not None
    assert mine.created_at == START


def test_an_older_item_changed_meanwhile_loses_nothing(older: Stored) -> None:
    def other() -> None:
        older.world.container().pending.take_ticket("connect-1", "other", START)

    older.world.cloud.before("UpdateItem", other)
    assert older.core.pending.take_ticket("connect-1", "mine", START) is None
    [ticket] = older.items("PendingTable", id="ticket#connect-1")
    assert ticket["taken_by"] == {"S": "other"}
    assert ticket["v"] == {"N": str(versions.PENDING.version)}


def test_an_older_item_taken_while_it_is_upgraded_is_taken_once(older: Stored) -> None:
    takers = ["other", "third"]

    def others() -> None:
        older.world.container().pending.take_ticket("connect-1", takers.pop(), START)

    older.world.cloud.after("UpdateItem", others)
    taken = older.core.pending.take_ticket("connect-1", "mine", START)
    [ticket] = older.items("PendingTable", id="ticket#connect-1")
    assert (taken is None) == (ticket["taken_by"] != {"S": "mine"})


@pytest.mark.parametrize("role", ["RefreshSchedulerFunctionRole", "ServersFunctionRole"])
def test_a_role_that_lists_attributes_lists_what_an_upgrade_of_a_connection_changes(
    older: Stored, role: str
) -> None:
    conditions = [each["Condition"] for each in statements(role) if "Condition" in each]
    [listed] = [
        test["dynamodb:Attributes"]
        for condition in conditions
        for test in condition.values()
        if "dynamodb:Attributes" in test
    ]
    for item in map(deserialize, older.items("ConnectionsTable")):
        assert SHAPES["ConnectionsTable"].difference(item).keys() <= set(listed)


def test_the_newest_file_holds_todays_versions() -> None:
    newest = read(NAMES[-1])["tables"]
    found = {table: {item["v"]["N"] for item in items} for table, items in newest.items()}
    assert found == {table: {str(shape.version)} for table, shape in SHAPES.items()}


@pytest.fixture
def newest(world: World) -> Stored:
    return Stored(world, NAMES[-1])


def test_a_session_and_a_waiting_call_are_read(newest: Stored) -> None:
    store = newest.core.flows._sessions.store
    session = store.get("session-1")
    assert session
    assert (session.user_id, session.server_ids) == ("jo", ("crm",))
    calls = newest.core.flows.mcp_endpoint.calls
    assert calls.client_elicits_urls("session-1 crm")
    call = calls.take("call-1", "0" * 64, START)
    assert call
    assert call.upstream
    assert open_under(Secret("canary-handle"), "call-1", call.upstream) == Secret("canary-state")


def test_a_session_and_a_waiting_call_of_later_code_are_left_alone(newest: Stored) -> None:
    newest.becomes_newer()
    before = newest.everything()
    store, calls = newest.core.flows._sessions.store, newest.core.flows.mcp_endpoint.calls
    for touch in (
        lambda: store.get("session-1"),
        lambda: calls.take("call-1", "0" * 64, START),
        lambda: calls.client_elicits_urls("session-1 crm"),
    ):
        with pytest.raises(StoredByNewerVersion):
            touch()
    assert newest.everything() == before
