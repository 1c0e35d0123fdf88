"""How a test's report grows: one step at a time, a failure with its diagnosis."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from broker.diagnosis import Cause, Evidence, Fact, Kind, Step
from broker.diagnosis.diagnose import Diagnosis, diagnose
from broker.model import Server, StepReport, TestRun, TestStatus, TestStep

_CAME_BACK = "The service sent the browser back with a code."


def passed(run: TestRun, step: TestStep, seen: str, then: TestStep | None) -> TestRun:
    """Report a step that held; after the last one the test has succeeded."""
    return replace(
        run,
        status=TestStatus.RUNNING if then else TestStatus.SUCCEEDED,
        next_step=then,
        steps=[*run.steps, StepReport(step, "ok", seen)],
    )


def warned(
    run: TestRun, step: TestStep, evidence: Evidence, server: Server, redirect_uri: str
) -> TestRun:
    """Report a finding that does not end the test, with what to do about it."""
    diagnosis = _diagnosed(run, evidence, server, redirect_uri)
    return replace(
        run,
        steps=[*run.steps, StepReport(step, "warning", diagnosis.seen)],
        diagnoses=_with(run, diagnosis),
    )


def failed(
    run: TestRun, step: TestStep, evidence: Evidence, server: Server, redirect_uri: str
) -> TestRun:
    """Report the failure that ends the test; its tokens are erased with it."""
    diagnosis = _diagnosed(run, evidence, server, redirect_uri)
    return replace(
        run,
        status=TestStatus.FAILED,
        next_step=None,
        steps=[*run.steps, StepReport(step, "failed", diagnosis.seen)],
        diagnoses=_with(run, diagnosis),
        tokens=None,
    )


def consented(run: TestRun) -> TestRun:
    """Report that the service sent the browser back with a code."""
    seen = Evidence(Step.AUTHORIZATION, Kind.OK, facts={"flow": "consented"})
    report = StepReport(TestStep.CONSENT, "ok", _CAME_BACK)
    return replace(run, steps=[*run.steps, report], trail=[*run.trail, seen.data])


def has_consented(run: TestRun) -> bool:
    """Say whether the service sent a browser back with a code; other remarks may come before."""
    return any(step.step is TestStep.CONSENT and step.seen == _CAME_BACK for step in run.steps)


def in_the_flow(what: str, **facts: Fact) -> Evidence:
    """Return what the broker itself saw of the consent; ``what`` is one of a fixed set of words."""
    return Evidence(Step.AUTHORIZATION, Kind.REFUSED, facts={"flow": what, **facts})


def is_noted(run: TestRun, cause: Cause) -> bool:
    """Say whether a report has this diagnosis already."""
    return any(one["cause"] == cause.value for one in run.diagnoses)


def diagnosis_of(
    evidence: Evidence | Sequence[Evidence], server: Server, redirect_uri: str
) -> Diagnosis:
    """Diagnose what was seen of a server, in the light of its configuration."""
    return diagnose(
        evidence,
        redirect_uri=redirect_uri,
        authorization_endpoint=server.authorization_endpoint,
        token_endpoint=server.token_endpoint,
        refresh_endpoint=server.refresh_endpoint,
        revocation_endpoint=server.revocation_endpoint,
        userinfo_endpoint=server.userinfo_endpoint,
        mcp_url=server.mcp_url,
        issuer=server.issuer,
        resource=server.resource,
        scopes=server.scopes,
        token_request_style=server.token_request_style.value,
        pkce=server.pkce,
        client_id=server.client_id,
        extra_authorize_params=server.extra_authorize_params,
    )


def told(diagnosis: Diagnosis) -> dict[str, object]:
    """Return a diagnosis as plain data, as it is stored and shown."""
    paste = diagnosis.paste
    return {
        "cause": diagnosis.cause.value,
        "certainty": diagnosis.certainty.value,
        "summary": diagnosis.summary,
        "seen": diagnosis.seen,
        "why": diagnosis.why,
        "fix": diagnosis.fix,
        "paste": paste and {"place": paste.place, "field": paste.field, "value": paste.value},
        "candidates": [
            {"cause": one.cause.value, "test": one.test} for one in diagnosis.candidates
        ],
    }


def _diagnosed(run: TestRun, evidence: Evidence, server: Server, redirect_uri: str) -> Diagnosis:
    """Judge a failure by all that came before it, and a finding by itself."""
    before = [] if evidence.kind is Kind.OK else [Evidence.of_data(one) for one in run.trail]
    return diagnosis_of([*before, evidence], server, redirect_uri)


def _with(run: TestRun, diagnosis: Diagnosis) -> list[Mapping[str, object]]:
    """Add a diagnosis; what is known better now is not told twice."""
    cause = diagnosis.cause.value
    return [*(one for one in run.diagnoses if one["cause"] != cause), told(diagnosis)]
