"""Checks of the authorization server's endpoints, as strangers and with invented codes."""

import secrets
from contextlib import suppress
from dataclasses import dataclass, replace

from broker.diagnosis import Evidence, Kind, Step
from broker.errors import OutboundError
from broker.flows.probe.login import Login
from broker.flows.probe.style_finding import StyleReport
from broker.flows.probe.trail import of_sent
from broker.model import CheckOutcome, Secret, TokenRequestStyle
from broker.oauth import ClientRefused, GrantRefused, NoUsableAnswer, TokenRequestFailed
from broker.outbound import Outbound

from .bench import Bench, is_there

AUTHORIZATION, TOKEN = "authorization_endpoint", "token_endpoint"
CLIENT = "client_authentication"
REVOCATION = "revocation_endpoint"
_CAP = 64 * 1024
_REACHED = {"refresh_endpoint": "POST", "userinfo_endpoint": "GET", REVOCATION: "POST"}
_REFUSED = frozenset({"refused_in_every_style", "read_style"})
_STYLES = _REFUSED | {"working_style"}
_FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Tried:
    """What became of an invented code at the token endpoint; None: it was taken."""

    failure: TokenRequestFailed | None


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Looks at the endpoints; the user's codes and tokens play no part."""

    outbound: Outbound
    login: Login
    styles: StyleReport

    def look(self, bench: Bench) -> Tried | None:
        """Check what the server has, each with one request; None: it has no token endpoint."""
        server = bench.server
        if server.authorization_endpoint and server.client_id:
            self._authorization(bench)
        tried = None
        if server.token_endpoint and not server.missing:
            tried = Tried(self.login.tried(server, bench.redirect_uri, bench.deadline))
        ways = {**_REACHED, "userinfo_endpoint": server.quirks.userinfo_method.value}
        for name, method in ways.items():
            url = getattr(server, name)
            if name == REVOCATION and url and server.quirks.revocation_request.method != method:
                bench.unknown(name, "Not asked: without a token there is nothing that it answers.")
            elif url and not bench.not_asked(name):
                self._reach(bench, name, method, url)
        return tried

    def _authorization(self, bench: Bench) -> None:
        try:
            seen = self.login.seen(bench.server, bench.redirect_uri, bench.deadline)
        except OutboundError:
            evidence = of_sent(bench.sent[-1], bench.server, Step.EXCHANGE, bench.clock.now())
            bench.diagnosed(AUTHORIZATION, evidence, CheckOutcome.WARNING)  # browsers may reach it
            return
        if seen is None:
            bench.ok(AUTHORIZATION, "It has nothing against the authorization request.")
        else:
            bench.diagnosed(AUTHORIZATION, seen)

    def judge(self, bench: Bench, tried: Tried) -> None:
        """Say what an invented code came to: what is refused, the code or the client, tells.

        Comes last: to compare secrets and styles takes up to ten requests.
        """
        match failure := tried.failure:
            case None:
                bench.warning(TOKEN, "It takes a code that was invented.")
                bench.unknown(CLIENT, "An endpoint that takes any code says nothing of a client.")
            case NoUsableAnswer():
                self._unusable(bench, failure)
            case GrantRefused():
                bench.ok(TOKEN, f"It refuses an invented code, as it should: {_code(failure)}.")
                self._compare(bench)
            case ClientRefused():
                bench.ok(TOKEN, f"It answers as a token endpoint does: {_code(failure)}.")
                self._refused(bench, self._asked(bench, failure), CheckOutcome.FAILED)
            case _:
                bench.ok(TOKEN, f"It answers as a token endpoint does: {_code(failure)}.")
                self._refused(bench, self._asked(bench, failure), CheckOutcome.WARNING)

    def _asked(self, bench: Bench, failure: TokenRequestFailed) -> Evidence:
        """Ask in the other styles."""
        return self.styles.with_working_style(
            bench.server, failure.evidence, bench.redirect_uri, bench.invocation
        )

    def _unusable(self, bench: Bench, failure: NoUsableAnswer) -> None:
        """Tell an address where no token endpoint is from one that does not read this style."""
        evidence = self._asked(bench, failure)
        if not _STYLES.isdisjoint(evidence.facts):
            bench.ok(TOKEN, "It answers as a token endpoint does, in another style.")
            self._refused(bench, evidence, CheckOutcome.FAILED)
            return
        bench.diagnosed(TOKEN, evidence)
        bench.unknown(CLIENT, "The token endpoint gave no answer that tells.")

    def _refused(self, bench: Bench, evidence: Evidence, outcome: CheckOutcome) -> None:
        """Say why; a style that ``auto`` guessed is no mistake of the builder's."""
        working = evidence.facts.get("working_style")
        guessed = bench.server.style_finding is not None
        if guessed and working is not None:
            seen = f"token_request_style auto finds {working}: the client is taken so."
            bench.ok(CLIENT, seen)
        elif guessed and bench.server.other_styles and _REFUSED.isdisjoint(evidence.facts):
            seen = "token_request_style auto is not settled: the consent tries what is left."
            bench.unknown(CLIENT, seen)
        else:
            bench.diagnosed(CLIENT, evidence, outcome)

    def _compare(self, bench: Bench) -> None:
        """See whether a wrong secret is refused: else nothing was proven of the right one."""
        if bench.server.token_request_style is TokenRequestStyle.NONE:
            bench.unknown(CLIENT, "A public client has nothing to prove; its id was not refused.")
            return
        if bench.not_asked(CLIENT):
            return
        wrong = Secret(secrets.token_urlsafe(24))
        failure = self.login.tried(bench.server, bench.redirect_uri, bench.deadline, wrong)
        if isinstance(failure, ClientRefused):
            seen = "A wrong secret is refused as a wrong client, and the configured one is not."
            bench.ok(CLIENT, seen)
        elif isinstance(failure, GrantRefused):
            seen = "The endpoint refuses the code before it looks at the client's secret."
            bench.unknown(CLIENT, seen)
        else:
            said = _code(failure) if failure else "tokens"
            seen = "A wrong secret is answered otherwise, but not as one of a wrong client"
            bench.unknown(CLIENT, f"{seen}: {said}.")

    def _reach(self, bench: Bench, name: str, method: str, url: str) -> None:
        """Ask without credentials: any refusal shows that somebody is there."""
        headers = {"Accept": "application/json"}
        body = None if method == "GET" else b""
        if body is not None:
            headers["Content-Type"] = _FORM
        with suppress(OutboundError):
            self.outbound.send(
                method, url, headers=headers, content=body, deadline=bench.deadline, cap=_CAP
            )
        evidence = of_sent(bench.sent[-1], bench.server, Step.EXCHANGE, bench.clock.now())
        if is_there(evidence):
            bench.ok(name, f"It answers HTTP {evidence.status} to a stranger.")
            return
        page = "html" in (evidence.content_type or "") and evidence.kind is Kind.UNUSABLE
        facts = {**evidence.facts, **({"html": True} if page else {})}
        bench.diagnosed(name, replace(evidence, facts=facts), CheckOutcome.WARNING)


def _code(failure: TokenRequestFailed) -> str:
    evidence = failure.evidence
    return evidence.error or f"HTTP {evidence.status}"
