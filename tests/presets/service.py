"""A stand-in for one service: its endpoints, and an MCP server that takes its tokens."""

import base64
import hashlib
import html
import json
import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote_plus, urlencode, urlsplit

from werkzeug import Request, Response
from werkzeug.datastructures import MultiDict

from .dialect import Refused, answered, failed
from .facts import Facts, RenewAs, RevokeAs
from .grants import Grant, Grants
from .mcp_endpoint import answer_mcp

FORM, JSON = "application/x-www-form-urlencoded", "application/json"
TOKEN = "{token}"


@dataclass
class Service:
    """Takes exactly what its facts say, and notes why it refused anything."""

    name: str
    facts: Facts
    client_id: str = field(default_factory=lambda: f"id-{secrets.token_hex(8)}")
    client_secret: str = field(default_factory=lambda: f"s+/{secrets.token_urlsafe(18)}=:")
    redirect_uris: set[str] = field(default_factory=set)
    grants: Grants = field(default_factory=Grants)
    refusals: list[str] = field(default_factory=list)
    refreshes: int = 0
    calls: int = 0
    lock: threading.RLock = field(default_factory=threading.RLock, repr=False)

    @property
    def mcp_url(self) -> str:
        """Where its MCP server is."""
        return self.facts.mcp_at or f"https://mcp.{self.name}.example/mcp"

    @property
    def revoke_url(self) -> str | None:
        """Where tokens are revoked, up to a token in its path."""
        template = self.facts.revoke
        filled = template and template.replace("{client_id}", self.client_id)
        return filled and filled.removesuffix(TOKEN)

    def hosts(self) -> set[str]:
        """Return the names that it answers at."""
        facts = self.facts
        renewals = [each.url for each in facts.renewals]
        urls = (facts.authorize, facts.token, facts.refresh, self.revoke_url, facts.userinfo)
        return {urlsplit(url).hostname or "" for url in (*urls, *renewals, self.mcp_url) if url}

    def __call__(self, request: Request) -> Response:
        """Answer a request to any of its hosts; anything but its endpoints is a 404 page."""
        facts, url = self.facts, request.base_url
        request.get_data()  # kept, whoever reads it first
        with self.lock:
            match request.method, url:
                case (("GET" | "POST"), facts.authorize):
                    return self._authorize(request)
                case facts.revoke_as.method, _ if self._is_revocation(url):
                    return self._revoke(request)
                case _ if way := self._renewal(request):
                    return self._renew(request, way)
                case "POST", (facts.token | facts.refresh):
                    return self._token(request, url)
                case facts.userinfo_method, _ if _is_at(url, facts.userinfo):
                    return self._userinfo(request)
                case "POST", self.mcp_url:
                    return self._mcp(request)
        self.refusals.append(f"{request.method} {url}: there is nothing")
        return Response("<h1>Not found</h1>", 404, mimetype="text/html")

    # The login page

    def _authorize(self, request: Request) -> Response:
        if problem := self._unfit(request.args):
            self.refusals.append(problem)
            page = f"<h1>Something went wrong</h1><p>{html.escape(problem)}</p>"
            return Response(page, 400, mimetype="text/html")
        if request.method == "GET":
            form = f'<form method="post" action="{html.escape(request.full_path)}">'
            button = '<button name="decision" value="allow">Allow</button></form>'
            return Response(form + button, mimetype="text/html")
        asked = request.args
        scopes = tuple(filter(None, self._scopes(asked)))
        grant = Grant(scopes, self._is_offline(asked, scopes))
        code = self.grants.open(grant, asked["redirect_uri"], asked.get("code_challenge"))
        sent = {"code": code, "state": asked["state"], **self.facts.callback}
        if self.facts.callback_lists:
            sent[self.facts.callback_lists] = self.facts.separator.join(scopes)
        return Response(
            status=302, headers={"Location": f"{asked['redirect_uri']}?{urlencode(sent)}"}
        )

    def _unfit(self, asked: MultiDict[str, str]) -> str | None:
        facts = self.facts
        expected = {facts.client_parameter: self.client_id, "response_type": "code"}
        for name, value in {**expected, **facts.requires}.items():
            if asked.get(name) != value:
                return f"{name} is wrong or missing"
        if any(len(values) > 1 for _, values in asked.lists()):
            return "a parameter comes twice"
        if asked.get("redirect_uri") not in self.redirect_uris:
            return "redirect_uri is not registered"
        if unknown := [each for each in self._scopes(asked) if each not in facts.scopes]:
            return f"unknown scope: {unknown[0]}"
        challenged = "code_challenge" in asked
        if challenged and (facts.pkce == "refused" or asked["code_challenge_method"] != "S256"):
            return "unexpected parameter code_challenge"
        if not challenged and facts.pkce == "required":
            return "code_challenge is missing"
        return None if asked.get("state") else "state is missing"

    def _scopes(self, asked: MultiDict[str, str]) -> list[str]:
        said = asked.get(self.facts.scope_parameter, "")
        return said.split(self.facts.separator) if said else []

    def _is_offline(self, asked: MultiDict[str, str], scopes: tuple[str, ...]) -> bool:
        facts = self.facts
        wanted = all(asked.get(name) == value for name, value in facts.offline_parameters.items())
        return wanted and (facts.offline_scope is None or facts.offline_scope in scopes)

    # What clients post to

    def _token(self, request: Request, url: str) -> Response:
        try:
            said = self._authenticated(request)
            match said.get("grant_type"):
                case "authorization_code" if url == self.facts.token:
                    grant = self._redeemed(said)
                case "refresh_token" if url == (self.facts.refresh or self.facts.token):
                    self.refreshes += 1
                    rotates = self.facts.refreshes == "rotates"
                    grant = self.grants.refreshed(said.get("refresh_token", ""), rotates=rotates)
                case _:
                    raise Refused("unsupported_grant_type", "grant_type is not for this address")
        except Refused as exc:
            self.refusals.append(f"{url}: {exc.code}: {exc}")
            return failed(exc, self.facts, request)
        refreshable = grant.offline and self.facts.refreshes != "never"
        return answered(self.grants.issue(grant, refreshable=refreshable), self.facts, request)

    def _redeemed(self, said: Mapping[str, str]) -> Grant:
        for name, value in self.facts.token_requires.items():
            if said.get(name) != value:
                raise Refused("invalid_request", f"{name} is wrong or missing")
        opened = self.grants.take(said.get("code", ""))
        if opened.redirect_uri != said.get("redirect_uri"):
            raise Refused("invalid_grant", "redirect_uri is another one")
        verifier = said.get("code_verifier", "")
        if opened.challenge is None:
            if verifier:
                raise Refused("invalid_request", "code_verifier without a challenge")
        elif _challenge(verifier) != opened.challenge:
            raise Refused("invalid_grant", "code_verifier does not fit")
        return opened.grant

    def _authenticated(self, request: Request) -> Mapping[str, str]:
        """Read a body in the service's own form, with the credentials in their own place."""
        facts = self.facts
        form, place = facts.style.split("_")
        media = {"form": FORM, "json": JSON}[form]
        if request.mimetype != media:
            raise Refused("invalid_request", f"Content-Type is not {media}")
        said = _members(request, form)
        body = (said.get(facts.client_parameter), said.get("client_secret"))
        expected = (self.client_id, self.client_secret)
        if place == "post":
            if request.authorization or body != expected:
                raise Refused("invalid_client", "id and secret are not in the body alone")
        elif _basic(request, facts.basic) != expected or body != (None, None):
            raise Refused("invalid_client", "id and secret are not in a Basic header alone")
        return said

    def _renewal(self, request: Request) -> RenewAs | None:
        """Return the way in which a request asks for a token in place of an access token."""
        said = request.values.get("grant_type")
        ways = [each for each in self.facts.renewals if each.grant_type == said]
        return next((each for each in ways if each.url == request.base_url), None)

    def _renew(self, request: Request, way: RenewAs) -> Response:
        """Give a new access token for one that serves."""
        said = request.args if request.method == "GET" else request.form
        self.refreshes += 1
        client = (said.get(self.facts.client_parameter), said.get("client_secret"))
        whole = way.client == "none" or client == (self.client_id, self.client_secret)
        grant = self.grants.of_access(said.get(way.parameter, ""))
        if request.method not in way.methods or not whole or grant is None:
            refused = Refused("invalid_grant", "the token cannot be renewed")
            self.refusals.append(f"renewal: {refused}")
            return failed(refused, self.facts, request)
        return answered(self.grants.issue(grant, refreshable=False), self.facts, request)

    def _is_revocation(self, url: str) -> bool:
        if self.facts.revoke_as.place == "path":
            return self.revoke_url is not None and url.startswith(self.revoke_url)
        return url == self.revoke_url

    def _revoke(self, request: Request) -> Response:
        try:
            token = self._revoked(request, self.facts.revoke_as)
            self.grants.check_kind(token, self.facts.revoke_as.only)
        except Refused as exc:
            self.refusals.append(f"revocation: {exc.code}: {exc}")
            return failed(exc, self.facts, request)
        self.grants.end(token)
        return Response("{}", 200, mimetype=JSON)

    def _revoked(self, request: Request, way: RevokeAs) -> str:
        """Return the token of a revocation that is asked for as this service wants it."""
        said: Mapping[str, str] = request.args if way.place == "query" else {}
        if way.shown_by == "client":
            said = self._authenticated(request)
        elif way.shown_by.endswith("_basic"):
            if _basic(request, self.facts.basic) != (self.client_id, self.client_secret):
                raise Refused("invalid_client", "no Basic header with id and secret")
            said = _members(request, way.shown_by.removesuffix("_basic"))
        elif way.place == "body":
            said = _members(request, "form")
        scheme, _, bearer = request.headers.get("Authorization", "").partition(" ")
        if way.shown_by == "bearer" and (scheme != "Bearer" or not self.grants.serves(bearer)):
            raise Refused("invalid_token", "no living access token in the header")
        if way.shown_by == "nobody" and scheme:
            raise Refused("invalid_request", "credentials that are not wanted")
        if way.place == "path":
            return request.base_url.removeprefix(self.revoke_url or "")
        return bearer if way.place == "header" else said.get(way.parameter, "")

    # What tokens are for

    def _userinfo(self, request: Request) -> Response:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        start, in_path, _ = (self.facts.userinfo or "").partition(TOKEN)
        if in_path:
            scheme, token = scheme or "path", request.base_url.removeprefix(start)
        expected = "path" if in_path else self.facts.userinfo_scheme
        if scheme != expected or not self.grants.serves(token) or request.get_data():
            self.refusals.append("userinfo: no living access token")
            return Response('{"error":"invalid_token"}', 401, mimetype=JSON)
        return Response(json.dumps(self.facts.account), mimetype=JSON)

    def _mcp(self, request: Request) -> Response:
        name, scheme = self.facts.token_header
        said = request.headers.get(name, "")
        token = said.removeprefix(f"{scheme} ") if scheme else said
        if not self.grants.serves(token):
            challenge = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
            return Response('{"error":"invalid_token"}', 401, challenge, JSON)
        self.calls += 1
        return answer_mcp(request, self.name)


def _is_at(url: str, endpoint: str | None) -> bool:
    """Compare a URL with an endpoint, which may end in the gap for a token."""
    start, gap, _ = (endpoint or "").partition(TOKEN)
    return url.startswith(start) if gap else url == endpoint


def _members(request: Request, form: str) -> Mapping[str, str]:
    if form == "form":
        pairs = parse_qsl(request.get_data(as_text=True), keep_blank_values=True)
        if len(dict(pairs)) != len(pairs):
            raise Refused("invalid_request", "a parameter comes twice")
        return dict(pairs)
    said = request.get_json()
    if not isinstance(said, dict) or not all(isinstance(each, str) for each in said.values()):
        raise Refused("invalid_request", "the body is not an object of texts")
    return said


def _basic(request: Request, encoding: str) -> tuple[str, str] | None:
    scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
    if scheme != "Basic":
        return None
    client_id, _, secret = base64.b64decode(encoded).decode().partition(":")
    if encoding == "raw":
        return client_id, secret
    return unquote_plus(client_id), unquote_plus(secret)


def _challenge(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
