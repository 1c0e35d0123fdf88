"""The event bus: what happens to connections, for whoever listens. Best effort."""

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from broker.metrics import CONNECTION_EVENT
from broker.model import Connection
from broker.telemetry import count, logger

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_events.type_defs import PutEventsRequestEntryTypeDef

SOURCE = "consumer-oauth-broker"


class EventType(StrEnum):
    """The detail types on the bus."""

    ESTABLISHED = "ConnectionEstablished"
    REFRESH_FAILED = "ConnectionRefreshFailed"
    RECONNECT_REQUIRED = "ReconnectRequired"
    RECOVERED = "ConnectionRecovered"
    REMOVED = "ConnectionRemoved"


@dataclass(frozen=True, slots=True)
class EventBus:
    """Publishes; a failure is logged and counted, and never fails a call."""

    client: "EventBridgeClient"
    name: str

    def publish(
        self, event: EventType, connection: Connection, reason: str | None = None, **more: bool
    ) -> None:
        """Say what happened to a connection: user, server, reason, never a token."""
        detail = {
            "user_id": connection.user_id,
            "server_id": connection.server_id,
            "reason": reason,
            **more,
        }
        entry: PutEventsRequestEntryTypeDef = {
            "EventBusName": self.name,
            "Source": SOURCE,
            "DetailType": event.value,
            "Detail": json.dumps(detail, ensure_ascii=False),
        }
        try:
            answer = self.client.put_events(Entries=[entry])
            lost = answer["FailedEntryCount"]
        except (BotoCoreError, ClientError):
            lost = 1
        count(CONNECTION_EVENT, event=event.value)
        if lost:
            logger().warning("event_not_published", extra={"event_type": event.value})
