"""What is done with every preset, over the public API: connect, call, refresh, lose, revoke."""

import secrets
from dataclasses import dataclass, field
from typing import Any

import httpx

from local.demo.journey import RETURN_URL, Callers
from local.visitor import Visitor
from tests.e2e.time_machine import TimeMachine

from .internet import Internet
from .mcp_endpoint import TOOL
from .service import Service

_ENDPOINTS = {
    "authorize": "authorization_endpoint",
    "token": "token_endpoint",
    "refresh": "refresh_endpoint",
    "revoke": "revocation_endpoint",
    "userinfo": "userinfo_endpoint",
}
_SPARE_SECONDS = 60


@dataclass
class Walk:
    """One preset, its service, and one user of the chat; raises AssertionError."""

    preset: str
    service: Service
    callers: Callers
    internet: Internet
    time_machine: TimeMachine
    user: str = field(default_factory=lambda: f"jo-{secrets.token_hex(6)}")

    @property
    def server_id(self) -> str:
        """The server has the preset's name."""
        return f"preset-{self.preset}"

    def whole(self) -> None:
        """Do all of it."""
        self.register()
        self.connect()
        self.call()
        self.refresh()
        self.lose()
        self.leave()
        assert self.service.refusals == [], self.service.refusals

    def register(self) -> None:
        """PUT what a builder knows: preset, values, id, secret; nothing else."""
        service, facts = self.service, self.service.facts
        body: dict[str, Any] = {
            "name": self.preset,
            "mcp_url": facts.mcp_url or service.mcp_url,
            "auth_type": "consumer_oauth",
            "preset": self.preset,
            "values": dict(facts.values),
            "client_id": service.client_id,
            "client_secret": service.client_secret,
        }
        header, scheme = facts.token_header
        if header != "Authorization":
            body |= {"token_header": header, "token_scheme": scheme}
        made = self._good(self.callers.builder.put(f"/v1/servers/{self.server_id}", json=body))
        assert made["missing"] == [], made
        service.redirect_uris.add(made["redirect_uri"])
        for fact, name in _ENDPOINTS.items():
            wanted, sent = getattr(facts, fact) or "", made.get(name) or ""
            if "{" not in sent:  # else each connection fills it, and a wrong place is none
                # A query belongs to the request, not to the address.
                assert sent.partition("?")[0] == wanted, f"{name}: {sent} {wanted}"

    def connect(self) -> None:
        """Ask for a link, consent in a browser, confirm."""
        body = {"user_id": self.user}
        link = self._good(self.callers.chat.post(f"{self._connection}/connect", json=body))
        with Visitor(http=self.internet.browser(), visited=self.callers.visited) as visitor:
            stop = visitor.go(link["connect_url"], until=RETURN_URL)
        back = stop.query
        assert "completion_code" in back, (back, stop.url, self.service.refusals)
        body = {
            "user_id": self.user,
            "connect_id": back["connect_id"],
            "completion_code": back["completion_code"],
        }
        answer = self.callers.chat.post(f"{self._connection}/complete", json=body)
        connected = self._good(answer)
        label = connected["connection"].get("account")
        assert label == self.service.facts.label, f"account: {label}"
        missing = connected["connection"]["missing_scopes"]
        assert missing == [], f"missing scopes: {missing}"

    def call(self) -> None:
        """Call a tool: one request."""
        before = self.service.calls
        said = self._good(self._invoke())
        assert said["status"] == "completed", said
        assert said["result"]["content"][0]["text"] == f"at {self.service.name}", said
        assert self.service.calls == before + 1, self.service.calls

    def refresh(self) -> None:
        """Let the access token end: refreshed before a call where its end is known, else after."""
        facts, service = self.service.facts, self.service
        if facts.renews_itself:
            self.renew(facts.lifetime or 0)
            return
        with service.lock:
            service.grants.expire()
        if facts.refreshes == "never":
            self.asked_to_reconnect()
            self.connect()
            self.call()
            return
        if facts.lifetime and facts.expiry != "none":
            self.age(facts.lifetime + _SPARE_SECONDS)
        before = service.refreshes
        self.call()
        assert service.refreshes == before + 1, service.refreshes - before
        self.call()
        assert service.refreshes == before + 1, service.refreshes - before

    def renew(self, lifetime: float) -> None:
        """Let an access token that renews itself come near its end: renewed before the call."""
        self.age(lifetime - _SPARE_SECONDS)
        before = self.service.refreshes
        self.call()
        assert self.service.refreshes == before + 1, self.service.refreshes - before

    def age(self, seconds: float) -> None:
        """Make the connection older."""
        aged = self.time_machine.age("ConnectionsTable", seconds, self.user, self.server_id)
        assert aged == 1, aged

    def lose(self) -> None:
        """Let the user end the grant at the service: one question there, one to the user."""
        with self.service.lock:
            self.service.grants.end_all()
        refusals, before = len(self.service.refusals), self.service.refreshes
        self.asked_to_reconnect()
        facts = self.service.facts
        asked = 0 if facts.refreshes == "never" and not facts.renews_itself else 1
        assert self.service.refreshes == before + asked, self.service.refreshes - before
        assert len(self.service.refusals) == refusals + asked, self.service.refusals
        del self.service.refusals[refusals:]
        self.connect()
        self.call()

    def asked_to_reconnect(self) -> None:
        """See that the call ends in the question to connect again."""
        said = self._good(self._invoke())
        assert said.get("reason") == "reconnect_required", said

    def leave(self) -> None:
        """Disconnect: the grant ends there where the service lets it be ended, and here."""
        assert self.service.grants.living == 1, self.service.grants.living
        answer = self.callers.chat.delete(self._connection, params={"user_id": self.user})
        revocation = self._good(answer)["revocation"]
        expected = "confirmed" if self.service.facts.revoke else "unsupported"
        assert revocation == expected, f"revocation: {revocation}"
        left = 0 if self.service.facts.revoke else 1
        assert self.service.grants.living == left, self.service.grants.living
        gone = self.callers.chat.get(self._connection, params={"user_id": self.user})
        assert gone.status_code == 404, gone.text

    def _invoke(self) -> httpx.Response:
        body = {"user_id": self.user, "server_id": self.server_id, "tool": TOOL}
        return self.callers.chat.post("/v1/invoke", json=body)

    @property
    def _connection(self) -> str:
        return f"/v1/connections/{self.server_id}"

    def _good(self, answer: httpx.Response) -> dict[str, Any]:
        assert answer.is_success, f"{answer.status_code} {answer.text} {self.service.refusals}"
        said: dict[str, Any] = answer.json()
        return said
