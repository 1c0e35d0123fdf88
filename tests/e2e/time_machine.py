"""Makes what is stored older, where a test cannot wait: no name of an attribute is known here."""

from dataclasses import dataclass, field
from typing import Any

from local.deployment import Deployment

_SINCE_2001 = 1e9
"""What is larger, and of ten digits, is a time of day in seconds."""
_UNTIL_5138 = 1e11

type Row = dict[str, Any]


@dataclass(slots=True)
class TimeMachine:
    """Moves rows of one deployment's tables into the past."""

    deployment: Deployment
    dynamodb: Any = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.dynamodb = self.deployment.aws.client("dynamodb")

    def age(self, table: str, seconds: float, *mentioned: str) -> int:
        """Make the rows that mention all of these so much older; return how many there are."""
        name = self.deployment.physical_id(table)
        rows = self._of_partition(name, mentioned[0]) or self._all(name)
        meant = [row for row in rows if all(word in str(row) for word in mentioned)]
        for row in meant:
            self.dynamodb.put_item(TableName=name, Item=_older({"M": row}, seconds)["M"])
        return len(meant)

    def _of_partition(self, table: str, key: str) -> list[Row]:
        """Return the rows under this partition key, which may be no key at all."""
        described = self.dynamodb.describe_table(TableName=table)["Table"]
        [name] = [each["AttributeName"] for each in described["KeySchema"][:1]]
        found: list[Row] = self.dynamodb.query(
            TableName=table,
            KeyConditionExpression="#name = :key",
            ExpressionAttributeNames={"#name": name},
            ExpressionAttributeValues={":key": {"S": key}},
        )["Items"]
        return found

    def _all(self, table: str) -> list[Row]:
        pages = self.dynamodb.get_paginator("scan").paginate(TableName=table)
        return [row for page in pages for row in page["Items"]]


def _older(value: dict[str, Any], seconds: float) -> dict[str, Any]:
    """Return a DynamoDB value with every time in it moved back."""
    [(kind, content)] = value.items()
    if kind == "M":
        return {"M": {name: _older(item, seconds) for name, item in content.items()}}
    if kind == "L":
        return {"L": [_older(item, seconds) for item in content]}
    if kind == "N" and _SINCE_2001 < float(content) < _UNTIL_5138:
        return {"N": f"{float(content) - seconds:.6f}"}
    return value
