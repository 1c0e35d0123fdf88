"""What a request to AWS asks for: the action, the resource and the condition keys.

DynamoDB, KMS, SQS and EventBridge speak JSON and name the operation in `X-Amz-Target`.
(Service authorization reference, "Actions, resources, and condition keys".)
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from local.account import ACCOUNT, PARTITION, REGION
from local.permissions.policies import Ask

type Body = Mapping[str, Any]

# One permission covers an operation and its batch.
_SAME_PERMISSION = {
    "ChangeMessageVisibilityBatch": "ChangeMessageVisibility",
    "DeleteMessageBatch": "DeleteMessage",
    "SendMessageBatch": "SendMessage",
}
# Parameters from before there were expressions; they name attributes, too.
_LEGACY = {
    *("AttributeUpdates", "AttributesToGet", "Expected"),
    *("KeyConditions", "QueryFilter", "ScanFilter"),
}
_EXPRESSIONS = (
    "ConditionExpression",
    "FilterExpression",
    "KeyConditionExpression",
    "ProjectionExpression",
    "UpdateExpression",
)
_NAME = re.compile(r"(?<![\w:#.])[A-Za-z_]\w*\b(?!\s*\()")
_KEYWORDS = {"ADD", "AND", "BETWEEN", "DELETE", "IN", "NOT", "OR", "REMOVE", "SET"}


def asks_of(target: str, body: Body) -> list[Ask]:
    """Return what a request asks for; raise LookupError for a service that is not known here.

    A request may ask for several things: events on two buses.
    """
    service, _, operation = target.partition(".")
    asks = list(_READERS[service](operation, body))
    if not asks:
        raise LookupError(f"{target} asks for nothing.")
    return asks


def _dynamodb(operation: str, body: Body) -> Iterator[Ask]:
    if legacy := _LEGACY & body.keys():
        raise LookupError(f"{legacy} are not read here.")
    resource = _arn("dynamodb", f"table/{body['TableName']}")
    if index := body.get("IndexName"):
        resource += f"/index/{index}"
    context = {"dynamodb:Attributes": tuple(sorted(_attributes(body)))}
    key = tuple(str(text) for value in body.get("Key", {}).values() for text in value.values())
    yield Ask(f"dynamodb:{operation}", resource, context, key)


def _attributes(body: Body) -> set[str]:
    """Return the top-level attributes that a request names, its keys included."""
    written = {name for part in ("Key", "Item") for name in body.get(part, {})}
    aliases: Mapping[str, str] = body.get("ExpressionAttributeNames", {})
    bare = {
        name
        for expression in _EXPRESSIONS
        for name in _NAME.findall(body.get(expression, ""))
        if name.upper() not in _KEYWORDS
    }
    return written | set(aliases.values()) | bare


def _kms(operation: str, body: Body) -> Iterator[Ask]:
    """A Decrypt may leave the key out; then it asks for any key, which no policy here allows."""
    key = str(body.get("KeyId", "*"))
    resource = key if key.startswith("arn:") else _arn("kms", f"key/{key}")
    given: Mapping[str, str] = body.get("EncryptionContext", {})
    context = {f"kms:EncryptionContext:{name}": (value,) for name, value in given.items()}
    yield Ask(f"kms:{operation}", resource, context)


def _sqs(operation: str, body: Body) -> Iterator[Ask]:
    *_, account, queue = ["", *str(body.get("QueueUrl", "*")).split("/")]
    resource = f"arn:{PARTITION}:sqs:{REGION}:{account}:{queue}"
    yield Ask(f"sqs:{_SAME_PERMISSION.get(operation, operation)}", resource)


def _events(operation: str, body: Body) -> Iterator[Ask]:
    """Each entry names its bus, by name or by ARN; without one it means the default bus."""
    for bus in sorted({str(entry.get("EventBusName", "default")) for entry in body["Entries"]}):
        resource = bus if bus.startswith("arn:") else _arn("events", f"event-bus/{bus}")
        yield Ask(f"events:{operation}", resource)


_READERS: Mapping[str, Callable[[str, Body], Iterator[Ask]]] = {
    "AWSEvents": _events,
    "AmazonSQS": _sqs,
    "DynamoDB_20120810": _dynamodb,
    "TrentService": _kms,
}


def _arn(service: str, resource: str) -> str:
    return f"arn:{PARTITION}:{service}:{REGION}:{ACCOUNT}:{resource}"
