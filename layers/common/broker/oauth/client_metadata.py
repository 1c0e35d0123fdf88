"""A client's metadata (RFC 7591 §2): what is registered, and what our own document says."""

from .client_assertion import ALGORITHM


def client_metadata(
    redirect_uri: str,
    name: str,
    logo_uri: str,
    method: str,
    scopes: tuple[str, ...] = (),
    *,
    jwks_uri: str,
) -> dict[str, object]:
    """Return the metadata of one server's client: exactly one redirect URI, a web application.

    ``method`` is its ``token_endpoint_auth_method``; with ``private_key_jwt`` its keys are at
    ``jwks_uri``, and the algorithm is named (OpenID Connect Dynamic Client Registration 1.0 §2).
    Each server has a client of its own: a shared one is what lets a hostile server use what an
    honest one was granted.
    """
    metadata: dict[str, object] = {
        "client_name": name,
        "redirect_uris": [redirect_uri],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": method,
        "application_type": "web",
    }
    if method == "private_key_jwt":
        metadata |= {"jwks_uri": jwks_uri, "token_endpoint_auth_signing_alg": ALGORITHM}
    if logo_uri:
        metadata["logo_uri"] = logo_uri
    if scopes:
        metadata["scope"] = " ".join(scopes)
    return metadata
