"""Which token request style ``auto`` came to, for each server.

One row for each, beside the server's state; its key is no ``server_id``. It is about one client at
one set of endpoints. What was proven with another secret is still the best guess: connections
made with it go on with it.
"""

import hashlib
import json
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from boto3.dynamodb.conditions import Attr

from broker.model import (
    SECRET_STYLES,
    Server,
    StyleFinding,
    StyleVerdict,
    Sureness,
    TokenRequestStyle,
)
from broker.storage.table import ConditionFailed, Item, Table, maybe_moment, seconds

LOOK_AGAIN = timedelta(hours=1)
"""How long nobody looks again where nothing was decided."""


@dataclass(frozen=True, slots=True)
class StyleStore:
    """Findings by server. Every method may raise TemporarilyUnavailable."""

    table: Table

    def get(self, server: Server) -> StyleFinding:
        """Read what is known for this client at these endpoints; knowing nothing is a guess."""
        item, _ = self.table.get(_key(server.server_id))
        known = item is not None and item.get("about") == _about(server)
        named = tuple(item["candidates"]) if item and known else ()
        if item is None or not named or not set(named) <= {*SECRET_STYLES}:
            return StyleFinding(StyleVerdict.UNDECIDED, SECRET_STYLES, Sureness.GUESS)
        found = StyleFinding(
            StyleVerdict(item["verdict"]),
            tuple(map(TokenRequestStyle, named)),
            Sureness(item["sure"]),
            maybe_moment(item["found_at"]),
            int(item["requests"]),
        )
        return found if item["secret"] == _secret(server) else _outdated(found)

    def take_look(self, server: Server, now: datetime) -> bool:
        """Be the one that looks: one in an hour, for one configuration with one secret."""
        same = Attr("look_about").eq(_about(server)) & Attr("look_secret").eq(_secret(server))
        due = Attr("server_id").not_exists() | ~same | Attr("looked_at").not_exists()
        due = due | Attr("looked_at").lte(seconds(now - LOOK_AGAIN))
        look = {
            "look_about": _about(server),
            "look_secret": _secret(server),
            "looked_at": seconds(now),
        }
        try:
            self.table.update(_key(server.server_id), condition=due, assign=look)
        except ConditionFailed:
            return False
        return True

    def put(self, server: Server, found: StyleFinding) -> None:
        """Keep a finding, in place of the one before; but not of one for a later configuration."""
        other = Attr("incarnation").not_exists() | Attr("incarnation").ne(server.incarnation)
        found_item = {
            "incarnation": server.incarnation,
            "revision": server.revision,
            "about": _about(server),
            "secret": _secret(server),
            "verdict": found.verdict.value,
            "candidates": [style.value for style in found.candidates],
            "sure": found.sure.value,
            "found_at": seconds(found.found_at),
            "requests": found.requests,
        }
        with suppress(ConditionFailed):
            self.table.update(
                _key(server.server_id),
                condition=other | Attr("revision").lte(server.revision),
                assign=found_item,
            )

    def forget(self, server_id: str) -> None:
        """Forget it, as with the server."""
        self.table.delete(_key(server_id))


def _outdated(found: StyleFinding) -> StyleFinding:
    """Begin with the style in use before the secret changed; it is a guess now."""
    others = (style for style in SECRET_STYLES if style is not found.style)
    return replace(found, candidates=(found.style, *others), sure=Sureness.GUESS, found_at=None)


def _key(server_id: str) -> Item:
    return {"server_id": f"{server_id}#style"}  # a server_id has no "#"


def _about(server: Server) -> str:
    """Name the client and where it authenticates."""
    named = [
        server.incarnation,
        server.token_endpoint,
        server.refresh_endpoint,
        server.revocation_endpoint,
        server.client_id,
        server.client_id_parameter,
    ]
    return hashlib.sha256(json.dumps(named).encode()).hexdigest()


def _secret(server: Server) -> str:
    """Name the secret by its sealed form, which is another one each time it is set."""
    sealed = server.client_secret
    return hashlib.sha256(sealed.nonce + sealed.ciphertext).hexdigest() if sealed else "-"
