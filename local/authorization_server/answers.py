"""Token responses in the wild: a standard answer, said the way this client's service says it."""

from typing import Any
from urllib.parse import urlencode

from flask import Response, json

from .records import SEPARATORS
from .switches import Switches

NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}
NESTED = ("access_token", "refresh_token", "token_type", "expires_in", "scope")


def in_dialect(response: Response, switches: Switches, accept: str, now: float) -> Response:
    """Return the token endpoint's answer with the switches applied to it."""
    answer: dict[str, Any] = response.get_json()
    if "error" in answer:
        status, answer = _error(response.status_code, answer, switches)
    else:
        status, answer = 200, _success(answer, switches, now)
    body, content_type = _encode(answer, switches, accept)
    headers = dict(response.headers) | NO_STORE | {"Content-Type": content_type}
    headers.pop("Content-Length", None)
    return Response(body, status, headers)


def _success(answer: dict[str, Any], switches: Switches, now: float) -> dict[str, Any]:
    if switches.omit_scope:
        answer.pop("scope", None)
    else:
        answer["scope"] = answer["scope"].replace(" ", SEPARATORS[switches.scope_separator])
    if not switches.id_token:
        answer.pop("id_token", None)
    _expiry(answer, switches, now)
    answer |= switches.extra_token_fields
    if not switches.nested_tokens:
        return answer
    inner = {name: answer.pop(name) for name in NESTED if name in answer}
    return {"ok": True, **answer, "authed_user": inner}


def _expiry(answer: dict[str, Any], switches: Switches, now: float) -> None:
    lifetime = switches.access_token_lifetime
    forms: dict[str, int | str] = {
        "number": lifetime,
        "string": str(lifetime),
        "zero": 0,
        "absolute": int(now) + lifetime,
    }
    answer.pop("expires_in", None)
    if switches.expires_in_form in forms:
        answer["expires_in"] = forms[switches.expires_in_form]


def _error(status: int, answer: dict[str, Any], switches: Switches) -> tuple[int, dict[str, Any]]:
    answer["error"] = switches.error_codes.get(answer["error"], answer["error"])
    if switches.error_status_200:
        return 200, {"ok": False, **answer}
    return switches.error_status or status, answer


def _encode(answer: dict[str, Any], switches: Switches, accept: str) -> tuple[str, str]:
    wants_form = switches.body_form == "by_accept" and "application/json" not in accept
    if switches.body_form == "form" or wants_form:
        return urlencode(answer), "application/x-www-form-urlencoded"
    return json.dumps(answer), "application/json"
