"""What a builder is told about how a server's client signs."""

from broker.model import Server, TokenRequestStyle


def signing(server: Server, base_url: str) -> dict[str, object]:
    """Return whom assertions are for, and where the service finds the keys; null without any."""
    signs = server.token_request_style is TokenRequestStyle.PRIVATE_KEY_JWT
    jwks_uri = f"{base_url}/oauth/jwks/{server.server_id}.json"
    return {
        "client_assertion_audience": server.client_assertion_audience,
        "jwks_uri": jwks_uri if signs else None,
    }
