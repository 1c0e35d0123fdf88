"""When an access token ends, asked of the introspection endpoint (RFC 7662)."""

from datetime import datetime

from broker.errors import OutboundError
from broker.model import Secret, Server
from broker.outbound import Outbound

from .answer_body import NotMembers, read_members
from .client_authentication import CredentialMissing, client_request
from .lifetime import numeric_date

_CAP = 64 * 1024


def introspected_expiry(
    outbound: Outbound,
    server: Server,
    client_secret: Secret | None,
    token: Secret,
    *,
    now: datetime,
    deadline: float,
) -> datetime | None:
    """Return ``exp`` of an active token (§2.2); None where there is no endpoint, or it tells none.

    The client authenticates as at the token endpoint (§2.1). Not knowing fails nothing.
    """
    endpoint = server.quirks.introspection_endpoint
    if endpoint is None:
        return None
    parameters = {"token": token.reveal(), "token_type_hint": "access_token"}
    try:
        request = client_request(
            parameters,
            style=server.token_request_style,
            client_id=server.client_id,
            client_secret=client_secret,
            client_id_parameter=server.client_id_parameter,
            basic_encoding=server.quirks.basic_encoding,
        )
        answer = outbound.send(
            "POST",
            endpoint,
            headers=request.headers,
            content=request.content,
            deadline=deadline,
            cap=_CAP,
        )
        members = read_members(answer.body) if answer.status == 200 else {}
    except (CredentialMissing, OutboundError, NotMembers):
        return None
    return numeric_date(members.get("exp"), now) if members.get("active") is True else None
