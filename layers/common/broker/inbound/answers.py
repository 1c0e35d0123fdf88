"""Outcomes as JSON: the API's bodies, in one place."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from http import HTTPStatus

from aws_lambda_powertools.event_handler import Response

from broker.errors import BrokerError, McpResultTooLarge
from broker.inbound.client_keys import signing
from broker.inbound.requests import cursor_of
from broker.model import (
    AuthorizationRequired,
    Completed,
    Connected,
    Connection,
    ConnectLink,
    Erased,
    Failure,
    InvokeOutcome,
    Listed,
    Prompt,
    Quirks,
    Reason,
    Registered,
    Revocation,
    Server,
    SeveralRequired,
    Status,
    ToolListing,
)

ENCODED_BYTES = 5_500_000
"""What fits the runtime's 6 MB answer, as the gateway's envelope encodes it once more."""

_RETRY_AFTER: dict[int, int] = {
    HTTPStatus.TOO_MANY_REQUESTS: 30,
    HTTPStatus.SERVICE_UNAVAILABLE: 5,
}
"""Seconds to wait where the failure itself does not know."""
NO_STORE = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}

type Body = dict[str, object]


def json_answer(
    body: Mapping[str, object], status: int = 200, headers: Mapping[str, str] | None = None
) -> Response[str]:
    """Return a JSON response."""
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return Response(status, "application/json", text, headers={**NO_STORE, **(headers or {})})


def json_error(exc: BrokerError, request_id: str) -> Response[str]:
    """Render a failure as the contract says."""
    body = {
        "error": exc.error,
        "error_description": exc.message,
        "request_id": request_id,
        **exc.details,
    }
    wait = exc.retry_after or _RETRY_AFTER.get(exc.status)
    return json_answer(body, exc.status, {"Retry-After": str(wait)} if wait else {})


def invoke_answer(outcome: InvokeOutcome) -> Response[str]:
    """Render the answer of an invoke; raise McpResultTooLarge."""
    if isinstance(outcome, AuthorizationRequired):
        return json_answer(authorization_required(outcome))
    if isinstance(outcome, Completed):
        answer = json_answer({"status": "completed", "result": outcome.result})
    else:
        answer = json_answer(
            {
                "status": "input_required",
                "input_requests": outcome.input_requests,
                "request_state": outcome.request_state,
            }
        )
    return _that_fits(answer, "The tool's result")


def authorization_required(outcome: AuthorizationRequired) -> Body:
    """Return the ready prompt."""
    body: Body = {
        "status": "authorization_required",
        "reason": outcome.reason.value,
        "server": {"id": outcome.server.server_id, "name": outcome.server.name},
        "prompt": _prompt(outcome.prompt),
        **connect_link(outcome.link),
        "scopes": list(outcome.scopes),
    }
    if outcome.missing_scopes:
        body["missing_scopes"] = list(outcome.missing_scopes)
    if outcome.failure:
        body["failure"] = _failure(outcome.failure)
    return body


def several_required(outcome: SeveralRequired) -> Body:
    """Return one card for several servers, with a link for each."""
    return {
        "status": "authorization_required" if outcome.cards else "connected",
        "prompt": _prompt(outcome.prompt) if outcome.cards else None,
        "servers": [authorization_required(card) for card in outcome.cards],
        "misconfigured": list(outcome.misconfigured),
    }


def connect_link(link: ConnectLink) -> Body:
    """Return where the browser goes, and the flow's public name."""
    return {
        "connect_url": link.connect_url,
        "connect_id": link.connect_id,
        "expires_at": written_time(link.expires_at),
    }


def server(server: Server, base_url: str) -> Body:
    """Return a server as its builder sees it: no secret, but whether there is one."""
    return {
        "server_id": server.server_id,
        "name": server.name,
        "mcp_url": server.mcp_url,
        "auth_type": server.auth_type.value,
        "client_id": server.client_id,
        "has_client_secret": server.client_secret is not None,
        "has_bearer_token": server.bearer_token is not None,
        "authorization_endpoint": server.authorization_endpoint,
        "token_endpoint": server.token_endpoint,
        "refresh_endpoint": server.refresh_endpoint,
        "revocation_endpoint": server.revocation_endpoint,
        "userinfo_endpoint": server.userinfo_endpoint,
        "issuer": server.issuer,
        "resource": server.resource,
        "authorization_response_iss_parameter_supported": (
            server.authorization_response_iss_parameter_supported
        ),
        "scopes": list(server.scopes),
        "scope_separator": {" ": "space", ",": "comma", "+": "plus"}[server.scope_separator],
        "scope_parameter": server.scope_parameter,
        "client_id_parameter": server.client_id_parameter,
        "token_request_style": server.token_request_style.value,
        **signing(server, base_url),
        "pkce": server.pkce,
        "extra_authorize_params": dict(server.extra_authorize_params),
        "extra_token_params": dict(server.extra_token_params),
        "extra_refresh_params": dict(server.extra_refresh_params),
        "revocation_scope": server.revocation_scope.value,
        "default_expires_in": server.default_expires_in,
        "refresh_idle_days": server.refresh_idle_days,
        "reuse_grace_seconds": server.reuse_grace_seconds,
        "access_token_field": server.access_token_field,
        "account_field": server.account_field,
        "preset": server.preset,
        "token_header": server.token_header,
        "token_scheme": server.token_scheme,
        **server.quirks.shown(),
        "redirect_uri": f"{base_url}/callback/{server.server_id}",
        "missing": list(server.missing),
        "created_at": written_time(server.created_at),
        "updated_at": written_time(server.updated_at),
    }


def servers(found: Sequence[Server], last: str | None, base_url: str) -> Body:
    """Return a page of servers."""
    return {"servers": [server(one, base_url) for one in found], "cursor": cursor_of(last)}


def registered(outcome: Registered, base_url: str) -> Response[str]:
    """Return a server as it stands after a PUT, and where what it names can be tried.

    The registry itself talks to nobody.
    """
    path = f"/v1/servers/{outcome.server.server_id}"
    links = {"check": f"{path}/check", "test": f"{path}/test"}
    body = {**server(outcome.server, base_url), "links": links}
    return json_answer(body, 201 if outcome.created else 200, etag(outcome.server))


def etag(server: Server) -> dict[str, str]:
    """Return the entity tag that If-Match takes (RFC 9110 §8.8.3)."""
    return {"ETag": server.etag}


def connection(connection: Connection, server: Server | None) -> Body:
    """Return a connection as chat and builder see it."""
    changed = server is not None and server.config_digest != connection.config_digest
    lost = changed and connection.status is Status.ACTIVE
    quirks = server.quirks if server else Quirks()
    status = Status.RECONNECT_REQUIRED if lost else connection.status
    reason = Reason.SERVER_CHANGED if lost else connection.reason
    return {
        "user_id": connection.user_id,
        "server": {"id": connection.server_id, "name": server.name if server else None},
        "status": status.value,
        "reason": reason.value if reason else None,
        "account": connection.account.label,
        "scopes": list(connection.tokens.scope),
        "missing_scopes": list(connection.missing_scopes(quirks)),
        "expires_at": written_time(connection.tokens.expires_at),
        "refreshable": connection.tokens.refresh is not None,
        "reconnect_by": written_time(connection.tokens.refresh_expires_at),
        "last_failure": _failure(connection.failure) if connection.failure else None,
        "created_at": written_time(connection.created_at),
        "connected_at": written_time(connection.connected_at),
    }


def connections(listed: Sequence[Listed], last: str | None = None) -> Body:
    """Return connections, and the cursor of the next page."""
    return {
        "connections": [connection(one.connection, one.server) for one in listed],
        "cursor": cursor_of(last),
    }


def connected(outcome: Connected) -> Body:
    """Return what the chat shows after a consent: the tick, the service, the account."""
    return {
        "status": "connected",
        "account_changed": outcome.account_changed,
        "recovered": outcome.recovered,
        "connection": connection(outcome.connection, outcome.server),
    }


def disconnected(revocation: Revocation) -> Body:
    """Return what became of the tokens at the service."""
    return {"status": "disconnected", "revocation": revocation.value}


def erased(outcome: Erased) -> Body:
    """Return what became of each of a user's connections."""
    return {
        "status": "erasing" if outcome.remaining else "erased",
        "revocations": {key: value.value for key, value in outcome.revocations.items()},
        "remaining": outcome.remaining,
    }


def tools(listing: ToolListing, now: datetime) -> Response[str]:
    """Render a tool list with its age in seconds; raise McpResultTooLarge."""
    since = None if listing.fetched_at is None else now - listing.fetched_at
    body = {
        "tools": list(listing.tools),
        "source": listing.source,
        "fetched_at": written_time(listing.fetched_at),
        "age": None if since is None else max(0, int(since.total_seconds())),
        "stale_because": listing.stale_because,
    }
    return _that_fits(json_answer(body), "The tool list")


def deleted(remaining: int) -> Response[str]:
    """Return an empty success, or how many users are still being disconnected."""
    if remaining:
        return json_answer({"status": "disconnecting", "remaining": remaining}, 202)
    return Response(HTTPStatus.NO_CONTENT, None, "", headers=dict(NO_STORE))


def _that_fits(answer: Response[str], what: str) -> Response[str]:
    if len(json.dumps(answer.body, ensure_ascii=False).encode()) > ENCODED_BYTES:
        raise McpResultTooLarge(f"{what} is over 5.5 MB as encoded for the gateway.")
    return answer


def _prompt(prompt: Prompt) -> Body:
    return {"text": prompt.text, "button_label": prompt.button_label, "detail": prompt.detail}


def _failure(failure: Failure) -> Body:
    return {"code": failure.code, "message": failure.message, "at": written_time(failure.at)}


def written_time(moment: datetime | None) -> str | None:
    """Return a time as the API writes it: UTC, to the second."""
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
