"""Whom a token is for, where an MCP server refuses it: what it says itself, and who takes it."""

from http import HTTPStatus

from broker.diagnosis import Fact
from broker.discovery import is_for
from broker.errors import OutboundError
from broker.model import Secret, Server
from broker.oauth.account import ask_userinfo
from broker.oauth.jwt_claims import unverified_claims
from broker.outbound import Outbound

_MOST = 3


def asked_about(
    outbound: Outbound, server: Server, token: Secret, deadline: float
) -> dict[str, Fact]:
    """Return what is known of a refused token's audience, without the token.

    ``server`` is as the test's connection reaches it: the gaps of its URLs are filled.
    """
    facts: dict[str, Fact] = {}
    if other := _other_audience(server, token):
        facts["token_audience"] = other
    accepts = _userinfo_accepts(outbound, server, token, deadline)
    if accepts is not None:
        facts["userinfo_accepts"] = accepts
    return facts


def _other_audience(server: Server, token: Secret) -> str | None:
    """Read ``aud`` of a JWT (RFC 9068 §2.2), where none of it is the MCP server; unverified."""
    stated = (unverified_claims(token.reveal()) or {}).get("aud")
    listed = stated if isinstance(stated, list) else [stated]
    audiences = [one for one in listed if isinstance(one, str) and one][:_MOST]
    if not audiences or any(_is_for(one, server.mcp_url) for one in audiences):
        return None
    return " ".join(audiences)


def _is_for(audience: str, mcp_url: str) -> bool:
    try:
        return is_for(audience, mcp_url)
    except ValueError:  # no URL at all
        return False


def _userinfo_accepts(
    outbound: Outbound, server: Server, token: Secret, deadline: float
) -> bool | None:
    """Ask the userinfo endpoint (OpenID Connect Core §5.3); None: there is none, or it is mute."""
    if server.userinfo_endpoint is None:
        return None
    try:
        answer = ask_userinfo(outbound, server, token, deadline)
    except OutboundError:
        return None
    page = "html" in answer.headers.get("content-type", "").lower()
    if answer.status == HTTPStatus.OK and not page:
        return True
    return False if answer.status == HTTPStatus.UNAUTHORIZED else None
