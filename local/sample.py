"""The server that the example chat talks to, so that there is something to ask for."""

from local.demo.journey import Journey, callers
from local.demo.service import App
from local.demo.tenant import Tenant
from local.served import Served
from local.stack import ThirdParties

SAMPLE = "harbor-crm"
_SCOPES = ["openid", "email", "contacts.read"]


def register_sample(services: ThirdParties, deployment: Served) -> None:
    """Register it at the broker, and its app at the service."""
    app = App(services, client_id="lighthouse-chat", name="Lighthouse Chat")
    with callers(deployment) as clients:
        Journey(clients, app, Tenant(services.mcp_server, SAMPLE), SAMPLE).register(scopes=_SCOPES)
