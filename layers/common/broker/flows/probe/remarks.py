"""What is worth a remark beside the steps themselves: before the consent, and in every request."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from broker.clock import Clock
from broker.diagnosis import Cause, Evidence, Kind, Step
from broker.diagnosis.predicates import is_skewed
from broker.errors import OutboundError
from broker.model import Invocation, Server, TestRun, TestStatus, TestStep, unconnected
from broker.outbound import Sent, watching
from broker.reports import is_noted, warned

from .login import Login
from .places import redirect_uri
from .style_finding import reported
from .trail import extended, of_sent

_STEPS = {TestStep.TOOLS: Step.TOOLS, TestStep.REFRESH: Step.REFRESH}


@dataclass(frozen=True, slots=True)
class Remarks:
    """Keeps the trail of a test, and warns of what does not end it."""

    clock: Clock
    login: Login

    def before(self, run: TestRun, server: Server, invocation: Invocation) -> TestRun:
        """Tell what ``auto`` came to, and ask for the login page as a stranger.

        A service that refuses the redirect URI or the client says so there, and never sends the
        browser back.
        """
        uri, seen = redirect_uri(server.server_id, invocation), None
        run = reported(run, server, uri)
        with watching() as sent, suppress(OutboundError):  # a browser may reach what we do not
            seen = self.login.seen(server, uri, invocation.deadline)
        if seen is not None:
            run = warned(run, TestStep.CONSENT, seen, server, uri)
        return self._kept(run, unconnected(server), TestStep.CONSENT, sent)[0]

    def after(
        self,
        run: TestRun,
        server: Server,
        step: TestStep | None,
        sent: Sequence[Sent],
        invocation: Invocation,
    ) -> TestRun:
        """Keep what a step sent, and warn of clocks and of a userinfo endpoint that is no use.

        ``server`` is as the step reached it, so that each request is known by its endpoint.
        """
        run, observed = self._kept(run, server, step, sent)
        uri = redirect_uri(server.server_id, invocation)
        for seen in observed:
            unnamed = seen.step is Step.ACCOUNT and seen.kind is not Kind.OK
            if step is TestStep.ACCOUNT and unnamed and run.status is not TestStatus.FAILED:
                run = warned(run, TestStep.ACCOUNT, seen, server, uri)
            elif self._is_news_of_the_clock(run, seen):
                run = warned(run, step or TestStep.REVOKE, seen, server, uri)
        return run

    def _is_news_of_the_clock(self, run: TestRun, seen: Evidence) -> bool:
        told = is_noted(run, Cause.CLOCK_SKEW)
        return not told and seen.kind is Kind.OK and is_skewed(seen)

    def _kept(
        self, run: TestRun, server: Server, step: TestStep | None, sent: Sequence[Sent]
    ) -> tuple[TestRun, list[Evidence]]:
        place, now = _STEPS.get(step or TestStep.REVOKE, Step.EXCHANGE), self.clock.now()
        observed = [of_sent(one, server, place, now) for one in sent]
        return replace(run, trail=extended(run.trail, observed)), observed
