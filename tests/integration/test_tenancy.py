"""Nobody's row is another's, however ids are written; no table holds a secret in the clear."""

import base64
import json
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pytest
from boto3.dynamodb.types import Binary, TypeDeserializer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from broker.errors import SealBroken
from broker.model import Secret
from broker.storage.connection_items import SHARDS, due_attributes, shard_of
from broker.tokens import Usable
from tests.fakes.services import answers
from tests.integration.conftest import CLIENT_SECRET, World
from tests.integration.consents import complete, consented
from tests.integration.test_calls import invoke, tools
from tests.unit.transformed import of_type

HOSTILE = [
    "a#b",
    "a/b",
    "a",
    "a ",
    " a",
    "A",
    "ﬁ",
    "fi",
    "\u00e9",
    "e\u0301",
    "😀",
    "a:crm",
    "a\x00b",
    "crm",
    "1:a",
    '{"S":"a"}',
]
user_ids = st.text(
    min_size=1, max_size=8, alphabet="ab1:#/ \x00\u00e9e\u0301ﬁfi😀"
) | st.sampled_from(HOSTILE)
server_ids = st.from_regex(r"[a-b0-1][a-b0-1-]{0,4}", fullmatch=True)


@pytest.mark.parametrize("user_id", HOSTILE)
def test_a_user_id_of_any_kind_has_its_own_row(world: World, user_id: str) -> None:
    for user in HOSTILE:
        world.connect(user)
    world.core.connections.remove(world.connection(user_id))
    left = [item["user_id"]["S"] for item in world.cloud.items("ConnectionsTable")]
    assert sorted(left) == sorted(user for user in HOSTILE if user != user_id)


@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(user_ids, user_ids)
def test_no_user_is_ever_given_anothers_token(world: World, one: str, two: str) -> None:
    tokens = {}
    for user in {one, two}:
        world.connect(user)
        tokens[user] = f"canary-access-{world.login.issued}"
    for user in (one, two, one):
        found = world.core.tokens.for_call(world.server, user, world.run())
        assert isinstance(found, Usable)
        assert found.access_token.reveal() == tokens[user]


@given(user_ids, server_ids)
def test_a_shard_is_one_of_the_fixed_number(user_id: str, server_id: str) -> None:
    assert SHARDS == 64
    assert 0 <= shard_of(user_id, server_id) < SHARDS


def test_what_is_not_due_is_in_no_shard() -> None:
    assert due_attributes("jo", "crm", None) == {"due_shard": None, "due_at": None}


@pytest.mark.parametrize("part", ["access", "refresh"])
def test_a_row_copied_to_another_user_does_not_open(world: World, part: str) -> None:
    world.connect("jo")
    world.connect("mallory")
    jo, mallory = sorted(
        world.cloud.items("ConnectionsTable"), key=lambda item: item["user_id"]["S"]
    )
    for name in (part, "grant_id", "generation"):
        mallory[name] = jo[name]
    world.cloud.clients["dynamodb"].put_item(TableName="ConnectionsTable", Item=mallory)
    world.time.passes(3500 if part == "refresh" else 0)
    with pytest.raises(SealBroken):
        world.container().tokens.for_call(world.server, "mallory", world.run())
    assert world.login.refreshes == []


def test_a_client_secret_copied_to_another_server_does_not_open(world: World) -> None:
    stolen = replace(world.server, server_id="mine", token_endpoint="https://evil.example.com/t")
    with pytest.raises(SealBroken):
        world.core.vault.client_secret_of(stolen)


def forms(secret: str) -> set[str]:
    """Return the ways in which a secret could lie somewhere in the clear."""
    raw = secret.encode()
    return {
        secret,
        quote(secret, safe=""),
        json.dumps(secret)[1:-1],
        raw.hex(),
        base64.b64encode(raw).decode().rstrip("="),
        base64.urlsafe_b64encode(raw).decode().rstrip("="),
        base64.b64encode(b" " + raw).decode()[4:-4],
        base64.b64encode(b"  " + raw).decode()[4:-4],
    }


def flat(value: Any) -> str:
    """Write a stored value so that every form of a secret could be found in it."""
    match value:
        case Binary():
            return flat(bytes(value.value))  # type: ignore[attr-defined]
        case bytes():
            return value.decode("latin-1") + " " + base64.b64encode(value).decode()
        case dict():
            return " ".join(f"{key} {flat(member)}" for key, member in value.items())
        case list():
            return " ".join(map(flat, value))
    return str(value)


def test_no_table_queue_or_log_holds_a_secret_in_any_form(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    back = consented(world)
    stored = [_dump(world)]
    complete(world, back)
    world.mcp.sessions = True
    invoke(world)
    tools(world)
    world.time.passes(3500)
    world.login.script.append(answers(500, "echo canary-refresh-1 canary-client-secret"))
    invoke(world)
    world.time.passes(3600)
    world.login.during.append(lambda: world.cloud.unavailable("UpdateItem"))
    invoke(world)
    world.cloud.recovers()
    stored += [_dump(world), " ".join(world.cloud.messages("RescueQueue"))]
    printed = capsys.readouterr()
    swept = " ".join([*stored, printed.out, printed.err])
    secrets = [CLIENT_SECRET, "canary-code-1", "canary-session-1", back["completion_code"]]
    secrets += [back["completion_code"].partition(".")[2]]
    secrets += [f"canary-{kind}-{n}" for kind in ("access", "refresh") for n in (1, 2)]
    found = [secret for secret in secrets for form in forms(secret) if form in swept]
    assert found == []


def _dump(world: World) -> str:
    read = TypeDeserializer().deserialize
    return " ".join(
        flat({name: read(value) for name, value in item.items()})
        for table in of_type("AWS::DynamoDB::Table")
        for item in world.cloud.items(table)
    )


def test_the_sweep_finds_what_it_looks_for() -> None:
    for hidden in (b"x canary-1 y", base64.b64encode(b"canary-1"), b"canary-1".hex().encode()):
        assert any(form in flat({"a": [hidden]}) for form in forms("canary-1"))


def test_a_secret_in_an_item_would_be_a_repr_away_and_is_not(world: World) -> None:
    connection = world.connect()
    assert Secret("canary-access-1").reveal() not in repr(connection)
