"""Discover a server for its builder."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from enum import Enum
from typing import Any

from broker.errors import ServerNotFound
from broker.model import Discovered, Invocation, Server, TokenRequestStyle
from broker.presets import Catalogue
from broker.proposals import Proposals
from broker.storage.servers import ServerStore

from .resemblance import resembling, set_by

_PRESET = "preset"
_SEPARATORS = {" ": "space", ",": "comma", "+": "plus"}


@dataclass(frozen=True, slots=True)
class Discovery:
    """``POST /v1/discover``."""

    servers: ServerStore
    proposals: Proposals
    catalogue: Catalogue

    def discover(
        self, mcp_url: str | None, server_id: str | None, invocation: Invocation
    ) -> Discovered:
        """Look at a URL, or at a registered server; raise InvalidServer, ServerNotFound."""
        if server_id is None:
            found = self.proposals.by_url(mcp_url or "", invocation)
        else:
            found = self.of_server(server_id, invocation)
        return replace(found, resembles=resembling(self.catalogue.all(), found.seen))

    def of_server(self, server_id: str, invocation: Invocation) -> Discovered:
        """Say how a registered server could be completed; raise ServerNotFound."""
        server = self.servers.get(server_id)
        if server is None:
            raise ServerNotFound
        if server.style_finding is not None:  # what is PUT again is what the builder left to us
            auto = TokenRequestStyle.AUTO
            server = replace(server, token_request_style=auto, style_finding=None)
        found = self.proposals.of(server, invocation)
        return replace(found, sources={**self._from_preset(server), **found.sources})

    def _from_preset(self, server: Server) -> Mapping[str, str]:
        """Name the fields that still are what the server's preset made them."""
        preset = self.catalogue.get(server.preset) if server.preset else None
        return {} if preset is None else dict.fromkeys(set_by(preset, _written(server)), _PRESET)


def _written(server: Server) -> Mapping[str, Any]:
    """Return a server's fields as a preset writes them."""
    values = {each.name: getattr(server, each.name) for each in fields(server)}
    values["scopes"] = list(server.scopes)
    values["scope_separator"] = _SEPARATORS[server.scope_separator]
    return {name: v.value if isinstance(v, Enum) else v for name, v in values.items()}
