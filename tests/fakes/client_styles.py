"""Services that differ in how they want id and secret sent, and in what they look at first."""

import base64
import binascii
import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote_plus

import httpx

from broker.model import TokenRequestStyle

CLIENT_ID, CLIENT_SECRET = "client-1", "client-secret-1"
type Answer = Callable[[], httpx.Response]


def says(status: int, error: str, description: str = "", **headers: str) -> Answer:
    """Answer with an error of RFC 6749 §5.2."""
    body = {"error": error} | ({"error_description": description} if description else {})
    return lambda: httpx.Response(status, json=body, headers=headers)


def page(status: int) -> Answer:
    """Answer with a web page."""
    html = {"content-type": "text/html"}
    return lambda: httpx.Response(status, content=b"<html>no</html>", headers=html)


@dataclass(frozen=True, slots=True)
class Sent:
    """A request as a service reads it."""

    style: TokenRequestStyle
    client_id: str
    secret: str
    fields: dict[str, str]
    path: str

    @property
    def real(self) -> bool:
        """Whether it proves the client."""
        return (self.client_id, self.secret) == (CLIENT_ID, CLIENT_SECRET)


def read(request: httpx.Request) -> Sent:
    """Read style and credentials; fail where there are none, or two."""
    as_json = request.headers["content-type"] == "application/json"
    text = request.content.decode()
    fields: dict[str, str] = json.loads(text) if as_json else dict(parse_qsl(text))
    basic = _basic(request.headers.get("authorization", ""))
    in_body = "client_secret" in fields
    assert (basic is not None) + in_body == 1
    kind = f"{'json' if as_json else 'form'}_{'basic' if basic else 'post'}"
    client_id, secret = basic or (fields["client_id"], fields["client_secret"])
    return Sent(TokenRequestStyle(kind), client_id, secret, fields, request.url.path)


def _basic(header: str) -> tuple[str, str] | None:
    scheme, _, encoded = header.partition(" ")
    if scheme != "Basic":
        return None
    try:
        client_id, _, secret = base64.b64decode(encoded).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return ("", "")
    return unquote_plus(client_id), unquote_plus(secret)


@dataclass
class Shop:
    """A service with a token and a revocation endpoint."""

    styles: Collection[TokenRequestStyle] = ()
    """In which it hears the client."""
    looks_at_code_first: bool = False
    """At the token endpoint; the revocation endpoint looks at the client all the same."""
    unheard: Answer = field(default_factory=lambda: says(401, "invalid_client"))
    """What it says to a client that it does not hear, or that is wrong."""
    deaf: Mapping[TokenRequestStyle, Answer] = field(default_factory=dict)
    """What it says at the token endpoint in styles that it does not read, whatever they carry."""
    bad_code: Answer = field(default_factory=lambda: says(400, "invalid_grant"))
    codes: set[str] = field(default_factory=set)
    """The good codes; each works once."""
    script: dict[int, Answer] = field(default_factory=dict)
    """Answers by the number of the request, from 1 on."""
    always: Answer | None = None
    sent: list[Sent] = field(default_factory=list)
    granted: int = 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        sent = read(request)
        self.sent.append(sent)
        scripted = self.script.get(len(self.sent), self.always)
        if scripted:
            return scripted()
        if sent.style in self.deaf and sent.path != "/revoke":
            return self.deaf[sent.style]()
        known = sent.style in self.styles and sent.real
        if sent.path == "/revoke":
            return httpx.Response(200) if known else self.unheard()
        if "refresh_token" in sent.fields:
            return self._granted() if known else self.unheard()
        good = sent.fields["code"] in self.codes
        if known and good:
            self.codes.remove(sent.fields["code"])
            return self._granted()
        if known or (self.looks_at_code_first and not good):
            return self.bad_code()
        return self.unheard()

    def _granted(self) -> httpx.Response:
        self.granted += 1
        tokens = {"access_token": f"canary-a-{self.granted}", "refresh_token": "canary-r"}
        return httpx.Response(200, json=tokens | {"expires_in": 3600})
