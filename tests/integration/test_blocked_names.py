"""A public name that leads to a private address: named for what it is, and never connected."""

from broker.outbound import GuardedTransport
from tests.integration.conftest import Container, World


def _inside(world: World, address: str) -> Container:
    """Return a container whose name service answers with that address."""
    clock = world.core.clock
    transport = GuardedTransport(clock, lookup=lambda _: [address])
    return Container(world.cloud, transport, world.cloud.settings(), clock)


def test_a_check_names_each_endpoint_that_leads_inside(world: World) -> None:
    found = _inside(world, "10.0.0.1").flows.check.check("crm", world.run())
    causes = {one.name: one.diagnosis["cause"] for one in found.checks if one.diagnosis}
    assert causes == dict.fromkeys(
        ("mcp_server", "authorization_endpoint", "token_endpoint", "revocation_endpoint"),
        "blocked_address",
    )


def test_a_test_names_it_at_the_step_that_meets_it(world: World) -> None:
    core = _inside(world, "169.254.169.254")
    probe = core.flows.probe
    started = probe.start("crm", "http://127.0.0.1:1/", publish=False, invocation=world.run())
    assert [one["outcome"] for one in started.run.trail] == ["blocked"]
    assert list(started.run.diagnoses) == []
