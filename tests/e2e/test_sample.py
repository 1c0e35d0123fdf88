"""The sample server that `make dev` and `make sam-services` register for the example chat."""

from local.demo.journey import Callers, Journey, text_of
from local.demo.service import App
from local.demo.tenant import Tenant
from local.deployment import Deployment
from local.sample import SAMPLE, register_sample
from local.stack import LocalStack


def test_a_user_of_the_example_chat_can_connect_to_the_sample(
    stack: LocalStack, bound: Deployment, at_bound: Callers, ana: str
) -> None:
    register_sample(stack.services, bound)
    app, tenant = App(stack.services), Tenant(stack.services.mcp_server, SAMPLE)
    sample = Journey(at_bound, app, tenant, SAMPLE)
    assert sample.connect(ana)["status"] == "connected"
    assert text_of(sample.invoke(ana)) == "alice"
