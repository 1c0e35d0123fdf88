"""How a service words its answers: the same in substance, each in its own form."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from werkzeug import Request, Response

from .facts import Facts

_JSON, _FORM = "application/json", "application/x-www-form-urlencoded"
_OF_GITHUB = {
    "invalid_client": "incorrect_client_credentials",
    "invalid_grant": "bad_verification_code",
}


class Refused(Exception):
    """An error of RFC 6749 §5.2: code and description."""

    def __init__(self, code: str, description: str) -> None:
        super().__init__(description)
        self.code = code


@dataclass(frozen=True, slots=True)
class Tokens:
    """What is issued at once."""

    access: str
    refresh: str | None
    scopes: tuple[str, ...]


def answered(tokens: Tokens, facts: Facts, request: Request) -> Response:
    """Word a token response."""
    return _encoded(200, _members(tokens, facts), facts, request)


def failed(refused: Refused, facts: Facts, request: Request) -> Response:
    """Word an error of the token or revocation endpoint."""
    code, text = refused.code, str(refused)
    status = 401 if code == "invalid_client" else 400
    said: dict[str, Any] = {"error": code, "error_description": text}
    match facts.errors:
        case "ok_false":
            status, said = 200, {"ok": False, "error": code}
        case "status_200":
            status, said = 200, {**said, "error": _OF_GITHUB.get(code, code)}
        case "forbidden" if code == "invalid_grant":
            status = 403
        case "graph":
            dead = request.values.get("grant_type") != "authorization_code"
            words = (
                "Error validating access token: The session has been invalidated." if dead else text
            )
            number = 190 if dead else 100
            said = {"error": {"message": words, "type": "OAuthException", "code": number}}
    return _encoded(status, said, facts, request)


def _members(tokens: Tokens, facts: Facts) -> dict[str, Any]:
    named: dict[str, Any] = {"access_token": tokens.access, "token_type": "Bearer"}
    if tokens.refresh:
        named["refresh_token"] = tokens.refresh
    if tokens.scopes and not facts.callback_lists:
        listed = [facts.listed_as.get(scope, scope) for scope in tokens.scopes]
        named["scope"] = facts.separator.join(filter(None, listed))
    if facts.lifetime and facts.expiry != "none":
        named["expires_in"] = {"number": int, "string": str}[facts.expiry](facts.lifetime)
    if facts.nest:
        return {**facts.members, facts.nest: named}
    return {**named, **facts.members}


def _encoded(status: int, said: Mapping[str, Any], facts: Facts, request: Request) -> Response:
    if facts.body == "by_accept" and _JSON not in request.headers.get("Accept", ""):
        return Response(urlencode(said), status, mimetype=_FORM)
    return Response(json.dumps(said), status, mimetype=_JSON)
