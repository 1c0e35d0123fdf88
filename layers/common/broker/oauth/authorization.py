"""The authorization request and response (RFC 6749 §4.1.1, §4.1.2)."""

from collections.abc import Mapping
from urllib.parse import quote, unquote_plus, urlsplit, urlunsplit

from broker.diagnosis import Evidence, Kind, Step
from broker.errors import ServerMisconfigured
from broker.model import ResourceIn, Secret, Server

from .failures import IssuerMismatch
from .pkce import code_challenge

_OURS = frozenset(
    {
        "response_type",
        "client_id",
        "redirect_uri",
        "state",
        "code_challenge",
        "code_challenge_method",
        "nonce",
        # What would override all of the above (RFC 9101 §5), or bring the response elsewhere.
        "request",
        "request_uri",
        "response_mode",
    }
)

_ERRORS = frozenset(
    {
        # RFC 6749 §4.1.2.1
        "invalid_request",
        "unauthorized_client",
        "access_denied",
        "unsupported_response_type",
        "invalid_scope",
        "server_error",
        "temporarily_unavailable",
        # OpenID Connect Core §3.1.2.6
        "interaction_required",
        "login_required",
        "account_selection_required",
        "consent_required",
        "invalid_request_uri",
        "invalid_request_object",
        "request_not_supported",
        "request_uri_not_supported",
        "registration_not_supported",
        # RFC 8707 §2
        "invalid_target",
    }
)


def authorization_url(
    server: Server,
    *,
    redirect_uri: str,
    state: Secret,
    code_verifier: Secret | None,
    nonce: str | None,
    scopes: tuple[str, ...],
) -> str:
    """Build the URL of the authorization request; it holds ``state``, so it is not for logs.

    The endpoint's own query stays as it is (RFC 6749 §3.1), but no parameter is sent twice: ours
    win over the builder's extra parameters, and those over the endpoint's. Raises
    ServerMisconfigured when the endpoint or the client id is missing.
    """
    if not server.authorization_endpoint or not server.client_id:
        raise ServerMisconfigured("The server has no authorization endpoint or no client id.")
    extra = {k: v for k, v in server.extra_authorize_params.items() if k not in _OURS}
    named = extra | {
        "response_type": "code",
        server.client_id_parameter: server.client_id,
        "redirect_uri": redirect_uri,
        "state": state.reveal(),
    }
    if code_verifier is not None:
        challenge = code_challenge(code_verifier)
        named |= {"code_challenge": challenge, "code_challenge_method": "S256"}
    if nonce is not None:
        named["nonce"] = nonce
    if server.resource and server.quirks.resource_in in (ResourceIn.BOTH, ResourceIn.AUTHORIZATION):
        named["resource"] = server.resource
    encoded = {name: _encoded(value) for name, value in named.items()}
    for parameter, several in {**server.quirks.scope_sets, server.scope_parameter: scopes}.items():
        if several:
            encoded[parameter] = _joined(several, server.scope_separator)
    return _extended(server.authorization_endpoint, encoded)


def check_issuer(server: Server, iss: str | None, *, required: bool = False) -> None:
    """Compare ``iss`` of an authorization response, character by character (RFC 9207 §2.4).

    Call it on error responses too, and before the code is used. Without a configured issuer there
    is nothing to compare and any ``iss`` passes. An absent one passes unless ``required``, for
    servers whose metadata says ``authorization_response_iss_parameter_supported``.
    """
    if iss is None and not required:
        return
    if iss is not None and (server.issuer is None or iss == server.issuer):
        return
    raise IssuerMismatch(
        Evidence(
            Step.AUTHORIZATION,
            Kind.REFUSED,
            error="issuer_mismatch",
            facts={"received_issuer": iss if iss is not None else "(none)"},
        )
    )


def public_error(error: str | None) -> str:
    """Map the ``error`` of an authorization response to one of a fixed set of codes.

    Anything unknown, and any text made to be shown to the user, is ``authorization_failed``.
    """
    return error if error in _ERRORS else "authorization_failed"


def _encoded(value: str) -> str:
    return quote(value, safe="", errors="replace")


def _joined(scopes: tuple[str, ...], separator: str) -> str:
    """Join and encode. A plus stays a plus: services that ask for it document ``scope=a+b``."""
    joint = separator if separator == "+" else _encoded(separator)
    return joint.join(_encoded(scope) for scope in scopes)


def _extended(endpoint: str, encoded: Mapping[str, str]) -> str:
    parts = urlsplit(endpoint)
    kept = [
        pair
        for pair in parts.query.split("&")
        if pair and unquote_plus(pair.partition("=")[0]) not in _OURS.union(encoded)
    ]
    added = [f"{_encoded(name)}={value}" for name, value in encoded.items()]
    return urlunsplit(parts._replace(query="&".join(kept + added), fragment=""))
