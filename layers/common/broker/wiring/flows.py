"""Each function's flow, built on first use.

What a flow needs is imported when it is built: a function does not pay for the others' imports.
"""

from functools import cached_property
from typing import TYPE_CHECKING

from broker.settings import Settings
from broker.storage import versions

from .parts import Parts

if TYPE_CHECKING:
    from broker.discovery import Discoverer
    from broker.flows.authorize import Authorize
    from broker.flows.callback import Callback
    from broker.flows.connections import Connections
    from broker.flows.mcp_invoke import McpEndpoint, McpInvoke
    from broker.flows.probe import Discovery, Probe
    from broker.flows.probe.check import Check
    from broker.flows.refresh_scheduler import RefreshScheduler
    from broker.flows.refresh_worker import RefreshWorker
    from broker.flows.servers import Servers
    from broker.flows.servers.presets import Presets
    from broker.oauth.style_probe import StyleProbe
    from broker.oauth.trusted_issuer import TrustedIssuer
    from broker.proposals import FirstUse, Proposals
    from broker.proposals.styles import Styles
    from broker.sessions import Sessions
    from broker.storage.registrations import RegistrationStore


class Wiring:
    """The flows of this container; each function asks for its own."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    @property
    def settings(self) -> Settings:
        """The environment, validated."""
        return self._parts.settings

    @cached_property
    def authorize(self) -> "Authorize":
        """The authorize function's flow."""
        from broker.flows.authorize import Authorize

        return Authorize(
            self._parts.clock,
            self._parts.settings,
            self._parts.servers,
            self._parts.pending,
            self._parts.vault,
        )

    @cached_property
    def callback(self) -> "Callback":
        """The callback function's flow."""
        from broker.flows.callback import Callback

        return Callback(
            self._parts.clock,
            self._parts.settings,
            self._parts.servers,
            self._parts.pending,
            self._parts.tests,
            self._parts.completions,
            self._parts.grants,
        )

    @cached_property
    def mcp_invoke(self) -> "McpInvoke":
        """The mcp_invoke function's flow."""
        from broker.flows.mcp_invoke import McpInvoke

        return McpInvoke(
            self._parts.clock,
            self._parts.servers,
            self._parts.server_states,
            self._parts.connections,
            self._parts.tools,
            self._parts.connector,
            self._parts.caller,
            self._first_use,
            self._discoverer,
        )

    @cached_property
    def mcp_endpoint(self) -> "McpEndpoint":
        """The mcp_invoke function's other flow: our own MCP endpoint."""
        from broker.flows.mcp_invoke import McpEndpoint, Questions, ToolCalls
        from broker.flows.mcp_invoke.asking import Asking
        from broker.flows.mcp_invoke.rounds import Rounds
        from broker.storage.mcp_calls import McpCallStore

        parts = self._parts
        calls = McpCallStore(parts.table(parts.settings.pending_table, versions.PENDING))
        rounds = Rounds(parts.clock, calls)
        asking = Asking(
            parts.clock, self.mcp_invoke, parts.connector, parts.connections, calls, rounds
        )
        tools = ToolCalls(self.mcp_invoke, asking, rounds)
        return McpEndpoint(
            parts.settings,
            self._sessions,
            self.mcp_invoke,
            tools,
            Questions(parts.caller, tools, asking, rounds),
            calls,
            self._trusted_issuer,
        )

    @cached_property
    def _sessions(self) -> "Sessions":
        from broker.sessions import Sessions
        from broker.storage.sessions import SessionStore

        table = self._parts.table(self.settings.sessions_table, versions.SESSIONS)
        return Sessions(self._parts.clock, SessionStore(table), self._parts.pending)

    @cached_property
    def _trusted_issuer(self) -> "TrustedIssuer | None":
        """Return the customer's own authorization server, if MCP clients may log in there."""
        issuer = self.settings.mcp_issuer
        if not issuer:
            return None
        from broker.oauth.trusted_issuer import TrustedIssuer

        return TrustedIssuer(self._parts.outbound, self._parts.clock, issuer)

    @cached_property
    def connections(self) -> "Connections":
        """The connections function's flow."""
        from broker.flows.connections import Connections

        return Connections(
            self._parts.clock,
            self._parts.servers,
            self._parts.server_states,
            self._parts.connections,
            self._parts.connector,
            self._parts.pending,
            self._parts.completions,
            self._parts.grants,
            self._parts.remover,
            self._sessions,
            self._first_use,
        )

    @cached_property
    def servers(self) -> "Servers":
        """The servers function's flow."""
        from broker.flows.servers import Servers

        return Servers(
            self._parts.clock,
            self._parts.settings,
            self._parts.servers,
            self._parts.found,
            self._registrations,
            self._parts.server_states,
            self._parts.connections,
            self._parts.tools,
            self._parts.vault,
            self._parts.outbound,
            self._parts.signing_key,
            self._parts.styles,
            lambda: self.presets,
        )

    @cached_property
    def presets(self) -> "Presets":
        """The servers function's other flow: the catalogue of services."""
        from broker.flows.servers.presets import Presets
        from broker.presets import Catalogue

        return Presets(Catalogue())

    @cached_property
    def probe(self) -> "Probe":
        """The probe function's flow."""
        from .probing import probe

        return probe(self._parts, self._first_use)

    @cached_property
    def check(self) -> "Check":
        """The probe function's flow without a browser."""
        from .probing import check

        return check(self._parts)

    @cached_property
    def discovery(self) -> "Discovery":
        """The probe function's other flow: what a server says of itself."""
        from broker.flows.probe import Discovery
        from broker.presets import Catalogue

        return Discovery(self._parts.servers, self._proposals(), Catalogue())

    @cached_property
    def _first_use(self) -> "FirstUse":
        from broker.proposals import FirstUse

        return FirstUse(self._parts.clock, self._parts.found, self._proposals, self._styles)

    def _styles(self) -> "Styles":
        from broker.proposals.styles import Styles

        parts = self._parts
        return Styles(parts.clock, parts.styles, parts.credentials, self._style_probe)

    @property
    def _style_probe(self) -> "StyleProbe":
        from broker.oauth.style_probe import StyleProbe

        return StyleProbe(self._parts.endpoint, self._parts.revoker, self._parts.clock)

    def _proposals(self) -> "Proposals":
        from broker.discovery import Registrar
        from broker.proposals import Proposals

        clock, outbound = self._parts.clock, self._parts.outbound
        return Proposals(
            clock,
            self._parts.settings,
            self._registrations,
            self._parts.vault,
            outbound,
            self._discoverer(),
            Registrar(outbound, clock),
        )

    def _discoverer(self) -> "Discoverer":
        """Asks servers about themselves, without credentials."""
        from broker.discovery import Discoverer
        from broker.mcp import McpClient

        clock, outbound = self._parts.clock, self._parts.outbound
        return Discoverer(outbound, clock, McpClient(outbound, clock))

    @cached_property
    def _registrations(self) -> "RegistrationStore":
        """Clients that discovery registered, among the pending rows."""
        from broker.storage.registrations import RegistrationStore

        return RegistrationStore(self._parts.pending.table)

    @cached_property
    def refresh_scheduler(self) -> "RefreshScheduler":
        """The refresh_scheduler function's flow."""
        from broker.flows.refresh_scheduler import RefreshScheduler, clears

        return RefreshScheduler(
            self._parts.clock,
            self._parts.schedule,
            self._parts.queues,
            clears(self._parts.settings.worker_concurrency),
        )

    @cached_property
    def refresh_worker(self) -> "RefreshWorker":
        """The refresh_worker function's flow."""
        from broker.flows.refresh_worker import RefreshWorker
        from broker.tokens import Rescuer

        rescuer = Rescuer(
            self._parts.clock,
            self._parts.connections,
            self._parts.sealer,
            self._parts.credentials,
            self._parts.revoker,
            self._parts.events,
            self._parts.policy,
        )
        return RefreshWorker(
            self._parts.servers,
            self._parts.connections,
            self._parts.tokens,
            self._parts.remover,
            rescuer,
        )
