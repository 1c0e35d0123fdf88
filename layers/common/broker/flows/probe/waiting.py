"""A test that waits for its consent: what is known of it, and how it ends when nobody comes."""

from dataclasses import dataclass, replace

from broker.clock import Clock
from broker.diagnosis import Cause
from broker.model import Secret, Server, StepReport, TestRun, TestStatus, TestStep
from broker.reports import failed, has_consented, in_the_flow, is_noted, warned
from broker.storage.pending import PendingStore


@dataclass(frozen=True, slots=True)
class Waiting:
    """Judges a consent that has not arrived, from what authorize and callback left behind."""

    clock: Clock
    pending: PendingStore

    def judged(self, run: TestRun, server: Server | None, redirect_uri: str) -> TestRun:
        """End the report of a test whose connect link is over; any other is returned as it is.

        Reads, and writes nothing: it is the same each time.
        """
        until = run.consent_until
        waits = run.status is TestStatus.WAITING_FOR_CONSENT
        if not waits or until is None or self.clock.now() < until or server is None:
            return run
        if has_consented(run):
            late = in_the_flow("completion_code_expired")
            return failed(run, TestStep.EXCHANGE, late, server, redirect_uri)
        if is_noted(run, Cause.COOKIES_REFUSED):
            seen = "No browser came back whose cookie was the one that connect_url set."
            over = [*run.steps, StepReport(TestStep.CONSENT, "failed", seen)]
            return replace(run, status=TestStatus.FAILED, next_step=None, steps=over)
        ticket = self.pending.ticket(run.connect_id)
        opened = ticket.opened if ticket else 0
        what = "no_response" if opened else "link_not_opened"
        seen_by_us = in_the_flow(what, opened=opened)
        return failed(run, TestStep.CONSENT, seen_by_us, server, redirect_uri)

    def mismatched(
        self, run: TestRun, server: Server, completion_code: Secret, redirect_uri: str
    ) -> TestRun:
        """Report a completion code that was refused: another test's, or this one's, too late."""
        late = self._is_late(run, completion_code)
        what = "completion_code_expired" if late else "session_mismatch"
        if is_noted(run, Cause(what)):
            return run
        return warned(run, TestStep.EXCHANGE, in_the_flow(what), server, redirect_uri)

    def _is_late(self, run: TestRun, completion_code: Secret) -> bool:
        """Look up whose code it was; the code itself is erased by now."""
        state = self.pending.state(completion_code.reveal().partition(".")[0])
        if state is None or state.connect_id != run.connect_id:
            return False
        until = state.completion_expires_at
        return until is not None and until <= self.clock.now()
