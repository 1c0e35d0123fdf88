"""Evidence, read from what a login page or an MCP server did."""

import base64
import re
from http import HTTPStatus
from urllib.parse import parse_qs, urlsplit

from broker.diagnosis import Evidence, Fact, Kind, Step
from broker.errors import BrokerError, McpServerError, McpServerTimeout, McpUnauthorized
from broker.mcp import InsufficientScope
from broker.oauth.answer_body import NotMembers, read_members
from broker.outbound import Answer, Unreached

_TELLING = re.compile(
    r"invalid_client|(?P<name>redirect_ur[il]|callback_url|client_id).{0,80}?(?P<word>WORDS)"
    r"|(?P<before>WORDS).{0,80}?(?P<named>redirect_ur[il]|callback_url|client_id)".replace(
        "WORDS",
        "invalid|mis_?match|match|regist|unknown|no_such|not_(?!found)|n't_|id_(?:was_)?not_found"
        "|wrong|incorrect|missing|required|bad_(?!request)|allow|associat|differ|unsupported"
        "|malformed|illegal|unauthorized_(?:client|redirect)",
    ),
    re.DOTALL,
)
"""A name of the request's own, and beside it what is wrong with it."""
_ECHO = re.compile(
    r"(?:[?&]|%3f|%26|\\u0026)[^\s\"'<>]*"
    r"|[\"'](?:redirect_ur[il]|callback_url|client_id)[\"']\s*[:=]\s*[\"'][^\s\"']*[\"']"
    r"|(?:name|id|for)=[\"']?(?:redirect_ur[il]|callback_url|client_id)\b"
)
"""A query, a member or a field of a form: what a page repeats of the request, and no word on it."""
_CODE = re.compile(r"[a-z][a-z0-9_.-]{2,63}")
_CODES = (
    "redirect_uri_mismatch",
    "invalid_redirect_uri",
    "admin_policy_enforced",
    "org_internal",
    "deleted_client",
    "disabled_client",
    "invalid_client",
    "unauthorized_client",
    "invalid_scope",
)
_NOT_A_PAGE = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.GONE})
_WANTS_A_LOGIN = frozenset(
    {"login_required", "interaction_required", "consent_required", "account_selection_required"}
)


def of_login_page(answer: Answer, redirect_uri: str) -> Evidence | None:
    """Read what an authorization endpoint has against a request; None: nothing telling.

    Either it sends the browser back at once with an error (RFC 6749 §4.1.2.1), or it shows a page
    and never sends anybody back, or no authorization endpoint is there at all.
    """
    if 300 <= answer.status < 400:
        return _sent_back(answer.headers.get("location", ""), redirect_uri)
    if not HTTPStatus.BAD_REQUEST <= answer.status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return None
    if answer.status == HTTPStatus.TOO_MANY_REQUESTS or "cf-mitigated" in answer.headers:
        return None  # whoever stands before the service kept us out: it has not seen the request
    media = answer.headers.get("content-type")
    if said := _said(answer):
        return said
    found = _named(answer)
    if answer.status in _NOT_A_PAGE and found is None:
        return Evidence(Step.AUTHORIZATION, Kind.UNUSABLE, answer.status, media)
    if found is None:
        return None
    error = "invalid_client" if "client" in found else "redirect_uri_mismatch"
    return Evidence(Step.AUTHORIZATION, Kind.REFUSED, answer.status, media, error)


def _named(answer: Answer) -> str | None:
    """Find what of the request a page says is wrong, where it does more than repeat the request."""
    text = _ECHO.sub(" ", answer.body.decode("utf-8", "replace").lower())
    names = [
        found["name"] or found["named"] or "invalid_client"
        for found in _TELLING.finditer(re.sub(r"\s+", "_", text))
    ]
    # "Invalid client: redirect_uri does not match": what is named beside it is what is meant.
    return next((name for name in names if "client" not in name), names[0] if names else None)


def _said(answer: Answer) -> Evidence | None:
    """Read an error that comes as JSON in place of a page, or of a redirect."""
    media = answer.headers.get("content-type", "")
    try:
        said = read_members(answer.body) if "json" in media else {}
    except NotMembers:
        return None
    error, described = said.get("error"), said.get("error_description")
    if not isinstance(error, str) or not _CODE.fullmatch(error) or error in _WANTS_A_LOGIN:
        return None
    description = described if isinstance(described, str) else None
    return Evidence(
        Step.AUTHORIZATION, Kind.REFUSED, answer.status, media, error, description=description
    )


def is_no_page(answer: Answer) -> bool:
    """Say whether an authorization endpoint answers a browser as a token endpoint would."""
    media = answer.headers.get("content-type", "")
    refused = 400 <= answer.status < 500
    return answer.status == HTTPStatus.METHOD_NOT_ALLOWED or (refused and "json" in media)


def _sent_back(location: str, redirect_uri: str) -> Evidence | None:
    if not location.startswith(f"{redirect_uri}?"):
        return _sent_to_an_error_page(location)
    said = parse_qs(urlsplit(location).query)
    error, described = said.get("error", [""])[0], said.get("error_description", [None])[0]
    if not error or error in _WANTS_A_LOGIN:
        return None
    return Evidence(Step.AUTHORIZATION, Kind.REFUSED, error=error, description=described)


def _sent_to_an_error_page(location: str) -> Evidence | None:
    """Read why a page of errors is shown, where its URL says so (Google: base64 in authError)."""
    parts = urlsplit(location)
    if "error" not in parts.path:
        return None
    values = [value for values in parse_qs(parts.query).values() for value in values]
    said = " ".join([*values, *map(_decoded, values)])
    error = next((code for code in _CODES if code in said), None)
    return None if error is None else Evidence(Step.AUTHORIZATION, Kind.REFUSED, error=error)


def _decoded(value: str) -> str:
    try:
        return base64.urlsafe_b64decode(value + "=" * (-len(value) % 4)).decode("ascii", "replace")
    except ValueError:
        return ""


def of_mcp_failure(exc: BrokerError) -> Evidence:
    """Read what the MCP server did from how the call failed."""
    if isinstance(exc, InsufficientScope):
        wanted = " ".join(exc.scopes) or "(it does not say)"
        facts = {"wanted_scopes": wanted}
        return Evidence(Step.TOOLS, Kind.REFUSED, 403, None, "insufficient_scope", facts=facts)
    if isinstance(exc, McpUnauthorized):
        return Evidence(Step.TOOLS, Kind.REFUSED, status=401, error="invalid_token")
    if isinstance(exc, McpServerTimeout):
        return Evidence(Step.TOOLS, Kind.NO_ANSWER, description=exc.message)
    if isinstance(exc, McpServerError):
        return _of_mcp_error(exc)
    return Evidence(Step.TOOLS, Kind.REFUSED, status=exc.status, error=exc.error)


def _of_mcp_error(exc: McpServerError) -> Evidence:
    reason = exc.details.get("reason")
    kinds = {"unreachable": Kind.NOT_SENT, "blocked": Kind.BLOCKED, "no_answer": Kind.NO_ANSWER}
    status = exc.details.get("upstream_status")
    media = exc.details.get("content_type")
    code = exc.details.get("code")
    cause = exc.__cause__
    facts: dict[str, Fact] = {"reason": str(reason)} if reason else {}
    if isinstance(cause, Unreached):
        facts["obstacle"] = cause.obstacle.value
    return Evidence(
        Step.TOOLS,
        kinds.get(str(reason), Kind.UNUSABLE),
        status=status if isinstance(status, int) else None,
        content_type=media if isinstance(media, str) else None,
        error=f"rpc_{abs(code)}" if isinstance(code, int) else None,
        description=str(cause) if isinstance(cause, Unreached) else exc.message,
        facts=facts,
    )
