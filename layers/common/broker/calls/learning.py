"""What calls teach about a server, kept so that the steady state is one request."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace

from broker.clock import Clock
from broker.errors import TemporarilyUnavailable
from broker.mcp import Era, Learned, Listing, only_mirrored
from broker.model import Connection, Secret, Server
from broker.storage.connections import ConnectionStore, Moved
from broker.storage.server_state import ServerStateStore
from broker.storage.tools import ListTooLarge, ToolStore
from broker.tokens import TokenSealer

from .listing import listing_of
from .memory import Memory, Owner, Schemas, Spoken

_MOST_MIRRORED = 16 * 1024
"""Characters of the names of tools, arguments and headers that are kept of one user's list."""


@dataclass(frozen=True, slots=True)
class Learner:
    """Keeps eras, sessions and the schemas that headers need; to keep is best effort."""

    clock: Clock
    sealer: TokenSealer
    connections: ConnectionStore
    server_states: ServerStateStore
    tools: ToolStore
    memory: Memory = field(default_factory=Memory)

    def spoken(self, server: Server) -> Spoken | None:
        """Return how the server is spoken to; None: nobody has spoken to it yet."""
        known = self.memory.eras.get(server.mcp_url)
        if known is not None:
            return known
        state = self.server_states.get(server.server_id)
        if state.era not in {era.value for era in Era}:
            return None
        return Spoken(Era(state.era), state.protocol_version, state.mirrors)

    def session_of(self, server: Server, user_id: str) -> Secret | None:
        """Return a user's session at a server that users do not connect to."""
        return self.memory.sessions.get(Owner(server.server_id, server.config_digest, user_id))

    def learn(
        self,
        server: Server,
        connection: Connection | None,
        used: Secret | None,
        learned: Learned,
        *,
        user_id: str | None,
    ) -> None:
        """Keep era and session; ``used`` is the session that was asked in.

        Without a connection it is ``user_id``'s; None: a test's, which nobody calls in again.
        """
        with suppress(TemporarilyUnavailable, Moved):
            self._learn_era(server, learned)
            if learned.session == used:
                return
            self._keep_session(server, connection, user_id, learned.session)

    def forget_session(
        self, server: Server, connection: Connection | None, user_id: str | None
    ) -> None:
        """Begin the next call with the handshake; who the session is of is said as to learn()."""
        with suppress(TemporarilyUnavailable, Moved):
            self._keep_session(server, connection, user_id, None)

    def schema(
        self, server: Server, connection: Connection | None, tool: str
    ) -> Mapping[str, object] | None:
        """Return the tool's input schema, if arguments of it go into headers.

        A container that does not know looks the list up once, and only at servers that have such
        tools: elsewhere a call reads nothing more.
        """
        spoken = self.spoken(server)
        if spoken is None or not spoken.mirrors:
            return None
        owner = Owner.of(server, connection)
        if owner not in self.memory.schemas:
            self.memory.keep_schemas(owner, self._stored_schemas(owner))
        return self.memory.schemas[owner].get(tool)

    def learn_tools(
        self, server: Server, connection: Connection | None, listed: Listing, *, keep: bool
    ) -> None:
        """Remember which tools want headers; ``keep``: for other containers, too."""
        mirrored = _mirrored(listed.entries) if listed.learned.era is Era.MODERN else {}
        owner = Owner.of(server, connection)
        self.memory.keep_schemas(owner, mirrored)
        if not mirrored:
            return
        with suppress(TemporarilyUnavailable, ListTooLarge):
            spoken = self.spoken(server)
            if spoken is None or not spoken.mirrors:
                self.server_states.remember_mirrors(server.server_id)
                spoken = spoken or Spoken(Era.MODERN, listed.learned.protocol_version)
                self.memory.eras[server.mcp_url] = replace(spoken, mirrors=True)
            if keep:
                kept = listing_of(listed, server, self.clock.now(), owner.grant_id)
                self.tools.put(server.server_id, owner.user_id, kept)

    def _keep_session(
        self,
        server: Server,
        connection: Connection | None,
        user_id: str | None,
        session: Secret | None,
    ) -> None:
        if connection is not None:
            sealed = session and self.sealer.seal_session(connection, session)
            self.connections.remember_session(connection, sealed)
        elif user_id is not None:
            owner = Owner(server.server_id, server.config_digest, user_id)
            self.memory.keep_session(owner, session)

    def _stored_schemas(self, owner: Owner) -> Schemas:
        with suppress(TemporarilyUnavailable):
            found = self.tools.get(owner.server_id, owner.user_id)
            if found and (found.config_digest, found.grant_id) == (
                owner.config_digest,
                owner.grant_id,
            ):
                return _mirrored(found.tools)
        return {}

    def _learn_era(self, server: Server, learned: Learned) -> None:
        known = self.spoken(server)
        mirrors = known is not None and known.mirrors
        spoken = Spoken(learned.era, learned.protocol_version, mirrors)
        if known != spoken:
            self.server_states.remember_era(
                server.server_id, learned.era.value, learned.protocol_version
            )
        self.memory.eras[server.mcp_url] = spoken


def _mirrored(tools: object) -> Schemas:
    """Return of each tool's schema what asks for headers, as far as there is room.

    Whoever calls a tool beyond that is refused by the server once, and lists the tools again.
    """
    found: dict[str, Mapping[str, object]] = {}
    left = _MOST_MIRRORED
    for tool in tools if isinstance(tools, list | tuple) else ():
        name, mirrored = tool.get("name"), only_mirrored(tool.get("inputSchema"))
        if not isinstance(name, str) or mirrored is None:
            continue
        schema, size = mirrored
        left -= len(name) + size
        if left < 0:
            return found
        found[name] = schema
    return found
