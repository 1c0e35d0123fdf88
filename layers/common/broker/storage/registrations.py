"""Clients registered for a server at an issuer, until the registry takes them over.

They lie among the pending rows and expire like them. The function that talks to strangers cannot
write a server's configuration, and the one that can talks to nobody: so the secret waits here,
sealed for its server, and the next PUT that fits takes it.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from broker.model import ClientRegistration
from broker.storage import sealed
from broker.storage.table import Item, Table, moment, seconds

LIFETIME = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class RegistrationStore:
    """Registrations by (issuer, server_id). Every method may raise TemporarilyUnavailable."""

    table: Table

    def put(self, registration: ClientRegistration, now: datetime) -> None:
        """Keep one for an hour, in place of an earlier one."""
        expires_at = now.replace(microsecond=0) + LIFETIME
        item: Item = {
            **_key(registration.server_id, registration.issuer),
            "server_id": registration.server_id,
            "issuer": registration.issuer,
            "client_id": registration.client_id,
            "client_secret": sealed.to_item(registration.client_secret),
            "token_request_style": registration.token_request_style,
            "urls": sorted(registration.urls),
            "expires_at": seconds(expires_at),
            "ttl": seconds(expires_at + LIFETIME),
        }
        self.table.put({name: value for name, value in item.items() if value is not None})

    def get(self, server_id: str, issuer: str, now: datetime) -> ClientRegistration | None:
        """Read one that has not expired; one for another server or issuer is never returned."""
        item, _ = self.table.get(_key(server_id, issuer))
        if item is None or moment(item["expires_at"]) <= now:
            return None
        if (item["server_id"], item["issuer"]) != (server_id, issuer):
            return None
        return ClientRegistration(
            server_id,
            issuer,
            item["client_id"],
            sealed.from_item(item.get("client_secret")),
            item["token_request_style"],
            frozenset(item["urls"]),
        )


def _key(server_id: str, issuer: str) -> Item:
    """Name the row; a server_id has no ``#``, and the issuer is hashed, so no two are alike."""
    return {"id": f"registration#{server_id}#{hashlib.sha256(issuer.encode()).hexdigest()}"}
