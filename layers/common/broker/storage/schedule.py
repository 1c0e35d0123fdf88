"""The due index: which connections have their moment, and the claim that moves it on."""

from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import datetime

from boto3.dynamodb.conditions import Attr, Key

from broker.storage import connection_items as items
from broker.storage.table import ConditionFailed, Item, Table, seconds

LEFT_OUT_AT_MOST = 100
"""Servers that one page can leave out: as many operands as IN takes."""


@dataclass(frozen=True, slots=True)
class Due:
    """A connection whose moment has come, as the index shows it."""

    user_id: str
    server_id: str
    due_at: int


@dataclass(frozen=True, slots=True)
class Schedule:
    """The connections' table by its index ``due``. Methods may raise TemporarilyUnavailable."""

    table: Table

    def due(
        self,
        shard: int,
        now: datetime,
        limit: int | None,
        *,
        after: Due | None = None,
        without: Collection[str] = (),
    ) -> tuple[list[Due], Due | None]:
        """Return a page of a shard's connections whose moment has come, earliest first.

        And where the next one starts, or None. ``without`` names up to LEFT_OUT_AT_MOST servers;
        what is left out counts for the limit, or the megabyte that DynamoDB reads at once.
        """
        page, last = self.table.query(
            Key("due_shard").eq(shard) & Key("due_at").lte(seconds(now)),
            index="due",
            limit=limit,
            start={"due_shard": shard, **asdict(after)} if after else None,
            keys_only=True,
            only=~Attr("server_id").is_in(list(without)) if without else None,
        )
        return [_due(item) for item in page], (_due(last) if last else None)

    def claim(self, due: Due, again_at: datetime, claim_id: str) -> bool:
        """Move a due moment on, so that the next tick does not queue it again.

        False: another has claimed it, or it is no longer due then. Raise StoredByNewerVersion for
        a connection that a newer version wrote: it is left to that one.
        """
        try:
            self.table.update(
                items.key_of(due.user_id, due.server_id),
                condition=Attr("due_at").eq(due.due_at),
                assign={"due_at": seconds(again_at), "claim_id": claim_id},
                answered=False,
            )
        except ConditionFailed as failed:  # ours, if the SDK repeated a write that succeeded
            return (failed.item or {}).get("claim_id") == claim_id
        return True


def _due(item: Item) -> Due:
    return Due(item["user_id"], item["server_id"], item["due_at"])
