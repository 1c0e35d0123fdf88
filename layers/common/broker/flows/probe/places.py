"""Where a service sends the browser of a test back to."""

from broker.model import Invocation


def redirect_uri(server_id: str, invocation: Invocation) -> str:
    """Return the server's own redirection endpoint."""
    return f"{invocation.base_url}/callback/{server_id}"
