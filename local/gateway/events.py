"""HTTP requests as events of payload format 2.0."""

import base64
import secrets
import time
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, unquote

from local.account import ACCOUNT, API_ID
from local.gateway.routing import Match
from local.loopback import Request

# All other bodies arrive in base64, forms included.
_TEXT = {"application/json", "application/javascript", "application/xml"}
_NOT_PASSED_ON = {"connection", "cookie", "keep-alive", "transfer-encoding"}

type Event = dict[str, Any]


def event_of(request: Request, match: Match, identity: Mapping[str, Any] | None) -> Event:
    """Build the event that API Gateway would; absent parts are left out, as it does."""
    query: dict[str, str] = {}
    for name, value in parse_qsl(request.query, keep_blank_values=True):
        query[name] = f"{query[name]},{value}" if name in query else value
    text, encoded = _body(request)
    optional = {
        "cookies": _cookies(request),
        "queryStringParameters": query,
        "pathParameters": dict(match.parameters),
        "body": text,
    }
    return {
        "version": "2.0",
        "routeKey": match.route.key,
        # HTTP APIs decode the path (REST APIs and function URLs do not).
        "rawPath": unquote(request.path),
        "rawQueryString": request.query,
        "headers": _headers(request),
        "requestContext": _context(request, match, identity),
        "isBase64Encoded": encoded,
        **{name: value for name, value in optional.items() if value},
    }


def _headers(request: Request) -> dict[str, str]:
    """Join what is repeated, add what the gateway adds; cookies have a place of their own."""
    headers: dict[str, str] = {}
    for name, value in request.headers:
        key = name.lower()
        headers[key] = f"{headers[key]},{value}" if key in headers else value
    passed_on = {name: value for name, value in headers.items() if name not in _NOT_PASSED_ON}
    return {
        **passed_on,
        "x-amzn-trace-id": f"Root=1-{int(time.time()):08x}-{secrets.token_hex(12)}",
        "x-forwarded-for": request.peer,
        "x-forwarded-port": (request.header("host") or "").rpartition(":")[2],
        "x-forwarded-proto": "http",
    }


def _cookies(request: Request) -> list[str]:
    lines = [value for name, value in request.headers if name.lower() == "cookie"]
    return [cookie.strip() for line in lines for cookie in line.split(";") if cookie.strip()]


def _body(request: Request) -> tuple[str, bool]:
    content_type = (request.header("content-type") or "").partition(";")[0].strip().lower()
    if not request.body:
        return "", False
    if content_type.startswith("text/") or content_type in _TEXT:
        return request.body.decode(errors="replace"), False
    return base64.b64encode(request.body).decode(), True


def _context(request: Request, match: Match, identity: Mapping[str, Any] | None) -> Event:
    now = datetime.now(UTC)
    domain = (request.header("host") or "").partition(":")[0]
    return {
        "accountId": ACCOUNT,
        "apiId": API_ID,
        **({"authorizer": {"iam": dict(identity)}} if identity else {}),
        "domainName": domain,
        "domainPrefix": domain.partition(".")[0],
        "http": {
            "method": request.method,
            "path": unquote(request.path),
            "protocol": request.protocol,
            "sourceIp": request.peer,
            "userAgent": request.header("user-agent") or "",
        },
        "requestId": uuid.uuid4().hex,
        "routeKey": match.route.key,
        "stage": "$default",
        "time": now.strftime("%d/%b/%Y:%H:%M:%S +0000"),
        "timeEpoch": int(now.timestamp() * 1000),
    }
