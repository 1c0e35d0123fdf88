"""Deliberately broken brokers: proof that the history check sees what it is there to see."""

from collections.abc import Callable
from typing import Any

from boto3.dynamodb.conditions import Attr

from broker.storage import connections
from broker.storage.connections import ConnectionStore
from broker.tokens.gate import Gate


def apply(name: str) -> None:
    """Break this process's broker in a way; the empty name leaves it as it is."""
    if name:
        VARIANTS[name]()


def _no_lease() -> None:
    """Send without the exclusive right to."""

    def lease(self: ConnectionStore, seen: Any, *_: Any) -> Any:
        return seen

    _set(ConnectionStore, "lease", lease)


def _fences_on_the_lease() -> None:
    """Throw a new set away when the lease ran out in the meantime."""
    whole = ConnectionStore.advance

    def advance(self: ConnectionStore, seen: Any, *rest: Any, **more: Any) -> Any:
        stands, time = self.get(seen.user_id, seen.server_id)
        if stands is None or stands.lease is None or stands.lease.until <= time.now():
            raise connections.Moved(stands)
        return whole(self, seen, *rest, **more)

    _set(ConnectionStore, "advance", advance)


def _writes_blindly() -> None:
    """Write over whatever stands there."""
    _set(connections, "_as_seen", lambda _: Attr("user_id").exists())


def _never_waits_for_a_rescue() -> None:
    """Take a lease that ran out at once, although its holder's set may lie in the queue."""

    def lease(self: ConnectionStore, seen: Any, lease: Any, *_: Any) -> Any:
        condition = connections._as_seen(seen)
        assign = {"lease_id": lease.lease_id, "lease_until": int(lease.until), "recover_at": None}
        return self._write(seen, condition, assign)

    def free(self: Gate, connection: Any, time: Any) -> bool:
        return connection.lease is None or connection.lease.until <= time.now()

    _set(ConnectionStore, "lease", lease)
    _set(Gate, "_free", free)


def _set(owner: Any, name: str, value: Any) -> None:
    setattr(owner, name, value)


VARIANTS: dict[str, Callable[[], None]] = {
    "no lease": _no_lease,
    "fences on the lease": _fences_on_the_lease,
    "writes blindly": _writes_blindly,
    "never waits for a rescue": _never_waits_for_a_rescue,
}
