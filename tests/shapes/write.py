"""Write one item of each kind with today's code.

``PYTHONPATH=layers/common .venv/bin/python -m tests.shapes.write 5-what-changed``
"""

import json
import os
import sys
from dataclasses import replace
from datetime import timedelta
from typing import Any

import boto3
from moto import mock_aws
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.kms.models import kms_backends

from broker.clock import Clock
from broker.model import (
    Account,
    Connection,
    Failure,
    Lease,
    PendingAuthorization,
    Purpose,
    Reason,
    RevocationTarget,
    Sealed,
    SealedTokens,
    Secret,
    Server,
    Session,
    Status,
    StepReport,
    TestRun,
    TestStatus,
    TestStep,
    Ticket,
)
from broker.queues import DueMessage, RescueMessage
from broker.storage import versions
from broker.storage.connections import ConnectionStore
from broker.storage.found import FoundStore
from broker.storage.mcp_calls import McpCallStore, WaitingCall
from broker.storage.pending import PendingStore
from broker.storage.probes import TestStore
from broker.storage.schedule import Due, Schedule
from broker.storage.server_state import ServerStateStore
from broker.storage.servers import ServerStore
from broker.storage.sessions import SessionStore
from broker.storage.styles import StyleStore
from broker.storage.table import Table, TableTime
from broker.storage.tools import StoredTools, ToolStore
from broker.vault import (
    Context,
    Kind,
    Place,
    Vault,
    code_place,
    seal_under,
    test_place,
    verifier_place,
)
from tests.shapes import FOLDER, KEY_ID, KEY_MATERIAL, Bytes, registry
from tests.shapes.registry import NOW

HOUR = timedelta(hours=1)
REGION = "us-east-1"
KEYS = {
    "ServersTable": ["server_id"],
    "ServerStateTable": ["server_id"],
    "ConnectionsTable": ["user_id", "server_id"],
    "PendingTable": ["id"],
    "ToolsTable": ["server_id", "part"],
    "SessionsTable": ["session_id"],
}
SHAPES = {
    "ServersTable": versions.SERVERS,
    "ServerStateTable": versions.SERVER_STATE,
    "ConnectionsTable": versions.CONNECTIONS,
    "PendingTable": versions.PENDING,
    "ToolsTable": versions.TOOLS,
    "SessionsTable": versions.SESSIONS,
}


class Writer:
    """Stores upon an empty moto."""

    def __init__(self) -> None:
        self.dynamodb: Any = boto3.client("dynamodb")
        for name, keys in KEYS.items():
            self.dynamodb.create_table(
                TableName=name,
                BillingMode="PAY_PER_REQUEST",
                AttributeDefinitions=[{"AttributeName": k, "AttributeType": "S"} for k in keys],
                KeySchema=[_key_part(number, key) for number, key in enumerate(keys)],
            )
        self.clock = Clock()
        self.vault = Vault(boto3.client("kms"), known_key(), self.clock)

    def table(self, name: str) -> Table:
        return Table(self.dynamodb, name, self.clock, SHAPES[name])

    def server(self) -> Server:
        server = registry.crm(self.vault)
        found = FoundStore(self.table("ServerStateTable"))
        styles = StyleStore(self.table("ServerStateTable"))
        ServerStore(self.table("ServersTable"), found, styles).put(server, replaces=None)
        found.put(registry.BARE, registry.found(self.vault))
        return server

    def server_states(self) -> None:
        store = ServerStateStore(self.table("ServerStateTable"))
        store.remember_era("crm", "legacy", "2025-11-25")
        store.flag_misconfigured("crm", "invalid_client", NOW - HOUR)
        store.note_rejection("crm", "lee", NOW)

    def tokens(self, user_id: str, generation: int = 1) -> SealedTokens:
        def sealed(kind: Kind) -> Sealed:
            place = Place(Context(kind, "crm", user_id), f"grant-{user_id}", generation)
            return self.vault.seal(place, Secret(f"canary-{kind.value}-{user_id}-{generation}"))

        return SealedTokens(
            sealed(Kind.ACCESS), sealed(Kind.REFRESH), NOW + HOUR, NOW, ("read", "write")
        )

    def connection(self, server: Server, user_id: str) -> Connection:
        connection = Connection(
            user_id,
            "crm",
            f"grant-{user_id}",
            1,
            Status.ACTIVE,
            server.config_digest,
            self.tokens(user_id),
            NOW,
            NOW,
            RevocationTarget(server.revocation_endpoint, server.client_id),
            Account(f"{user_id}@example.com", "0" * 64),
            user_label=user_id.title(),
            requested_scopes=("read", "write"),
            used_at=NOW,
            due_at=NOW + HOUR,
        )
        ConnectionStore(self.table("ConnectionsTable")).establish(connection, None)
        return connection

    def connections(self, server: Server) -> Connection:
        """Write one in use, one that failed, one leased, one flagged and one being removed."""
        store = ConnectionStore(self.table("ConnectionsTable"))
        named = ("jo", "kim", "lee", "max", "una")
        jo, kim, lee, max_, una = (self.connection(server, name) for name in named)
        place = Place(Context(Kind.ACCESS, "crm", "jo"), "grant-jo", purpose="mcp_session")
        key = self.vault.open_key(place.context, jo.tokens.access.wrapped_key)
        store.remember_session(jo, key.seal(place, Secret("canary-session")))
        time = TableTime(self.clock, NOW.timestamp(), self.clock.monotonic())
        lease = Lease("lease-1", NOW.timestamp() + 30)
        failure = Failure("temporarily_unavailable", "The service did not answer.", NOW)
        failed = replace(
            store.lease(kim, lease, time),
            retry_at=NOW + HOUR,
            attempts=2,
            refusals=1,
            ambiguous=True,
            ambiguous_at=NOW,
            failure=failure,
        )
        store.release(failed, lease, NOW + HOUR)
        schedule = Schedule(self.table("ConnectionsTable"))
        schedule.claim(Due("kim", "crm", int((NOW + HOUR).timestamp())), NOW + 2 * HOUR, "claim-1")
        store.lease(lee, lease, time)
        store.flag(max_, Reason.REFRESH_REJECTED, failure)
        store.begin_removal(una, NOW, NOW)
        return jo

    def pending(self, server: Server) -> None:
        store = PendingStore(self.table("PendingTable"))
        until = NOW + timedelta(minutes=10)
        ticket = Ticket(
            "connect-1",
            Purpose.CONNECT,
            "jo",
            "crm",
            NOW,
            until,
            return_url="https://chat.example.com/return",
            scopes=("read", "write"),
        )
        store.put_ticket(ticket)
        verifier = self.vault.seal(verifier_place("crm", "state-1"), Secret("canary-verifier"))
        state = PendingAuthorization(
            "state-1",
            "connect-1",
            "crm",
            "https://broker.example.com/callback/crm",
            server.config_digest,
            "0" * 64,
            until,
            verifier,
        )
        store.put_state(state, NOW)
        code = self.vault.seal(code_place("crm", "state-1"), Secret("canary-code"))
        store.keep_code(state, code, "completion-1", NOW + timedelta(minutes=2))
        store.erase_user("kim", NOW)
        store.end_grant("grant-0", NOW)
        TestStore(self.table("PendingTable")).put(
            TestRun(
                "test-1",
                "crm",
                "connect-2",
                server.config_digest,
                TestStatus.RUNNING,
                TestStep.TOOLS,
                until,
                steps=[StepReport(TestStep.CONSENT, "ok", "The service asked.")],
                diagnoses=[{"cause": "x", "summary": "x", "seen": "x", "fix": "x"}],
                tokens=self.vault.seal(test_place("crm", "test-1"), Secret("canary-test")),
            )
        )

    def tools(self, server: Server) -> None:
        store = ToolStore(self.table("ToolsTable"))
        listed = StoredTools([{"name": "get"}], NOW, server.config_digest, HOUR)
        store.put("crm", None, listed)
        store.put(
            "crm",
            "jo",
            StoredTools([{"name": "mine"}], NOW, server.config_digest, HOUR, "grant-jo"),
        )

    def sessions(self) -> None:
        session = Session(
            "session-1", "jo", ("crm",), NOW, NOW + HOUR, "https://chat.example.com/r"
        )
        SessionStore(self.table("SessionsTable")).put(session)
        calls = McpCallStore(self.table("PendingTable"))
        sealed = seal_under(Secret("canary-handle"), "call-1", Secret("canary-state"))
        calls.put(WaitingCall("call-1", "0" * 64, NOW + HOUR, connects=False, upstream=sealed))
        calls.remember_client("session-1 crm", elicits_urls=True, until=NOW + HOUR)

    def everything(self) -> dict[str, Any]:
        server = self.server()
        self.server_states()
        jo = self.connections(server)
        self.pending(server)
        self.tools(server)
        self.sessions()
        due = DueMessage(user_id="jo", server_id="crm")
        rescue = RescueMessage.of(jo, self.tokens("jo", 2))
        return {
            "tables": {name: self.dynamodb.scan(TableName=name)["Items"] for name in KEYS},
            "queues": {
                "DueQueue": [due.model_dump_json()],
                "RescueQueue": [rescue.model_dump_json()],
            },
        }


def _key_part(number: int, name: str) -> Any:
    return {"AttributeName": name, "KeyType": ("HASH", "RANGE")[number]}


def known_key() -> str:
    """Put the key into moto's KMS under its own id, once; return the id."""
    backend = kms_backends[DEFAULT_ACCOUNT_ID][REGION]
    if KEY_ID in backend.keys:
        return KEY_ID
    key = backend.create_key(None, "ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT", "", [])
    key.id, key.key_material = KEY_ID, KEY_MATERIAL
    backend.keys[KEY_ID] = key
    return KEY_ID


if __name__ == "__main__":
    os.environ |= {
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "POWERTOOLS_METRICS_NAMESPACE": "Test",
    }
    with mock_aws():
        written = Writer().everything()
    text = json.dumps(written, indent=1, sort_keys=True, cls=Bytes)
    (FOLDER / f"{sys.argv[1]}.json").write_text(text + "\n", encoding="utf-8")
