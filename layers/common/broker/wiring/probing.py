"""The flows of the probe function; imported when one is built, and by nobody else."""

from broker.flows.probe import Login, Probe, Remarks, Steps, Waiting
from broker.flows.probe.check import Check, Endpoints, McpServer, Metadata
from broker.flows.probe.style_finding import StyleReport
from broker.mcp import McpClient
from broker.oauth.style_probe import StyleProbe
from broker.proposals import FirstUse

from .parts import Parts


def probe(parts: Parts, first_use: FirstUse) -> Probe:
    """Build the test of a configuration."""
    return Probe(
        parts.clock,
        parts.servers,
        parts.tests,
        parts.connector,
        parts.completions,
        _steps(parts),
        first_use,
        Waiting(parts.clock, parts.pending),
        Remarks(parts.clock, _login(parts)),
    )


def check(parts: Parts) -> Check:
    """Build what can be known without a browser."""
    clock, outbound = parts.clock, parts.outbound
    return Check(
        clock,
        parts.servers,
        Endpoints(outbound, _login(parts), _styles(parts)),
        Metadata(outbound, clock),
        McpServer(McpClient(outbound, clock), parts.caller),
    )


def _steps(parts: Parts) -> Steps:
    return Steps(
        parts.clock,
        parts.vault,
        parts.credentials,
        parts.outbound,
        parts.grants,
        parts.endpoint,
        parts.revoker,
        parts.caller,
        parts.tools,
        _styles(parts),
    )


def _styles(parts: Parts) -> StyleReport:
    probe = StyleProbe(parts.endpoint, parts.revoker, parts.clock)
    return StyleReport(parts.clock, parts.vault, probe)


def _login(parts: Parts) -> Login:
    return Login(parts.clock, parts.credentials, parts.outbound, parts.endpoint)
