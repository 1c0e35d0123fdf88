"""The due queue, which holds ids, and the rescue queue, which holds sealed token sets."""

import base64
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError
from pydantic import Field, model_validator

from broker.errors import StoredByNewerVersion, TemporarilyUnavailable
from broker.metrics import STORED_BY_NEWER_VERSION
from broker.model import Connection, Sealed, SealedTokens
from broker.telemetry import count, logger
from broker.wire import Wire

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import SendMessageBatchRequestEntryTypeDef

BATCH = 10


VERSION = 1
"""Of both messages; one that says none is of the first. Counted up as storage.versions says."""


class _Message(Wire):
    """What may lie in a queue across an upgrade, or a rollback."""

    v: int = VERSION

    @model_validator(mode="before")
    @classmethod
    def _refuse_newer(cls, members: object) -> object:
        """Refuse before anything is read; the queue delivers it again, or sets it aside."""
        if isinstance(members, dict) and members.get("v", VERSION) > VERSION:
            logger().error("stored_by_newer_version", extra={"message_of": cls.__name__})
            count(STORED_BY_NEWER_VERSION)
            raise StoredByNewerVersion
        return members


class DueMessage(_Message):
    """A connection to look at: nothing but its key."""

    user_id: str
    server_id: str


class _SealedWire(Wire):
    key: str
    nonce: str
    text: str

    @classmethod
    def of(cls, sealed: Sealed) -> "_SealedWire":
        parts = (sealed.wrapped_key, sealed.nonce, sealed.ciphertext)
        key, nonce, text = (base64.b64encode(part).decode() for part in parts)
        return cls(key=key, nonce=nonce, text=text)

    def sealed(self) -> Sealed:
        return Sealed(*(base64.b64decode(part) for part in (self.key, self.nonce, self.text)))


class RescueMessage(_Message):
    """A token set that was refreshed and could not be stored; sealed as it would have been."""

    user_id: str
    server_id: str
    grant_id: str
    generation: int
    """The generation it replaces."""
    config_digest: str
    access: _SealedWire
    refresh: _SealedWire | None
    expires_at: float | None
    obtained_at: float
    refresh_expires_at: float | None
    scope: tuple[str, ...]
    ambiguous_at: float | None = None
    """Since when nobody knows whether the refresh token is spent."""
    retry_at: float | None = None
    """Before when nobody sends, since the set has no new access token."""
    attempts: int = 0
    kept: dict[str, str] = Field(default_factory=dict)
    """What the connection keeps, for the place where the set is revoked should it be gone."""

    @classmethod
    def of(
        cls, seen: Connection, tokens: SealedTokens, troubled: Connection | None = None
    ) -> "RescueMessage":
        """Pack the sealed set that follows the connection as it was read.

        ``troubled`` says with what backoff and doubts it begins; else with none.
        """
        begins = troubled or replace(seen, ambiguous_at=None, retry_at=None, attempts=0)
        return cls(
            user_id=seen.user_id,
            server_id=seen.server_id,
            grant_id=seen.grant_id,
            generation=seen.generation,
            config_digest=seen.config_digest,
            access=_SealedWire.of(tokens.access),
            refresh=_SealedWire.of(tokens.refresh) if tokens.refresh else None,
            expires_at=_stored(tokens.expires_at),
            obtained_at=tokens.obtained_at.timestamp(),
            refresh_expires_at=_stored(tokens.refresh_expires_at),
            scope=tokens.scope,
            ambiguous_at=_stored(begins.ambiguous_at),
            retry_at=_stored(begins.retry_at),
            attempts=begins.attempts,
            kept=dict(seen.kept),
        )

    def begins(self, seen: Connection) -> Connection | None:
        """Return with what backoff and doubts the set begins; None: with none."""
        if self.ambiguous_at is None and self.retry_at is None:
            return None
        return replace(
            seen,
            ambiguous=self.ambiguous_at is not None,
            ambiguous_at=_moment(self.ambiguous_at),
            retry_at=_moment(self.retry_at),
            attempts=self.attempts,
            refusals=0,
            failure=None,
        )

    def tokens(self) -> SealedTokens:
        """Unpack the sealed set."""
        return SealedTokens(
            access=self.access.sealed(),
            refresh=self.refresh.sealed() if self.refresh else None,
            expires_at=_moment(self.expires_at),
            obtained_at=datetime.fromtimestamp(self.obtained_at, UTC),
            scope=self.scope,
            refresh_expires_at=_moment(self.refresh_expires_at),
        )


@dataclass(frozen=True, slots=True)
class Queues:
    """Both queues. Every method may raise TemporarilyUnavailable."""

    client: "SQSClient"
    due_queue_url: str
    rescue_queue_url: str

    def waiting(self) -> int:
        """Return roughly how many connections wait to be looked at."""
        with _translated():
            answer = self.client.get_queue_attributes(
                QueueUrl=self.due_queue_url, AttributeNames=["ApproximateNumberOfMessages"]
            )
        return int(answer["Attributes"]["ApproximateNumberOfMessages"])

    def send_due(self, messages: Sequence[DueMessage]) -> list[DueMessage]:
        """Queue up to ten; return those that were not taken."""
        entries: list[SendMessageBatchRequestEntryTypeDef] = [
            {"Id": str(number), "MessageBody": message.model_dump_json()}
            for number, message in enumerate(messages)
        ]
        with _translated():
            answer = self.client.send_message_batch(QueueUrl=self.due_queue_url, Entries=entries)
        return [messages[int(failure["Id"])] for failure in answer.get("Failed", [])]

    def send_rescue(self, message: RescueMessage) -> None:
        """Keep a refreshed set that the table would not take."""
        with _translated():
            self.client.send_message(
                QueueUrl=self.rescue_queue_url, MessageBody=message.model_dump_json()
            )


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (BotoCoreError, ClientError) as exc:
        message = "The queue is not available just now."
        raise TemporarilyUnavailable(message, retry_after=5) from exc


def _stored(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()


def _moment(stored: float | None) -> datetime | None:
    return None if stored is None else datetime.fromtimestamp(stored, UTC)
