"""What flows are made of, and the rules between: every collaborator above the edges."""

from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from broker.storage import versions

from .edges import Edges

if TYPE_CHECKING:
    from broker.calls import Caller
    from broker.completion import Completions
    from broker.connect import Connector
    from broker.credentials import ClientCredentials
    from broker.grants import Grants
    from broker.oauth import Revoker, TokenEndpoint
    from broker.removal import Remover
    from broker.tokens import Refresher, Tokens, TokenSealer, Verdicts
    from broker.tokens.gate import Gate
    from broker.tokens.pace import Pace
    from broker.tokens.timing import RefreshPolicy


class Parts(Edges):
    """Every collaborator, built once and only when asked for."""

    @cached_property
    def connector(self) -> "Connector":
        """Makes connect links."""
        from broker.connect import Connector

        return Connector(self.pending, self.settings, self.clock)

    @cached_property
    def completions(self) -> "Completions":
        """Issues and takes completion codes."""
        from broker.completion import Completions

        return Completions(self.pending, self.vault, self.clock)

    @cached_property
    def grants(self) -> "Grants":
        """Redeems authorization codes."""
        from broker.grants import Grants
        from broker.grants.consents import Consents
        from broker.grants.redemption import Redeemer
        from broker.oauth import AccountFinder

        stores = (self.connections, self.servers, self.pending)
        return Grants(
            self.clock,
            self.vault,
            self.credentials,
            self.sealer,
            Consents(self.clock, *stores, self.events, self.policy),
            Redeemer(self.clock, self.credentials, self.endpoint, self.styles),
            AccountFinder(self.outbound, self.clock),
            self.revoker,
        )

    @cached_property
    def caller(self) -> "Caller":
        """Calls MCP servers."""
        from broker.calls import AsUser, Caller, Learner
        from broker.mcp import McpClient

        learner = Learner(self.clock, self.sealer, self.connections, self.server_states, self.tools)
        as_user = AsUser(
            self.clock,
            self.tokens,
            self.verdicts,
            self.sealer,
            self.vault,
            self.server_states,
            learner,
        )
        return Caller(self.clock, McpClient(self.outbound, self.clock), as_user, learner)

    @cached_property
    def remover(self) -> "Remover":
        """Disconnects users."""
        from broker.removal import Remover

        return Remover(
            self.clock,
            self.connections,
            self.tools,
            self.pending,
            self.sealer,
            self.credentials,
            self.revoker,
            self.events,
        )

    @cached_property
    def tokens(self) -> "Tokens":
        """Access tokens for calls."""
        from broker.tokens import Tokens

        return Tokens(
            self.clock,
            self.connections,
            self.sealer,
            self.gate,
            self.refresher,
            self.verdicts,
            self.policy,
        )

    @cached_property
    def refresher(self) -> "Refresher":
        """Refreshes under a lease."""
        from broker.tokens import Refresher

        return Refresher(
            self.clock,
            self.connections,
            self.sealer,
            self.credentials,
            self.endpoint,
            self.revoker,
            self.queues,
            self.verdicts,
            self.gate,
        )

    @cached_property
    def gate(self) -> "Gate":
        """Lets refreshes through."""
        from broker.tokens.gate import Gate

        return Gate(self.clock, self.connections, self.server_states, self.pace)

    @cached_property
    def pace(self) -> "Pace":
        """Holds refreshes ahead of time back."""
        from broker.storage.authorization_servers import AuthorizationServerStore
        from broker.tokens.pace import Pace

        table = self.table(self.settings.server_state_table, versions.SERVER_STATE)
        return Pace(AuthorizationServerStore(table), self.settings.refreshes_per_second)

    @cached_property
    def verdicts(self) -> "Verdicts":
        """What failed refreshes mean."""
        from broker.tokens import Verdicts

        return Verdicts(
            self.clock,
            self.connections,
            self.server_states,
            self.pace,
            self.events,
            self.policy,
        )

    @cached_property
    def sealer(self) -> "TokenSealer":
        """Seals token sets."""
        from broker.tokens import TokenSealer

        return TokenSealer(self.vault)

    @cached_property
    def policy(self) -> "RefreshPolicy":
        """When to refresh."""
        from broker.tokens.timing import RefreshPolicy

        return RefreshPolicy(
            timedelta(seconds=self.settings.refresh_buffer_seconds),
            timedelta(hours=self.settings.keep_warm_hours),
        )

    @cached_property
    def credentials(self) -> "ClientCredentials":
        """What clients prove themselves with."""
        from broker.credentials import ClientCredentials

        return ClientCredentials(self.clock, self.vault, self.signing_key)

    @cached_property
    def endpoint(self) -> "TokenEndpoint":
        """Token endpoints."""
        from broker.oauth import TokenEndpoint

        return TokenEndpoint(self.outbound, self.clock)

    @cached_property
    def revoker(self) -> "Revoker":
        """Revocation endpoints."""
        from broker.oauth import Revoker

        return Revoker(self.outbound, self.clock)
