"""The redirection endpoint, one URI per server: takes the state, keeps the code, sends back."""

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from broker.binding import cookie_hash, flow_cookie
from broker.clock import Clock
from broker.completion import Completions
from broker.diagnosis import Cause, Evidence, Kind, Step
from broker.errors import BrokerError, ServerChanged
from broker.grants import Grants
from broker.metrics import CALLBACK, CALLBACK_REFUSED
from broker.model import (
    Arrival,
    BrowserOutcome,
    ClosingPage,
    Invocation,
    PendingAuthorization,
    Purpose,
    Redirect,
    Secret,
    Server,
    TestRun,
    TestStatus,
    TestStep,
    Ticket,
)
from broker.oauth import (
    IssuerMismatch,
    check_issuer,
    kept_of_callback,
    public_error,
    scopes_of_callback,
)
from broker.reports import consented, failed, has_consented, in_the_flow, is_noted, warned
from broker.settings import SessionBinding, Settings
from broker.storage.pending import PendingStore, state_id_of
from broker.storage.probes import TestStore
from broker.storage.servers import ServerStore
from broker.telemetry import count
from broker.wording import say


@dataclass(frozen=True, slots=True)
class _Flow:
    """The flow that the state named, taken."""

    ticket: Ticket
    pending: PendingAuthorization
    server: Server
    cookie_name: str


@dataclass(frozen=True, slots=True)
class Callback:
    """``GET /callback/{server_id}`` (RFC 6749 §4.1.2, RFC 9207)."""

    clock: Clock
    settings: Settings
    servers: ServerStore
    pending: PendingStore
    tests: TestStore
    completions: Completions
    grants: Grants

    def arrive(self, arrival: Arrival, invocation: Invocation) -> BrowserOutcome:
        """Take the state once, from the browser that was sent out with it, at its own URI."""
        state = Secret(arrival.parameters.get("state", ""))
        name = flow_cookie(state)
        pending = self.pending.state(state_id_of(state))
        if pending is None:
            return _closing("link_expired", None)
        if not _bound(pending, arrival.cookies.get(name)):
            count(CALLBACK_REFUSED, why="cookie")
            self._note_cookies(pending, arrival.cookies.get(name))
            return _closing("other_browser", None)
        taken = self.pending.take_state(
            pending.state_id, secrets.token_urlsafe(16), self.clock.now()
        )
        ticket = self.pending.ticket(pending.connect_id)
        if taken is None or ticket is None or ticket.taken:
            self._note_lateness(pending, ticket)
            return _closing("link_expired", ticket.locale if ticket else None)
        here = f"{invocation.base_url}/callback/{arrival.server_id}"
        if arrival.server_id != pending.server_id or here != pending.redirect_uri:
            count(CALLBACK_REFUSED, why="redirect_uri")
            return _closing("account_refused", ticket.locale)
        server = self.servers.get(pending.server_id)
        if server is None:
            return _closing("account_refused", ticket.locale)
        flow = _Flow(ticket, pending, server, name)
        return self._answer(flow, arrival.parameters, invocation)

    def _answer(
        self, flow: _Flow, parameters: Mapping[str, str], invocation: Invocation
    ) -> BrowserOutcome:
        """Judge the authorization response; every refusal goes back to the chat as an error."""
        try:
            check_issuer(
                flow.server,
                parameters.get("iss"),
                required=flow.server.authorization_response_iss_parameter_supported,
            )
        except IssuerMismatch as exc:
            return self._refused(flow, "issuer_mismatch", exc.evidence)
        if flow.pending.config_digest != flow.server.config_digest:
            changed = ServerChanged.error
            return self._refused(flow, changed, _evidence(changed, None))
        if "error" in parameters or not parameters.get("code"):
            said = _evidence(parameters.get("error"), parameters.get("error_description"))
            return self._refused(flow, public_error(parameters.get("error")), said)
        code = Secret(parameters["code"])
        kept = kept_of_callback(flow.server, parameters)
        granted = scopes_of_callback(flow.server, parameters)
        pending = replace(flow.pending, kept=kept, granted_scopes=granted)
        flow = replace(flow, pending=pending)
        if self._redeems_here(flow):
            return self._connect(flow, code, invocation)
        completion_code = self.completions.offer(flow.pending, code)
        count(CALLBACK, outcome="offered")
        if run := self._test_of(flow.ticket):
            self.tests.report(run, consented(run))
        return self._back(flow, {"completion_code": completion_code.reveal()}, completion_code)

    def _redeems_here(self, flow: _Flow) -> bool:
        unbound = self.settings.session_binding is SessionBinding.NONE
        return unbound and flow.ticket.purpose is Purpose.CONNECT

    def _connect(self, flow: _Flow, code: Secret, invocation: Invocation) -> BrowserOutcome:
        """Redeem at once: the opt-out, which does not protect a deceived user."""
        attempt = secrets.token_urlsafe(16)
        if not self.pending.take_ticket(flow.ticket.connect_id, attempt, self.clock.now()):
            return _closing("link_expired", flow.ticket.locale)
        try:
            self.grants.connect(flow.server, flow.ticket, flow.pending, code, invocation)
        except BrokerError as exc:
            count(CALLBACK, outcome=exc.error)
            return self._back(flow, {"error": exc.error})
        finally:
            self.pending.erase_code(flow.pending.state_id)
        count(CALLBACK, outcome="connected")
        return self._back(flow, {"status": "connected"})

    def _refused(self, flow: _Flow, error: str, evidence: Evidence) -> BrowserOutcome:
        """Tell the chat with a code of a fixed set, and the builder's test what was seen."""
        count(CALLBACK, outcome=error)
        self._report(flow, evidence)
        return self._back(flow, {"error": error})

    def _report(self, flow: _Flow, evidence: Evidence) -> None:
        if run := self._test_of(flow.ticket):
            uri = flow.pending.redirect_uri
            self.tests.report(run, failed(run, TestStep.CONSENT, evidence, flow.server, uri))

    def _note_cookies(self, pending: PendingAuthorization, cookie: str | None) -> None:
        """Have a test's report say that another browser came; the right one may still come."""
        server = self.servers.get(pending.server_id)
        run = self._test_of(self.pending.ticket(pending.connect_id))
        if run is None or server is None or is_noted(run, Cause.COOKIES_REFUSED):
            return
        brought = "it brought none" if cookie is None else "it brought another one"
        seen = in_the_flow("cookies_refused", cookie=brought)
        uri = pending.redirect_uri
        self.tests.report(run, warned(run, TestStep.CONSENT, seen, server, uri))

    def _note_lateness(self, pending: PendingAuthorization, ticket: Ticket | None) -> None:
        """End a test whose response came when the time of its request was over."""
        if pending.expires_at > self.clock.now():
            return  # a second arrival, of a page that was loaded again
        server = self.servers.get(pending.server_id)
        run = self._test_of(ticket)
        if run is None or server is None or has_consented(run):
            return
        late = in_the_flow("response_too_late")
        uri = pending.redirect_uri
        self.tests.report(run, failed(run, TestStep.CONSENT, late, server, uri))

    def _test_of(self, ticket: Ticket | None) -> TestRun | None:
        """Return the test that a consent is for, while it waits for one."""
        if ticket is None or ticket.purpose is not Purpose.TEST:
            return None
        run = self.tests.get(ticket.user_id)
        return run if run and run.status is TestStatus.WAITING_FOR_CONSENT else None

    def _back(
        self, flow: _Flow, result: Mapping[str, str], shown: Secret | None = None
    ) -> BrowserOutcome:
        """Return to the flow's own page; without one, say on ours how it ended."""
        ticket = flow.ticket
        if ticket.return_url is None:
            return replace(_ended(flow, result, shown), clear_cookie=flow.cookie_name)
        values = {"connect_id": ticket.connect_id, **result}
        if ticket.client_state is not None:
            values["client_state"] = ticket.client_state
        location = _with_query(ticket.return_url, values)
        return Redirect(location, clear_cookie=flow.cookie_name)


def _evidence(error: str | None, description: str | None) -> Evidence:
    return Evidence(Step.AUTHORIZATION, Kind.REFUSED, error=error, description=description)


def _bound(pending: PendingAuthorization, cookie: str | None) -> bool:
    return cookie is not None and hmac.compare_digest(pending.cookie_hash, cookie_hash(cookie))


def _ended(flow: _Flow, result: Mapping[str, str], shown: Secret | None) -> ClosingPage:
    locale = flow.ticket.locale
    if shown:
        return ClosingPage(
            say("copy_title", locale), say("copy", locale), True, shown, locale=locale
        )
    service = flow.server.name
    if "error" not in result:
        message = say("connected", locale, service=service)
        return ClosingPage(say("connected_title", locale), message, True, locale=locale)
    key = "access_denied" if result["error"] == "access_denied" else "service_refused"
    message = say(key, locale, service=service)
    return ClosingPage(say("failed_title", locale), message, False, locale=locale)


def _closing(key: str, locale: str | None) -> ClosingPage:
    return ClosingPage(say("failed_title", locale), say(key, locale), False, locale=locale)


def _with_query(url: str, values: Mapping[str, str]) -> str:
    """Add parameters to a return URL, in place of any it has of the same names."""
    parts = urlsplit(url)
    kept = [(k, v) for k, v in parse_qsl(parts.query, keep_blank_values=True) if k not in values]
    return urlunsplit(parts._replace(query=urlencode([*kept, *values.items()])))
