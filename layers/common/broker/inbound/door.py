"""An HTTP function's app: reads the event, answers the outcome, renders every error."""

import base64
import json
import math
import time
from collections.abc import Callable, Mapping
from typing import Any, NoReturn
from urllib.parse import parse_qsl

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from pydantic import ValidationError

from broker.errors import (
    BrokerError,
    ConfigurationError,
    InvalidRequest,
    NotFound,
    RequestTooLarge,
)
from broker.inbound.requests import ApiRequest, Named
from broker.model import Arrival, Invocation, Precondition
from broker.settings import Settings
from broker.telemetry import logger, measured, unexpected

BODY_BYTES = 1_000_000

type Renderer = Callable[[BrokerError, str], Response[str]]


class _Api(APIGatewayHttpResolver):
    """The resolver; what an invocation's parts took is written when it ends."""

    def resolve(self, event: Mapping[str, Any], context: Any) -> dict[str, Any]:
        """Route the event, and render whatever comes of it."""
        with measured("http"):
            return super().resolve(event, context)


def http_api(render: Renderer, configured: Callable[[], object]) -> APIGatewayHttpResolver:
    """Return an app whose failures are rendered by ``render``, the unexpected ones included.

    ``configured`` is called before a request is looked at; it raises ConfigurationError.
    """
    app = _Api()

    def check(_: APIGatewayHttpResolver, route: Callable[..., Response[str]]) -> Response[str]:
        configured()
        return route(app)

    def known(exc: BrokerError) -> Response[str]:
        logger().info(
            "refused", extra={"error": exc.error, "status": exc.status, "request_id": _id(app)}
        )
        return render(exc, _id(app))

    def unknown(exc: Exception) -> Response[str]:
        unexpected(exc, _id(app))
        return render(BrokerError("Something went wrong on our side."), _id(app))

    def no_route(_: NotFoundError) -> Response[str]:
        return render(NotFound("There is nothing at this address."), _id(app))

    def unconfigured(exc: ConfigurationError) -> Response[str]:
        return render(exc, _id(app))  # logged already: once, and with the variables' names

    app.use([check])
    app.exception_handler(ConfigurationError)(unconfigured)
    app.exception_handler(BrokerError)(known)
    app.exception_handler(Exception)(unknown)
    app.not_found(no_route)
    return app


def invocation(app: APIGatewayHttpResolver, settings: Settings) -> Invocation:
    """Return what this run may know of itself; its address is configured, or the gateway's own."""
    left = app.lambda_context.get_remaining_time_in_millis() / 1000
    domain = app.current_event.raw_event["requestContext"]["domainName"]
    return Invocation(
        _id(app), time.monotonic() + left, settings.public_base_url or f"https://{domain}"
    )


def read_body[Shape: ApiRequest](app: APIGatewayHttpResolver, shape: type[Shape]) -> Shape:
    """Parse the JSON body and path parameters; raise InvalidRequest naming the field."""
    body, path = _json_object(app.current_event.raw_event), _path(app)
    for name, value in path.items():
        if body.get(name, value) != value:
            raise InvalidRequest(f"{name}: the body names another than the path.")
    return _validated(shape, body | path)


def read_query[Shape: ApiRequest](app: APIGatewayHttpResolver, shape: type[Shape]) -> Shape:
    """Parse the query and path parameters; raise InvalidRequest, also for a repeated one."""
    return _validated(shape, query(app) | _path(app))


def read_form[Shape: ApiRequest](app: APIGatewayHttpResolver, shape: type[Shape]) -> Shape:
    """Parse a form body (a page of ours posts one); raise InvalidRequest."""
    try:
        encoded = raw_body(app.current_event.raw_event).decode()
    except UnicodeDecodeError:
        raise InvalidRequest("The form is not well-formed UTF-8.") from None
    return _validated(shape, _once(encoded))


def query(app: APIGatewayHttpResolver) -> dict[str, str]:
    """Return the query; the gateway would join a repeated parameter with commas."""
    return _once(app.current_event.raw_event.get("rawQueryString") or "")


def read_arrival(app: APIGatewayHttpResolver) -> Arrival:
    """Return what the browser brought to the redirection endpoint."""
    server_id = _validated(Named, _path(app)).server_id
    return Arrival(server_id, query(app), cookies(app))


def raw_body(event: Mapping[str, Any]) -> bytes:
    """Return the body; raise RequestTooLarge, InvalidRequest."""
    body = event.get("body") or ""
    try:
        raw = base64.b64decode(body) if event.get("isBase64Encoded") else body.encode()
    except ValueError:
        raise InvalidRequest("The body is not well-formed.") from None
    if len(raw) > BODY_BYTES:
        raise RequestTooLarge("The request body is over 1 MB.")
    return raw


def read_json(raw: bytes) -> Any:
    """Parse strictly: finite numbers, no name twice, well-formed UTF-8; raise ValueError."""
    try:
        parsed = json.loads(
            raw,
            parse_constant=_refuse_constant,
            parse_float=_finite,
            object_pairs_hook=_each_once,
        )
        json.dumps(parsed, ensure_ascii=False).encode()
    except RecursionError:
        raise ValueError("too deep") from None
    return parsed


def precondition(app: APIGatewayHttpResolver) -> Precondition:
    """Return If-Match and If-None-Match."""
    return Precondition(header(app, "if-match"), header(app, "if-none-match"))


def header(app: APIGatewayHttpResolver, name: str) -> str | None:
    """Return a request header."""
    return request_headers(app).get(name.lower())


def request_headers(app: APIGatewayHttpResolver) -> Mapping[str, str]:
    """Return all headers by their names in lower case; the gateway joins repeated ones.

    It also writes names so. `sam local` leaves them as they were sent.
    """
    found: Mapping[str, str] = app.current_event.raw_event.get("headers", {})
    return {name.lower(): value for name, value in found.items()}


def path_of(app: APIGatewayHttpResolver) -> str:
    """Return the server that the path names; raise InvalidRequest."""
    return _validated(Named, _path(app)).server_id


def cookies(app: APIGatewayHttpResolver) -> dict[str, str]:
    """Return the request's cookies; of a repeated name the first counts."""
    found: dict[str, str] = {}
    for cookie in app.current_event.raw_event.get("cookies") or []:
        name, _, value = cookie.partition("=")
        found.setdefault(name.strip(), value.strip())
    return found


def _id(app: APIGatewayHttpResolver) -> str:
    return str(app.current_event.raw_event["requestContext"]["requestId"])


def _path(app: APIGatewayHttpResolver) -> dict[str, str]:
    return app.current_event.raw_event.get("pathParameters") or {}


def _once(encoded: str) -> dict[str, str]:
    found: dict[str, str] = {}
    try:
        pairs = parse_qsl(encoded, keep_blank_values=True, max_num_fields=100, errors="strict")
    except ValueError:
        raise InvalidRequest("The parameters are not well-formed UTF-8.") from None
    for name, value in pairs:
        if name in found:
            raise InvalidRequest(f"{_shown(name)}: a parameter may be given only once.")
        found[name] = value
    return found


def _json_object(event: Mapping[str, Any]) -> dict[str, Any]:
    raw = raw_body(event)
    if not raw.strip():
        return {}
    try:
        parsed = read_json(raw)
    except ValueError:
        raise InvalidRequest("The body is not well-formed JSON in UTF-8.") from None
    if not isinstance(parsed, dict):
        raise InvalidRequest("The body must be a JSON object.")
    return parsed


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse an object that says two things under one name."""
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("duplicate member")
    return members


def _finite(text: str) -> float:
    """Refuse numbers that JSON can write and nobody can hold (1e999)."""
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(text)
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _validated[Shape: ApiRequest](shape: type[Shape], values: Mapping[str, object]) -> Shape:
    try:
        return shape.model_validate(values)
    except ValidationError as exc:
        faults = [_fault(fault["loc"], fault["type"], fault["msg"]) for fault in exc.errors()]
        raise InvalidRequest(" ".join(faults[:5])) from None


def _fault(loc: tuple[int | str, ...], kind: str, message: str) -> str:
    field = _shown(".".join(str(part) for part in loc)) or "body"
    if kind == "extra_forbidden":
        return f"{field}: not a field of this request."
    if kind == "missing":
        return f"{field}: required."
    return f"{field}: {message.removeprefix('Value error, ')}."


def _shown(name: str) -> str:
    """Return a name from the request as far as it is fit to be repeated."""
    return "".join(c for c in name[:64] if c.isascii() and (c.isalnum() or c in "_-."))
