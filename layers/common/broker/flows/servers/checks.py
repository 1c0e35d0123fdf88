"""What a configuration may not say, whoever says it."""

from collections.abc import Mapping
from typing import Any

from broker.errors import AddressBlocked, InvalidServer, PreconditionFailed
from broker.model import AuthType, Draft, Precondition, Secret, Server, TokenRequestStyle
from broker.oauth.client_assertion import astray, is_signable
from broker.outbound import Outbound

_URLS = (
    "mcp_url",
    "authorization_endpoint",
    "token_endpoint",
    "refresh_endpoint",
    "revocation_endpoint",
    "userinfo_endpoint",
    "issuer",
    "resource",
    "client_assertion_audience",
)
OURS = frozenset(
    {
        "client_assertion",
        "client_assertion_type",
        "client_id",
        "client_secret",
        "code",
        "code_challenge",
        "code_challenge_method",
        "code_verifier",
        "grant_type",
        "nonce",
        "redirect_uri",
        "refresh_token",
        "request",
        "request_uri",
        "response_mode",
        "response_type",
        "state",
    }
)
_OF_CODES = frozenset({"redirect_uri"})
"""Sent with codes alone (RFC 6749 §4.1.3), though some services want it with refreshes too."""
SIGNS = {"space": " ", "comma": ",", "plus": "+"}
HEADERS_REFUSED = frozenset(
    {
        "accept",
        "accept-encoding",
        "connection",
        "content-length",
        "content-type",
        "cookie",
        "expect",
        "host",
        "keep-alive",
        "mcp-method",
        "mcp-name",
        "mcp-protocol-version",
        "mcp-session-id",
        "origin",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)


def check_values(values: Mapping[str, Any], outbound: Outbound) -> None:
    """Check URLs, extra parameters and the token's header; raise InvalidServer naming the field."""
    for name in _URLS:
        if values.get(name) is not None:
            _check_url(name, values[name], outbound)
    _check_renamed(values)
    ours = OURS | {values["client_id_parameter"]}
    for name in ("extra_authorize_params", "extra_token_params", "extra_refresh_params"):
        own = ours - _OF_CODES if name == "extra_refresh_params" else ours
        taken = own.intersection(values[name])
        if taken:
            raise InvalidServer(f"{name}: {min(taken)} is set by the broker itself.")
    separator = values["scope_separator"]
    sign = SIGNS.get(separator, separator)
    if torn := [scope for scope in values["scopes"] if sign in scope]:
        raise InvalidServer(f"scopes: {torn[0]} holds the scope_separator; list each by itself.")
    if values["token_header"].lower() in HEADERS_REFUSED:
        raise InvalidServer("token_header: this header cannot carry a token.")


def check_assertions(wanted: Server, *, has_key: bool) -> None:
    """Refuse what cannot be signed, or would reach a stranger; raise InvalidServer."""
    audience = wanted.client_assertion_audience
    if wanted.token_request_style is not TokenRequestStyle.PRIVATE_KEY_JWT:
        if audience:
            raise InvalidServer("client_assertion_audience: only private_key_jwt has assertions.")
        return
    if not has_key:
        raise InvalidServer(
            "token_request_style: private_key_jwt needs a signing key, and the stack has none"
            " (its parameter SigningKey)."
        )
    if wanted.assertion_audience is None:
        return  # the issuer is missing, and is named as missing
    if stray := astray(wanted):
        raise InvalidServer(
            f"{stray}: an assertion goes only to the host that it is meant for, that of"
            " client_assertion_audience, or else of the issuer. A host with a gap is not known."
        )
    if wanted.client_id and not is_signable(wanted.client_id, wanted.assertion_audience):
        raise InvalidServer("client_id: too long to be signed together with the audience.")


def check_precondition(precondition: Precondition, stands: Server | None) -> None:
    """Raise PreconditionFailed unless the server stands as the caller thinks."""
    tag = stands.etag if stands else None
    if precondition.if_match is not None and not _matches(precondition.if_match, tag):
        raise PreconditionFailed("If-Match: the server is not at that version.")
    if precondition.if_none_match is not None and _matches(precondition.if_none_match, tag):
        raise PreconditionFailed("If-None-Match: the server exists at that version.")


def check_secret_fits(wanted: Server, draft: Draft) -> None:
    """Refuse a secret that a server of this kind has no use for; raise InvalidServer."""
    given = isinstance(draft.client_secret, Secret)
    if given and wanted.auth_type is not AuthType.CONSUMER_OAUTH:
        raise InvalidServer("client_secret: only a consumer_oauth server has one.")
    style = wanted.token_request_style
    if given and not style.takes_secret:
        raise InvalidServer(f"client_secret: the token_request_style {style} sends no secret.")
    if isinstance(draft.bearer_token, Secret) and wanted.auth_type is not AuthType.BEARER:
        raise InvalidServer("bearer_token: only a bearer server has one.")


def _check_renamed(values: Mapping[str, Any]) -> None:
    """Refuse a new name that would stand for two parameters of one request."""
    scope, client_id = values["scope_parameter"], values["client_id_parameter"]
    if scope in OURS:
        raise InvalidServer("scope_parameter: a parameter of that name is sent already.")
    if client_id in (OURS | {scope, "scope", "resource"}) - {"client_id"}:
        raise InvalidServer("client_id_parameter: a parameter of that name is sent already.")


def _check_url(name: str, url: str, outbound: Outbound) -> None:
    try:
        outbound.check_url(url)
    except AddressBlocked as exc:
        raise InvalidServer(f"{name}: {exc}") from exc


def _matches(wanted: str, tag: str | None) -> bool:
    if wanted.strip() == "*":
        return tag is not None
    return tag in [part.strip() for part in wanted.split(",")]
