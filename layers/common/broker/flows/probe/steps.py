"""What each step of a test does, and what it reports."""

from dataclasses import dataclass, replace
from datetime import timedelta
from http import HTTPStatus

from broker.calls import Caller, listing_of
from broker.clock import Clock
from broker.completion import Claim
from broker.credentials import ClientCredentials
from broker.diagnosis import Evidence, Kind, Step
from broker.errors import (
    BrokerError,
    ServerChanged,
)
from broker.flows.probe.audience import asked_about
from broker.flows.probe.places import redirect_uri
from broker.flows.probe.sightings import of_mcp_failure
from broker.flows.probe.style_finding import StyleReport
from broker.flows.probe.tokens import TestTokens, open_tokens
from broker.grants import Grants
from broker.mcp import ToolList
from broker.model import (
    AuthType,
    Invocation,
    Server,
    StepReport,
    TestRun,
    TestStep,
    placed,
    unconnected,
)
from broker.oauth import (
    ForeignResponse,
    RevocationOutcome,
    Revoker,
    TokenEndpoint,
    TokenRequestFailed,
    check_kept,
)
from broker.outbound import Outbound
from broker.reports import failed, passed, warned
from broker.storage.tools import ListTooLarge, ToolStore
from broker.tokens import Unusable
from broker.vault import Vault

_REQUEST_SECONDS = 8.0
_TOOL_NAMES = 200


@dataclass(frozen=True, slots=True)
class Steps:
    """The steps of a test, each a function from report to report."""

    clock: Clock
    vault: Vault
    credentials: ClientCredentials
    outbound: Outbound
    grants: Grants
    endpoint: TokenEndpoint
    revoker: Revoker
    caller: Caller
    tools_seen: ToolStore
    styles: StyleReport

    def reached(self, run: TestRun, server: Server, claim: Claim | None) -> Server:
        """Return the server as the step under way reaches it: the gaps of its URLs are filled."""
        if placed(server, {}) is server:
            return server  # no gaps, so nothing is opened for them
        if claim is not None:
            return placed(server, claim.pending.kept)
        tokens = open_tokens(run, self.vault)
        return placed(server, tokens.response.kept) if tokens else unconnected(server)

    def exchange(
        self, run: TestRun, server: Server, claim: Claim, invocation: Invocation
    ) -> TestRun:
        """Redeem the code; what may come of the style is asked about in the other styles."""
        uri = claim.pending.redirect_uri
        try:
            server, response = self.grants.exchange(server, claim.pending, claim.code, invocation)
        except TokenRequestFailed as exc:
            reached = placed(server, claim.pending.kept)
            evidence = self.styles.with_working_style(reached, exc.evidence, uri, invocation)
            return failed(run, TestStep.EXCHANGE, evidence, server, uri)
        except ForeignResponse as exc:
            return failed(run, TestStep.EXCHANGE, exc.evidence, server, uri)
        try:
            check_kept(server, response.kept, Step.EXCHANGE)
        except ForeignResponse as exc:
            self.grants.discard(server, response, invocation)
            return failed(run, TestStep.EXCHANGE, exc.evidence, server, uri)
        run = self._findings(run, server, claim, TestTokens(response), uri)
        kept = TestTokens(response, claim.pending.nonce).keep(run, self.vault)
        seen = "The code was exchanged for an access token"
        refreshable = response.token_set.refresh_token is not None
        seen += " and a refresh token." if refreshable else "; there is no refresh token."
        return passed(kept, TestStep.EXCHANGE, seen, TestStep.ACCOUNT)

    def _findings(
        self, run: TestRun, server: Server, claim: Claim, tokens: TestTokens, uri: str
    ) -> TestRun:
        """Note what was not granted: scopes, a refresh token for tokens that expire."""
        granted = tokens.response.token_set
        listed, asked = granted.scope, claim.ticket.scopes
        lacking = () if listed is None else server.quirks.lacking(asked, listed)
        if lacking:
            facts = {"missing_scopes": " ".join(lacking)}
            evidence = Evidence(Step.EXCHANGE, Kind.OK, facts=facts)
            run = warned(run, TestStep.EXCHANGE, evidence, server, uri)
        if granted.refresh_token is None and granted.expires_at is not None:
            evidence = Evidence(Step.EXCHANGE, Kind.OK, facts={"refresh_token": False})
            run = warned(run, TestStep.EXCHANGE, evidence, server, uri)
        return run

    def account(self, run: TestRun, server: Server, invocation: Invocation) -> TestRun:
        """Find out whose account it is; not knowing is not a failure."""
        tokens = open_tokens(run, self.vault)
        if tokens is None:
            return run
        deadline = min(self.clock.monotonic() + _REQUEST_SECONDS, invocation.deadline - 2)
        try:
            reached = placed(server, tokens.response.kept)
            account = self.grants.accounts.find(
                tokens.response, reached, nonce=tokens.nonce, deadline=deadline
            )
        except ForeignResponse as exc:
            uri = _redirect_uri(server, invocation)
            return failed(run, TestStep.ACCOUNT, exc.evidence, server, uri)
        seen = f"Signed in as {account.label}." if account.label else "The account has no name."
        named = replace(run, account_label=account.label)
        return passed(named, TestStep.ACCOUNT, seen, TestStep.TOOLS)

    def tools(self, run: TestRun, server: Server, invocation: Invocation) -> TestRun:
        """Fetch the tools as the test's account, and publish them to the catalogue."""
        uri = _redirect_uri(server, invocation)
        try:
            listed = self._list(run, server, invocation)
        except BrokerError as exc:
            evidence = self._with_audience(run, server, of_mcp_failure(exc), invocation)
            return failed(run, TestStep.TOOLS, evidence, server, uri)
        if listed is None or not listed.tools:
            evidence = Evidence(Step.TOOLS, Kind.OK, facts={"tools": 0})
            return failed(run, TestStep.TOOLS, evidence, server, uri)
        names = [str(tool.get("name")) for tool in listed.tools]
        seen = f"The server lists {len(names)} tools" + self._publish(run, server, listed)
        more = TestStep.REFRESH if server.auth_type is AuthType.CONSUMER_OAUTH else None
        return passed(replace(run, tool_names=names[:_TOOL_NAMES]), TestStep.TOOLS, seen, more)

    def _with_audience(
        self, run: TestRun, server: Server, evidence: Evidence, invocation: Invocation
    ) -> Evidence:
        """Find out whom the token is for that the MCP server refuses."""
        tokens = open_tokens(run, self.vault)
        if tokens is None or evidence.status != HTTPStatus.UNAUTHORIZED:
            return evidence
        token = tokens.response.token_set.access_token
        deadline = min(self.clock.monotonic() + _REQUEST_SECONDS, invocation.deadline - 2)
        reached = placed(server, tokens.response.kept)
        known = asked_about(self.outbound, reached, token, deadline)
        return replace(evidence, facts={**evidence.facts, **known})

    def _list(self, run: TestRun, server: Server, invocation: Invocation) -> ToolList | None:
        tokens = open_tokens(run, self.vault)
        if tokens is not None:
            token, kept = tokens.response.token_set.access_token, tokens.response.kept
            return self.caller.list_tools_with(server, token, kept, invocation)
        listed = self.caller.list_tools(server, "", invocation)
        return None if isinstance(listed, Unusable) else listed

    def _publish(self, run: TestRun, server: Server, listed: ToolList) -> str:
        if not run.publish:
            return "."
        try:
            listing = listing_of(listed, server, self.clock.now())
            self.tools_seen.put(server.server_id, None, listing)
        except ListTooLarge:
            return "; too many for the catalogue, which stays as it was."
        return ", published to the catalogue."

    def refresh(self, run: TestRun, server: Server, invocation: Invocation) -> TestRun:
        """Refresh once, on purpose: what fails later fails now."""
        tokens = open_tokens(run, self.vault)
        refresh_token = tokens and tokens.response.token_set.refresh_token
        if tokens is None or refresh_token is None:
            return passed(run, TestStep.REFRESH, "There is no refresh token to try.", None)
        min_age = server.quirks.refresh_request.min_age_seconds
        ripe_at = tokens.response.token_set.obtained_at + timedelta(seconds=min_age)
        if self.clock.now() < ripe_at:
            hours = f"{min_age / 3600:g}"
            seen = f"Not tried: the service renews no token that is younger than {hours} hours."
            return passed(run, TestStep.REFRESH, seen, None)
        try:
            refreshed = self.endpoint.refresh(
                placed(server, tokens.response.kept),
                self.credentials.of(server),
                refresh_token=refresh_token,
                deadline=min(self.clock.monotonic() + _REQUEST_SECONDS, invocation.deadline - 2),
            )
        except TokenRequestFailed as exc:
            uri = _redirect_uri(server, invocation)
            return failed(run, TestStep.REFRESH, exc.evidence, server, uri)
        rotated = refreshed.token_set.refresh_token is not None
        seen = "The token was refreshed" + (", and the refresh token rotated." if rotated else ".")
        kept = tokens.after_refresh(refreshed).keep(run, self.vault)
        return passed(kept, TestStep.REFRESH, seen, None)

    def revoke(self, run: TestRun, server: Server, invocation: Invocation) -> TestRun:
        """Revoke the test's tokens at the service, and erase them here whatever it says."""
        tokens = open_tokens(run, self.vault)
        erased = replace(run, tokens=None)
        endpoint = tokens and placed(server, tokens.response.kept).revocation_endpoint
        if tokens is None or endpoint is None:
            seen = "The service has no revocation endpoint; the tokens were erased here."
            return replace(erased, steps=[*run.steps, StepReport(TestStep.REVOKE, "ok", seen)])
        granted, shape = tokens.response.token_set, server.revocation_shape
        answer = self.revoker.ask(
            endpoint,
            client_id=server.client_id or "",
            style=server.token_request_style,
            client_secret=self.credentials.of(server),
            token=shape.request.first_of(granted.refresh_token, granted.access_token),
            deadline=min(self.clock.monotonic() + _REQUEST_SECONDS, invocation.deadline - 2),
            shape=shape,
        )
        if answer.outcome is RevocationOutcome.CONFIRMED:
            return passed(erased, TestStep.REVOKE, "The service confirmed the revocation.", None)
        uri = _redirect_uri(server, invocation)
        return warned(erased, TestStep.REVOKE, answer.evidence, server, uri)

    def server_changed(self, run: TestRun, server: Server, invocation: Invocation) -> TestRun:
        """End a test of a configuration that is no longer the server's."""
        step = run.next_step or TestStep.REVOKE
        error = ServerChanged.error
        facts = {"flow": error}  # what a service says is no fact
        evidence = Evidence(Step.EXCHANGE, Kind.REFUSED, error=error, facts=facts)
        return failed(run, step, evidence, server, _redirect_uri(server, invocation))


def _redirect_uri(server: Server, invocation: Invocation) -> str:
    return redirect_uri(server.server_id, invocation)
