"""Protected resource metadata of our MCP endpoint (RFC 9728 §2)."""

from aws_lambda_powertools.event_handler import Response

from broker.inbound.answers import json_answer
from broker.model import ProtectedResource


def protected_resource(found: ProtectedResource) -> Response[str]:
    """Return the document that names the customer's own authorization server."""
    return json_answer(
        {
            "resource": found.resource,
            "authorization_servers": [found.authorization_server],
            "bearer_methods_supported": ["header"],
            "resource_name": found.server.name,
        }
    )
