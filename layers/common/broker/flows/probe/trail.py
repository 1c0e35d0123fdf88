"""The trail of a test: each request that left, as evidence without a secret or an address."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from urllib.parse import urlsplit

from broker.diagnosis import Evidence, Fact, Kind, Step
from broker.errors import AddressBlocked, AnswerTooLarge, NotSent
from broker.model import TOKEN, Server
from broker.oauth import http_date
from broker.outbound import Sent, Unreached

LONGEST = 60
"""Observations that are kept of one test; a service that has us ask more often adds nothing."""
_NOTABLE_SKEW = 60
_TOKEN_GAP = f"{{{TOKEN}}}"
_REFUSALS = frozenset({400, 401, 403, 409, 422, 429})


def extended(
    trail: Sequence[Mapping[str, object]], observed: Iterable[Evidence]
) -> Sequence[Mapping[str, object]]:
    """Return a trail with what was observed since: its first sixty observations."""
    return [*trail, *(one.data for one in observed)][:LONGEST]


def of_sent(sent: Sent, server: Server, step: Step, now: datetime) -> Evidence:
    """Say what one request met: where by its name, and nothing of URL or body.

    ``step`` is the one under way, which tells a refresh from an exchange.
    """
    facts: dict[str, Fact] = {
        "method": sent.method,
        "milliseconds": round(sent.seconds * 1000),
    }
    if isinstance(sent.failure, Unreached):
        facts["obstacle"] = sent.failure.obstacle.value
    if 300 <= (sent.status or 0) < 400 and "location" in sent.headers:
        facts["redirects_to"] = re.split("[?#]", sent.headers["location"])[0]
    if wait := sent.headers.get("retry-after", ""):
        facts["retry_after"] = wait[:40]
    told = http_date(sent.headers.get("date", ""))
    skew = round((now - told).total_seconds()) if told else 0
    if abs(skew) >= _NOTABLE_SKEW:
        facts["clock_skew_seconds"] = skew
    place = _place(sent.url, server, step)
    return Evidence(
        place,
        _kind(sent, place),
        status=sent.status,
        content_type=sent.headers.get("content-type"),
        facts=facts,
    )


def _kind(sent: Sent, place: Step) -> Kind:
    match sent.failure:
        case AddressBlocked():
            return Kind.BLOCKED
        case NotSent():
            return Kind.NOT_SENT
        case AnswerTooLarge():
            return Kind.UNUSABLE
        case None:
            return _of_status(sent, place)
        case _:
            return Kind.NO_ANSWER


def _of_status(sent: Sent, place: Step) -> Kind:
    status = sent.status or 0
    if status in _REFUSALS:
        return Kind.REFUSED
    if place is Step.AUTHORIZATION:  # a page, or the way to one, is what a browser wants
        return Kind.OK if 200 <= status < 400 else Kind.UNUSABLE
    page = "html" in sent.headers.get("content-type", "").lower()
    return Kind.OK if 200 <= status < 300 and not page else Kind.UNUSABLE


def _place(url: str, server: Server, step: Step) -> Step:
    """Find which of the server's endpoints was asked; what is none of them is MCP's or metadata."""
    if "/.well-known/" in urlsplit(url).path:
        return Step.METADATA
    places = {
        server.authorization_endpoint: Step.AUTHORIZATION,
        server.userinfo_endpoint: Step.ACCOUNT,
        server.revocation_endpoint: Step.REVOCATION,
        server.token_endpoint: Step.REFRESH if step is Step.REFRESH else Step.EXCHANGE,
        server.refresh_endpoint: Step.REFRESH,
        server.mcp_url: Step.TOOLS,
    }
    known = (place for endpoint, place in places.items() if endpoint and _is_at(url, endpoint))
    return next(known, Step.TOOLS if step is Step.TOOLS else Step.METADATA)


def _is_at(url: str, endpoint: str) -> bool:
    """Compare a URL that was asked with an endpoint, which may have a gap for the token."""
    asked, (start, gap, end) = _bare(url), _bare(endpoint).partition(_TOKEN_GAP)
    return asked.startswith(start) and asked.endswith(end) if gap else asked == start


def _bare(url: str) -> str:
    """Return a URL without query: the authorization request has one of its own."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}{parts.path}".lower()
