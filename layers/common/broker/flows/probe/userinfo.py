"""Whether a token is good at the service itself, where another one refuses it."""

from http import HTTPStatus

from broker.errors import OutboundError
from broker.model import Secret, Server
from broker.outbound import Outbound

_CAP = 64 * 1024


def takes_token(outbound: Outbound, server: Server, token: Secret, deadline: float) -> bool | None:
    """Ask the userinfo endpoint (OpenID Connect Core §5.3); None: there is none, or it is mute."""
    if server.userinfo_endpoint is None:
        return None
    headers = {"Accept": "application/json", "Authorization": f"Bearer {token.reveal()}"}
    try:
        answer = outbound.send(
            "GET", server.userinfo_endpoint, headers=headers, deadline=deadline, cap=_CAP
        )
    except OutboundError:
        return None
    page = "html" in answer.headers.get("content-type", "").lower()
    if answer.status == HTTPStatus.OK and not page:
        return True
    return False if answer.status == HTTPStatus.UNAUTHORIZED else None
