"""One HTTP request at the MCP endpoint: who sent it, what it asks, and the answer."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import urlsplit

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response

from broker.endpoint_errors import ForeignOrigin, InvalidToken, McpRefusal, MethodNotAllowed
from broker.errors import BrokerError, McpResultTooLarge
from broker.inbound.answers import ENCODED_BYTES, NO_STORE, json_error
from broker.inbound.door import header, invocation, path_of, raw_body, read_json, request_headers
from broker.metrics import MCP_REQUEST
from broker.model import Invocation, McpOutcome, McpRequest, Secret, Session
from broker.model.mcp import INVALID_REQUEST, PARSE_ERROR, Notifications
from broker.settings import Settings
from broker.telemetry import count

from . import rendering
from .counting import counted
from .messages import Asked, Malformed, Told, read_message
from .revisions import VERSION_HEADER, is_modern, read_request, refuse_unknown, takes_batches

METHODS = ["POST", "GET", "DELETE", "PUT", "PATCH", "HEAD", "OPTIONS"]
"""The gateway's ``ANY``; all but the first are answered 405."""
_MOST_IN_A_BATCH = 20
_ERROR_BYTES = 5000
"""What an error takes at most, in a batch, apart from what it quotes of the request."""

type Serve = Callable[[McpRequest], McpOutcome]


class _Cut(McpResultTooLarge):
    """A result that was made and does not fit."""


class Endpoint(Protocol):
    """The flow behind the endpoint; this floor knows no flows."""

    def admit(self, bearer: Secret | None, server_id: str, invocation: Invocation) -> Session:
        """Return whom a bearer acts as; raise InvalidToken."""

    def serve(
        self, session: Session, server_id: str, request: McpRequest, invocation: Invocation
    ) -> McpOutcome:
        """Answer one request; raise McpRefusal or BrokerError."""


def answer_mcp(
    app: APIGatewayHttpResolver, settings: Settings, endpoint: Endpoint
) -> Response[str]:
    """Read, admit, serve and answer; what is refused before JSON-RPC is an error of the API."""
    run, server_id = invocation(app, settings), path_of(app)
    if app.current_event.http_method != "POST":
        refused = json_error(MethodNotAllowed(), run.request_id)
        refused.headers["Allow"] = "POST"
        return refused
    _check_origin(header(app, "origin"), settings, run)
    raw = raw_body(app.current_event.raw_event)
    try:
        session = endpoint.admit(_bearer(header(app, "authorization")), server_id, run)
    except InvalidToken as exc:
        count(MCP_REQUEST, method="none", outcome=exc.error)
        return _unauthorized(exc, settings, server_id, run)
    return _served(
        raw,
        request_headers(app),
        run.request_id,
        lambda request: endpoint.serve(session, server_id, request, run),
    )


def _served(raw: bytes, headers: Mapping[str, str], request_id: str, serve: Serve) -> Response[str]:
    modern = is_modern(headers)
    try:
        value = read_json(raw)
    except ValueError:
        return _refused(McpRefusal(PARSE_ERROR, "The body is not well-formed JSON in UTF-8."))
    if isinstance(value, list):
        # Errors hold ids and URIs of the request, in which each byte may become two.
        return _batch(value, headers, request_id, serve, ENCODED_BYTES - 2 * len(raw))
    message = read_message(value)
    if isinstance(message, Told):
        return _accepted(headers)
    answer = _answer(message, headers, request_id, serve)
    if answer.notices and _takes_streams(headers):
        return _stream(answer)
    return _json(answer.body, rendering.status_of(answer.refusal, modern=modern))


def _batch(
    values: list[object], headers: Mapping[str, str], request_id: str, serve: Serve, room: int
) -> Response[str]:
    """Answer a batch, one after another (2025-03-26, Batching); other revisions have none."""
    if not takes_batches(headers):
        return _refused(McpRefusal(INVALID_REQUEST, "This revision of MCP has no batches."))
    if not 0 < len(values) <= _MOST_IN_A_BATCH:
        most = f"A batch holds 1 to {_MOST_IN_A_BATCH} messages."
        return _refused(McpRefusal(INVALID_REQUEST, most))
    messages = [read_message(value) for value in values]
    if any(isinstance(each, Asked) and each.method == "initialize" for each in messages):
        return _refused(McpRefusal(INVALID_REQUEST, "initialize may not be part of a batch."))
    owed = [each for each in messages if not isinstance(each, Told)]
    if not owed:
        return _accepted(headers)
    room -= _ERROR_BYTES * len(owed)
    return _json(_answered(owed, headers, request_id, serve, room), 200)


def _answered(
    owed: list[Asked | Malformed],
    headers: Mapping[str, str],
    request_id: str,
    serve: Serve,
    room: int,
) -> list[rendering.Message]:
    """Answer one after another; once an answer does not fit beside the others, run no more."""
    bodies: list[rendering.Message] = []
    for each in owed:
        answer = _answer(each, headers, request_id, serve if room > 0 else _run_nothing, room)
        room = 0 if answer.is_cut else room - answer.size
        bodies.append(answer.body)
    return bodies


def _run_nothing(_request: McpRequest) -> McpOutcome:
    raise McpResultTooLarge("The answers before it fill the batch's: nothing was run.")


@dataclass(frozen=True, slots=True)
class _Answer:
    body: rendering.Message = field(repr=False)
    refusal: McpRefusal | None = None
    notices: Notifications = field(default=(), repr=False)
    size: int = 0
    """Bytes of it as encoded for the gateway; 0 of an error, for which there is room anyhow."""
    is_cut: bool = False
    """It is an error in place of a result that did not fit."""


def _answer(
    message: Asked | Malformed,
    headers: Mapping[str, str],
    request_id: str,
    serve: Serve,
    room: int | None = None,
) -> _Answer:
    """Answer one message, in ``room`` bytes as encoded for the gateway (None: all there are)."""
    if isinstance(message, Malformed):
        return _Answer(rendering.error(message.id, message.refusal), message.refusal)
    with counted(message.method) as counting:
        try:
            request = read_request(message, headers)
            outcome = serve(request)
            body = rendering.result(message.id, request, outcome)
            size = _encoded_size([body, *outcome.notices])
            if size > (ENCODED_BYTES if room is None else room):
                raise _Cut("The answer is over 5.5 MB as encoded for the gateway.")
            counting.served(outcome)
        except McpRefusal as exc:
            counting.refused(exc)
            return _Answer(rendering.error(message.id, exc), exc)
        except BrokerError as exc:
            counting.failed(exc)
            refusal = rendering.refusal_of(exc, request_id)
            error = rendering.error(message.id, refusal)
            return _Answer(error, refusal, is_cut=isinstance(exc, _Cut))
    return _Answer(body, notices=outcome.notices, size=size)


def _takes_streams(headers: Mapping[str, str]) -> bool:
    accepted = (part.partition(";")[0] for part in headers.get("accept", "").split(","))
    return any(part.strip().lower() == "text/event-stream" for part in accepted)


def _stream(answer: _Answer) -> Response[str]:
    """Send what was said on the way before the answer, as one stream that ends with it.

    The gateway passes answers on whole: nothing of it is there any earlier than the answer.
    """
    events = (*map(rendering.notification, answer.notices), answer.body)
    text = "".join(f"event: message\ndata: {_written(event)}\n\n" for event in events)
    return Response(200, "text/event-stream", text, headers=dict(NO_STORE))


def _accepted(headers: Mapping[str, str]) -> Response[str]:
    """Take note (202): nothing that a client may tell us changes anything here."""
    try:
        refuse_unknown(headers.get(VERSION_HEADER, "2025-03-26"))
    except McpRefusal as exc:
        return _refused(exc)
    return Response(202, None, "", headers=dict(NO_STORE))


def _unauthorized(
    exc: InvalidToken, settings: Settings, server_id: str, run: Invocation
) -> Response[str]:
    """Challenge (RFC 6750 §3); name the metadata only where there is an authorization server."""
    challenge = 'Bearer error="invalid_token"'
    if settings.mcp_issuer:
        where = f"{run.base_url}/.well-known/oauth-protected-resource/mcp/{server_id}"
        challenge += f', resource_metadata="{where}"'
    refused = json_error(exc, run.request_id)
    refused.headers["WWW-Authenticate"] = challenge
    return refused


def _check_origin(origin: str | None, settings: Settings, run: Invocation) -> None:
    """Refuse pages but those of the chat product and our own (MCP, Streamable HTTP, Security)."""
    pages = (run.base_url, settings.default_return_url, *settings.allowed_return_urls)
    if origin is not None and origin not in {_origin(page) for page in pages if page}:
        raise ForeignOrigin


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()


def _bearer(authorization: str | None) -> Secret | None:
    scheme, _, value = (authorization or "").partition(" ")
    value = value.strip()
    if scheme.lower() != "bearer" or not value or not value.isascii() or " " in value:
        return None
    return Secret(value)


def _refused(refusal: McpRefusal) -> Response[str]:
    return _json(rendering.error(None, refusal), rendering.status_of(refusal, modern=True))


def _encoded_size(said: object) -> int:
    encoded = json.dumps(json.dumps(said, ensure_ascii=False), ensure_ascii=False)
    return len(encoded.encode())


def _json(body: rendering.Message | list[rendering.Message], status: int) -> Response[str]:
    return Response(status, "application/json", _written(body), headers=dict(NO_STORE))


def _written(body: object) -> str:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))
