"""What a container remembers of the servers that it calls; nothing of it outlives the container."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from broker.mcp import Era, Listing
from broker.model import Connection, Secret, Server, placed
from broker.templates import gaps

_MOST_OWNERS = 1000
_MOST_LISTS = 32
_LARGEST_LIST = 256 * 1024

type Schemas = Mapping[str, Mapping[str, object]]
"""By tool: of the input schemas what asks for arguments in headers (x-mcp-header)."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """How a server is spoken to."""

    era: Era
    protocol_version: str | None
    mirrors: bool = False
    """Some of its tools want arguments mirrored in headers (2026-07-28, x-mcp-header)."""


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose view of a server it is: a user's under one grant, or (None) everybody's."""

    server_id: str
    config_digest: str
    user_id: str | None = None
    grant_id: str | None = None
    place: str = ""
    """The URL that this user's calls go to, where that is not the same for all users."""

    @classmethod
    def of(cls, server: Server, connection: Connection | None) -> "Owner":
        """Name the user of a connection; without one the server has one view for all."""
        if connection is None:
            return cls(server.server_id, server.config_digest)
        user_id, grant_id = connection.user_id, connection.grant_id
        place = placed(server, connection.kept).mcp_url if gaps(server.mcp_url) else ""
        return cls(server.server_id, server.config_digest, user_id, grant_id, place)

    @property
    def everybody(self) -> "Owner":
        """The same server, whoever asks: of several at one configuration, the same one."""
        return Owner(self.server_id, self.config_digest, place=self.place)


@dataclass(frozen=True, slots=True)
class Memory:
    """Eras by URL; by whose view they are sessions without a connection, schemas and lists."""

    eras: dict[str, Spoken] = field(default_factory=dict)
    sessions: dict[Owner, Secret] = field(default_factory=dict, repr=False)
    schemas: dict[Owner, Schemas] = field(default_factory=dict, repr=False)
    _lists: dict[tuple[Owner, str], "_Kept"] = field(default_factory=dict, repr=False)

    def keep_session(self, owner: Owner, session: Secret | None) -> None:
        """Remember the MCP session of a user who has no connection; None: it has ended."""
        self.sessions.pop(owner, None)
        if session is not None:
            _put(self.sessions, owner, session, _MOST_OWNERS)

    def keep_schemas(self, owner: Owner, schemas: Schemas) -> None:
        """Remember a user's schemas; the oldest of a thousand users is forgotten."""
        _put(self.schemas, owner, schemas, _MOST_OWNERS)

    def listed(self, owner: Owner, method: str, now: datetime) -> Listing | None:
        """Return a list that is still fresh: this user's own, or one that the server shares."""
        found = self._fresh(owner, method, now)
        return replace(found.about, entries=json.loads(found.entries)) if found else None

    def keep_list(self, owner: Owner, method: str, listing: Listing, now: datetime) -> None:
        """Keep a list as long as its server allows (ttlMs), for whom it allows (cacheScope)."""
        if not listing.ttl_ms or self._fresh(owner, method, now) is not None:
            return  # it is this very list, and keeps its age
        entries = json.dumps(listing.entries)
        if len(entries) > _LARGEST_LIST:
            return
        whose = owner.everybody if listing.cache_scope == "public" else owner
        until = now + timedelta(milliseconds=listing.ttl_ms)
        kept = _Kept(replace(listing, entries=()), entries, until)
        _put(self._lists, (whose, method), kept, _MOST_LISTS)

    def _fresh(self, owner: Owner, method: str, now: datetime) -> "_Kept | None":
        for whose in (owner, owner.everybody):
            found = self._lists.get((whose, method))
            if found is not None and now < found.until:
                return found
        return None


@dataclass(frozen=True, slots=True)
class _Kept:
    """A list as JSON, which takes a small part of the memory that its objects take."""

    about: Listing
    entries: str = field(repr=False)
    until: datetime


def _put[Key, Value](kept: dict[Key, Value], key: Key, value: Value, most: int) -> None:
    kept.pop(key, None)
    while len(kept) >= most:
        del kept[next(iter(kept))]
    kept[key] = value
