"""What the fields of a configuration may not say together, though each may say it alone."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from broker.errors import InvalidServer
from broker.model import AuthType, Draft, Kept, Server

_BETWEEN_SCOPES = re.compile(r"[,;]|%20|%2c", re.IGNORECASE)
"""What joins scopes elsewhere, or is left of a URL that they were copied from."""
_ENDPOINTS = (
    "authorization_endpoint",
    "token_endpoint",
    "refresh_endpoint",
    "revocation_endpoint",
    "userinfo_endpoint",
)
_WORDS = re.compile(r"[a-z]+")
_AUTHORIZES = frozenset(
    {"auth", "authorisation", "authorise", "authorization", "authorizations", "authorize"}
)
_VAGUE = frozenset({"auth"})
_ISSUES = frozenset({"accesstoken", "token", "tokens"})


def check_conflicts(values: Mapping[str, Any]) -> None:
    """Check fields against each other; raise InvalidServer naming the one to look at."""
    _check_scopes(values)
    _check_endpoints(values)
    _check_parameters(values)
    if urlsplit(values["issuer"] or "").query:
        raise InvalidServer("issuer: an issuer has no query (RFC 8414).")


def check_kept_secret(wanted: Server, draft: Draft) -> None:
    """Refuse to keep a secret that would never be sent again; raise InvalidServer."""
    is_idle = not wanted.token_request_style.takes_secret
    oauth = wanted.auth_type is AuthType.CONSUMER_OAUTH
    if oauth and is_idle and wanted.client_secret and draft.client_secret is Kept.KEPT:
        raise InvalidServer(
            "client_secret: the token_request_style none sends no secret; remove it with null."
        )


def _check_scopes(values: Mapping[str, Any]) -> None:
    for scope in values["scopes"]:
        if _BETWEEN_SCOPES.search(scope):
            raise InvalidServer(f"scopes: {scope} seems to be several; list each by itself.")


def _check_endpoints(values: Mapping[str, Any]) -> None:
    """Refuse URLs that stand where another's belongs."""
    _check_apart("authorization_endpoint", "token_endpoint", values)
    _check_apart("authorization_endpoint", "refresh_endpoint", values)
    for name in _ENDPOINTS:
        _check_apart("mcp_url", name, values)
    if _are_swapped(values["authorization_endpoint"], values["token_endpoint"]):
        raise InvalidServer("authorization_endpoint: it and token_endpoint seem to be swapped.")


def _are_swapped(authorizes: str | None, issues: str | None) -> bool:
    """Say whether one of the two speaks as the other should, and the other does not.

    ``auth`` alone may end the URL of either, so it tells only against a word that is clear.
    """
    if not authorizes or not issues:
        return False
    if _says(authorizes, _ISSUES, _AUTHORIZES):
        return not _says(issues, _ISSUES, _AUTHORIZES)
    return _says(issues, _AUTHORIZES - _VAGUE, _ISSUES) and not _says(authorizes, _AUTHORIZES)


def _check_apart(name: str, other: str, values: Mapping[str, Any]) -> None:
    if values[name] and values[other] and _place(values[name]) == _place(values[other]):
        raise InvalidServer(f"{name}: it is the same URL as {other}.")


def _place(url: str) -> tuple[str, str, str]:
    parts = urlsplit(url)
    return parts.netloc.lower(), parts.path.rstrip("/"), parts.query


def _says(url: str | None, wanted: frozenset[str], unwanted: frozenset[str] = frozenset()) -> bool:
    """Look for words at the end of a path: in its last segment, or the one before."""
    segments = urlsplit(url or "").path.strip("/").lower().split("/")[-2:]
    words = {word for segment in segments for word in _WORDS.findall(segment)}
    return bool(words & wanted) and not words & unwanted


def _check_parameters(values: Mapping[str, Any]) -> None:
    """Refuse an extra parameter that a field of its own sets: one of the two would be lost."""
    extra, scope = values["extra_authorize_params"], values["scope_parameter"]
    if values["scopes"] and scope in extra:
        raise InvalidServer(f"extra_authorize_params: {scope} is sent already, from scopes.")
    for name in ("extra_authorize_params", "extra_token_params"):
        if values["resource"] and "resource" in values[name]:
            raise InvalidServer(f"{name}: resource is sent already, from the field resource.")
