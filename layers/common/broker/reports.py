"""How a test's report grows: one step at a time, a failure with its diagnosis."""

from dataclasses import replace

from broker.diagnosis import Diagnosis, Evidence, diagnose
from broker.model import Server, StepReport, TestRun, TestStatus, TestStep


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
    diagnosis = _diagnosed(evidence, server, redirect_uri)
    return replace(
        run,
        steps=[*run.steps, StepReport(step, "warning", diagnosis.seen)],
        diagnoses=[*run.diagnoses, _told(diagnosis)],
    )


def failed(
    run: TestRun, step: TestStep, evidence: Evidence, server: Server, redirect_uri: str
) -> TestRun:
    """Report the failure that ends the test; its tokens are erased with it."""
    diagnosis = _diagnosed(evidence, server, redirect_uri)
    return replace(
        run,
        status=TestStatus.FAILED,
        next_step=None,
        steps=[*run.steps, StepReport(step, "failed", diagnosis.seen)],
        diagnoses=[*run.diagnoses, _told(diagnosis)],
        tokens=None,
    )


def _diagnosed(evidence: Evidence, server: Server, redirect_uri: str) -> Diagnosis:
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
    )


def _told(diagnosis: Diagnosis) -> dict[str, str]:
    return {
        "cause": diagnosis.cause.value,
        "summary": diagnosis.summary,
        "seen": diagnosis.seen,
        "fix": diagnosis.fix,
    }
