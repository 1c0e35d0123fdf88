"""The table of the model answers as DynamoDB does, as far as moto does."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from boto3.dynamodb.conditions import Attr, ConditionBase
from hypothesis import given, settings
from hypothesis import strategies as st
from moto import mock_aws

from broker.storage.table import ConditionFailed, Item, Table
from broker.storage.versions import CONNECTIONS
from tests.fakes.clock import FakeClock
from tests.model.rows import Delete, Put, Request, Row, Update, Written, holds, row_of, storable

KEY = {"user_id": "jo", "server_id": "crm"}
NUMBERS, TEXTS, ANY = ("generation", "retry_at"), ("grant_id", "status"), ("flag", "more")
"""moto breaks where it compares numbers with texts, so an attribute keeps its type here."""
NUMBER, TEXT = st.integers(-2, 2), st.sampled_from(["a", "b", ""])
SIMPLE: st.SearchStrategy[Any] = st.one_of(NUMBER, TEXT, st.booleans(), st.just(b"a"))
NESTED: st.SearchStrategy[Any] = st.one_of(
    SIMPLE,
    st.dictionaries(st.sampled_from(["key", "at"]), SIMPLE, max_size=2),
    st.lists(SIMPLE, max_size=2),
)
NAMED = st.sampled_from(NUMBERS + TEXTS + ANY)
ORDERED = st.tuples(st.sampled_from(NUMBERS), NUMBER) | st.tuples(st.sampled_from(TEXTS), TEXT)
COMPARED = ORDERED | st.tuples(st.sampled_from(ANY), SIMPLE)
CONDITIONS: st.SearchStrategy[ConditionBase] = st.recursive(
    st.one_of(
        COMPARED.map(lambda c: Attr(c[0]).eq(c[1])),
        COMPARED.map(lambda c: Attr(c[0]).ne(c[1])),
        ORDERED.map(lambda c: Attr(c[0]).lt(c[1])),
        ORDERED.map(lambda c: Attr(c[0]).lte(c[1])),
        ORDERED.map(lambda c: Attr(c[0]).gt(c[1])),
        ORDERED.map(lambda c: Attr(c[0]).gte(c[1])),
        NAMED.map(lambda name: Attr(name).exists()),
        NAMED.map(lambda name: Attr(name).not_exists()),
    ),
    lambda inner: st.one_of(
        st.builds(lambda a, b: a & b, inner, inner),
        st.builds(lambda a, b: a | b, inner, inner),
        st.builds(lambda a: ~a, inner),
    ),
    max_leaves=5,
)
ALWAYS = Attr("nothing").not_exists()
CHANGES = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(NUMBERS, NUMBER | st.none()),
        **dict.fromkeys(TEXTS, TEXT | st.none()),
        **dict.fromkeys(ANY, NESTED | st.none()),
    },
)
ITEMS = CHANGES.map(lambda item: {**KEY, **item})
REQUESTS: st.SearchStrategy[Request] = st.one_of(
    st.builds(lambda c, a: Update(KEY, c, {**a, "v": 1}), CONDITIONS, CHANGES),
    st.builds(lambda i, c: Put({**i, "v": 1}, c), ITEMS, CONDITIONS),
    st.builds(Delete, CONDITIONS),
)


@dataclass(frozen=True, slots=True)
class Answered:
    """What both tables can tell: whether it was done, what is told, what stands there then."""

    done: bool
    told: Item | None
    stands: Item | None


@pytest.fixture(scope="module")
def table() -> Iterator[Table]:
    with mock_aws():
        client = boto3.client("dynamodb", "us-east-1")
        keys = [
            {"AttributeName": name, "KeyType": kind}
            for name, kind in zip(KEY, ("HASH", "RANGE"), strict=True)
        ]
        client.create_table(
            TableName="connections",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in KEY],
            KeySchema=keys,  # type: ignore[arg-type] # literals
        )
        yield Table(client, "connections", FakeClock(), CONNECTIONS)


def of_moto(table: Table, request: Request) -> Answered:
    told: Item | None = None
    done = True
    try:
        match request:
            case Update():
                told = table.update(KEY, condition=request.condition, assign=request.assign)
            case Put():
                told = table.put(request.item, request.condition)
            case Delete():
                table.delete(KEY, request.condition)
    except ConditionFailed as failed:
        done, told = False, failed.item
    return Answered(done, told, table.get(KEY)[0])


def of_model(row: Row | None, request: Request) -> tuple[Answered, Row | None]:
    written: Written = request.on(row)
    told = written.told.item if written.told else None
    stands = written.row.item if written.row else None
    return Answered(written.done, told, stands), written.row


@settings(max_examples=25, deadline=None)
@given(st.lists(REQUESTS, min_size=1, max_size=5))
def test_any_requests_have_the_same_answers_and_leave_the_same_behind(
    table: Table, requests: list[Request]
) -> None:
    of_moto(table, Delete(ALWAYS))
    row: Row | None = None
    for request in requests:
        expected, row = of_model(row, request)
        assert of_moto(table, request) == expected


def test_one_content_is_one_row() -> None:
    assert row_of({"a": [1, {"b": 2}]}) is row_of({"a": [1, {"b": 2}]})


def test_true_is_not_one() -> None:
    assert row_of({"a": True}) is not row_of({"a": 1})
    assert not holds(Attr("a").eq(1), {"a": True})


@pytest.mark.parametrize("value", [1.5, object(), {"a": 2.5}])
def test_what_dynamodb_does_not_take_is_refused(value: object) -> None:
    with pytest.raises(TypeError):
        storable(value)
