"""What makes moto cheap enough to be asked a hundred thousand times."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from moto import mock_aws
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.core.serialize import ResponseSerializer
from moto.dynamodb.models import dynamodb_backends

_usual = ResponseSerializer.get_value


@contextmanager
def kept_aws() -> Iterator[None]:
    """Have moto answer; what is stored in it stays, so that tables need not be made again."""
    mock = mock_aws()
    mock.start(reset=False)
    try:
        yield
    finally:
        mock.stop(remove_data=False)


def forget_items(dynamodb: Any, table: str) -> None:
    """Empty a table where moto keeps it: to ask for each item costs more than most tests do."""
    kept = dynamodb_backends[DEFAULT_ACCOUNT_ID][dynamodb.meta.region_name].tables[table]
    kept.items.clear()


def member_of(self: ResponseSerializer, value: Any, key: str, shape: Any) -> Any:
    """Pick a member of an answer; those of DynamoDB's values lie there under their own names.

    moto tries several names for each of the ten members of each value of each item: a third of
    the time of a request.
    """
    if type(value) is dict and shape.parent.name == "AttributeValue":
        return value.get(key)
    return _usual(self, value, key, shape)
