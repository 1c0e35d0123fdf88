"""An account is looked for in an ID token, at a userinfo endpoint and in a token response."""

import json
from dataclasses import replace

from broker.model import Account, Secret, Server, TokenSet
from broker.oauth import AccountFinder, TokenResponse
from tests.unit.oauth_answers import NOW, Service, StoppedClock, answering, jws
from tests.unit.oauth_answers import SERVER as TOKEN_SERVER

ISSUER = "https://login.example.com"
SERVER = replace(TOKEN_SERVER, issuer=ISSUER)
WITH_USERINFO = replace(SERVER, userinfo_endpoint="https://login.example.com/userinfo")
CLAIMS: dict[str, object] = {
    "iss": ISSUER,
    "sub": "subject-1",
    "aud": "client-1",
    "exp": NOW.timestamp() + 3600,
    "nonce": "n-1",
    "email": "jo@example.com",
    "name": "Jo",
}


def saying(members: object, status: int = 200) -> Service:
    return answering(status, content=json.dumps(members))


def jwt(claims: object) -> str:
    return jws(claims, "none")


def find(
    *,
    id_token: str | None = None,
    members: dict[str, object] | None = None,
    userinfo: Service | None = None,
    server: Server = SERVER,
    nonce: str | None = "n-1",
    token: str = "at-1",
) -> Account:
    tokens = TokenSet(Secret(token), None, None, NOW)
    response = TokenResponse(tokens, Secret(id_token) if id_token else None, members or {})
    finder = AccountFinder((userinfo or saying({}, 500)).outbound, StoppedClock())
    return finder.find(response, server, nonce=nonce, deadline=5.0)


def from_claims(
    server: Server = SERVER, sent_nonce: str | None = "n-1", /, **changed: object
) -> Account:
    claims = {name: value for name, value in (CLAIMS | changed).items() if value is not None}
    return find(id_token=jwt(claims), server=server, nonce=sent_nonce)


NOBODY = Account(None, None)
