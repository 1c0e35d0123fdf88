"""What a test says of the token request style: which one works, or that none does."""

from dataclasses import dataclass, replace
from http import HTTPStatus

from broker.clock import Clock
from broker.diagnosis import Evidence, Fact, Kind
from broker.model import (
    SECRET_STYLES,
    Invocation,
    Server,
    StepReport,
    StyleFinding,
    StyleVerdict,
    Sureness,
    TestRun,
    TestStep,
    unconnected,
)
from broker.oauth.style_hearing import Heard, heard_of
from broker.oauth.style_probe import StyleProbe, told
from broker.reports import warned
from broker.vault import Vault

_SECONDS = 12.0
_KEPT_BACK = 4.0


@dataclass(frozen=True, slots=True)
class StyleReport:
    """Finds styles for a test; never with the builder's own code."""

    clock: Clock
    vault: Vault
    probe: StyleProbe

    def with_working_style(
        self, server: Server, evidence: Evidence, redirect_uri: str, invocation: Invocation
    ) -> Evidence:
        """Add to a refusal's evidence the style that works, or that none does.

        So a wrong style is told apart from a wrong secret, and from a spent code. Only a client
        that has a secret is asked about, the style that is configured first: where it works, the
        refusal was about something else.
        """
        if not server.token_request_style.takes_secret or not _may_be_the_style(evidence):
            return evidence
        secret = self.vault.client_secret_of(server)
        if secret is None:
            return evidence
        deadline = min(self.clock.monotonic() + _SECONDS, invocation.deadline - _KEPT_BACK)
        own = server.token_request_style
        order = (own, *(style for style in SECRET_STYLES if style is not own))
        found = self.probe.find(
            server, secret, redirect_uri=redirect_uri, deadline=deadline, order=order
        )
        facts: dict[str, Fact] = {}
        if found.proven and found.style is not own:
            facts["working_style"] = found.style.value
        elif found.verdict is StyleVerdict.CLIENT_REFUSED and found.style is own:
            facts["refused_in_every_style"] = True
        elif found.verdict is StyleVerdict.CLIENT_REFUSED:
            facts["read_style"] = found.style.value
        return replace(evidence, facts={**evidence.facts, **facts}) if facts else evidence


def _may_be_the_style(evidence: Evidence) -> bool:
    """Tell what may come of the style: no spent code, no lock, no silence, no redirect."""
    if heard_of(evidence) in (Heard.TAKEN, Heard.HOLD, Heard.SILENT):
        return False
    error_status = 400 <= (evidence.status or 0) != HTTPStatus.SERVICE_UNAVAILABLE
    return evidence.kind is Kind.REFUSED or error_status


def reported(run: TestRun, server: Server, redirect_uri: str) -> TestRun:
    """Tell in the report what ``auto`` came to, before the browser is sent away."""
    found = server.style_finding
    if found is None:
        return run
    if not found.proven and unconnected(server).token_endpoint is None:
        seen = f"token_request_style auto begins with {found.style}: only a connection knows the "
        seen += "token endpoint, and its code tries what is left."
        return replace(run, steps=[*run.steps, StepReport(TestStep.CONSENT, "ok", seen)])
    trouble = told(found)
    if trouble is not None:
        return warned(run, TestStep.CONSENT, trouble, server, redirect_uri)
    outcome = "ok" if found.proven else "warning"
    return replace(run, steps=[*run.steps, StepReport(TestStep.CONSENT, outcome, _seen(found))])


def _seen(found: StyleFinding) -> str:
    style = f"token_request_style auto is {found.style}"
    if found.proven:
        why = {
            Sureness.CERTAIN: "the real secret is taken, and a wrong one is refused.",
            Sureness.LIKELY: "real and wrong secret are answered differently.",
        }
        return f"{style} ({found.sure}): {why.get(found.sure, '')}"
    if found.verdict is StyleVerdict.HELD_BACK:
        return f"{style}, a guess: the service asked for fewer requests, so no more were sent."
    return f"{style}, a guess: nothing the service answers tells a real secret from a wrong one."
