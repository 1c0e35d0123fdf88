"""A test of a server's configuration: started by the builder, advanced one step a call."""

import secrets
from dataclasses import dataclass, replace
from datetime import timedelta

from broker.clock import Clock
from broker.completion import Claim, Completions
from broker.connect import Connector
from broker.errors import (
    BrokerError,
    InvalidRequest,
    ServerChanged,
    ServerNotFound,
    SessionMismatch,
    TestNotFound,
)
from broker.metrics import TEST
from broker.model import (
    AuthType,
    Claimant,
    Invocation,
    Purpose,
    Secret,
    Server,
    StartedTest,
    TestRun,
    TestStatus,
    TestStep,
)
from broker.outbound import watching
from broker.proposals import FirstUse
from broker.storage.probes import TestStore
from broker.storage.servers import ServerStore
from broker.telemetry import count

from .places import redirect_uri
from .remarks import Remarks
from .steps import Steps
from .waiting import Waiting

TEST_LIFETIME = timedelta(hours=1)
_STEP_TAKES = timedelta(seconds=29)


@dataclass(frozen=True, slots=True)
class Probe:
    """``/v1/servers/{server_id}/test``."""

    clock: Clock
    servers: ServerStore
    tests: TestStore
    connector: Connector
    completions: Completions
    steps: Steps
    first_use: FirstUse
    waiting: Waiting
    remarks: Remarks

    def start(
        self, server_id: str, return_url: str | None, *, publish: bool, invocation: Invocation
    ) -> StartedTest:
        """Begin a test; raise ServerMisconfigured while something is missing."""
        server = self.first_use.complete(self._server(server_id), invocation, afresh=True)
        test_id = secrets.token_urlsafe(16)
        link = None
        if server.auth_type is AuthType.CONSUMER_OAUTH:
            link = self.connector.test_link(server, test_id, return_url, invocation.base_url)
        run = TestRun(
            test_id=test_id,
            server_id=server_id,
            connect_id=link.connect_id if link else "",
            config_digest=server.config_digest,
            status=TestStatus.WAITING_FOR_CONSENT if link else TestStatus.RUNNING,
            next_step=TestStep.EXCHANGE if link else TestStep.TOOLS,
            expires_at=self.clock.now().replace(microsecond=0) + TEST_LIFETIME,
            publish=publish,
            consent_until=link.expires_at if link else None,
        )
        if link:
            run = self.remarks.before(run, server, invocation)
        self.tests.put(run)
        count(TEST, outcome="started")
        return StartedTest(run, link)

    def report(self, server_id: str, test_id: str, invocation: Invocation) -> TestRun:
        """Return the report so far; raise TestNotFound.

        A consent that nobody gave in time has failed, though nothing happened: it is told so.
        """
        run = self.tests.get(test_id)
        if run is None or run.server_id != server_id or run.expires_at <= self.clock.now():
            raise TestNotFound
        server = self.servers.get(server_id)
        return self.waiting.judged(run, server, redirect_uri(server_id, invocation))

    def advance(
        self,
        server_id: str,
        test_id: str,
        completion_code: Secret | None,
        *,
        revoke: bool,
        invocation: Invocation,
    ) -> TestRun:
        """Perform exactly one step, and return the report.

        The first needs the completion code; ``revoke`` ends a test that has succeeded. A step
        that another call is performing is not performed again. Raises SessionMismatch.
        """
        run = self.report(server_id, test_id, invocation)
        server = self._server(server_id)
        if run.status is TestStatus.FAILED or not self._has_step(run, revoke=revoke):
            return run
        waiting = run.next_step is TestStep.EXCHANGE
        if waiting and completion_code is None:
            if run.status is TestStatus.WAITING_FOR_CONSENT:
                raise InvalidRequest(
                    "completion_code: required once, after the consent in the browser."
                )
            return run
        now = self.clock.now()
        claimed = self.tests.claim(run, now, now + _STEP_TAKES)
        if claimed is None:
            return run
        claim = self._claim(server, claimed, completion_code, invocation) if waiting else None
        reached = self.steps.reached(claimed, server, claim)
        with watching() as sent:
            done = self._perform(server, claimed, claim, revoke=revoke, invocation=invocation)
        done = self.remarks.after(done, reached, run.next_step, sent, invocation)
        self.tests.report(claimed, done)
        count(TEST, outcome=done.status.value)
        return done

    def _has_step(self, run: TestRun, *, revoke: bool) -> bool:
        return run.next_step is not None or (revoke and run.tokens is not None)

    def _claim(
        self, server: Server, run: TestRun, code: Secret | None, invocation: Invocation
    ) -> Claim:
        claimant = Claimant(Purpose.TEST, run.test_id, run.server_id, run.connect_id)
        given = code or Secret("")
        try:
            return self.completions.claim(claimant, given, server)
        except SessionMismatch:
            uri = redirect_uri(run.server_id, invocation)
            self.tests.report(run, self.waiting.mismatched(run, server, given, uri))
            raise
        except ServerChanged:
            self.tests.report(run, self.steps.server_changed(run, server, invocation))
            raise
        except BrokerError:
            self.tests.report(run, replace(run, busy_until=None))
            raise

    def _perform(
        self,
        server: Server,
        run: TestRun,
        claim: Claim | None,
        *,
        revoke: bool,
        invocation: Invocation,
    ) -> TestRun:
        if server.config_digest != run.config_digest:
            return self.steps.server_changed(run, server, invocation)
        if run.next_step is None and revoke:
            return self.steps.revoke(run, server, invocation)
        match run.next_step:
            case TestStep.EXCHANGE if claim:
                return self.steps.exchange(run, server, claim, invocation)
            case TestStep.ACCOUNT:
                return self.steps.account(run, server, invocation)
            case TestStep.TOOLS:
                return self.steps.tools(run, server, invocation)
            case TestStep.REFRESH:
                return self.steps.refresh(run, server, invocation)
        return run

    def _server(self, server_id: str) -> Server:
        server = self.servers.get(server_id)
        if server is None:
            raise ServerNotFound
        return server
