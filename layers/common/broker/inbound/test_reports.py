"""A test's report: as JSON, and as text that can be pasted into a support ticket."""

from collections.abc import Iterator, Mapping

from broker.diagnosis import hide_in_urls
from broker.inbound.answers import Body, connect_link, written_time
from broker.model import StartedTest, TestRun

_LONGEST = 16_000


def test_run(run: TestRun) -> Body:
    """Return a test's report so far."""
    return {
        "test_id": run.test_id,
        "server_id": run.server_id,
        "status": run.status.value,
        "next_step": run.next_step.value if run.next_step else None,
        "steps": [
            {"step": step.step.value, "outcome": step.outcome, "seen": step.seen}
            for step in run.steps
        ],
        "diagnoses": [dict(diagnosis) for diagnosis in run.diagnoses],
        "account": run.account_label,
        "tools": list(run.tool_names),
        "expires_at": written_time(run.expires_at),
        "evidence": [dict(observed) for observed in run.trail],
        "report": report_text(run),
    }


def started_test(started: StartedTest) -> Body:
    """Return a new test, and where the builder's browser goes."""
    link = connect_link(started.link) if started.link else {"connect_url": None}
    return {**test_run(started.run), **link, "expires_at": written_time(started.run.expires_at)}


def report_text(run: TestRun) -> str:
    """Put a report into lines that a stranger may read.

    No secret, no link that could be opened, nobody's account, and of addresses neither query nor
    what looks like a key in the path; the redirect URI stands as it is.
    """
    return "\n".join(_lines(run))[:_LONGEST]


def _lines(run: TestRun) -> Iterator[str]:
    yield f"Test {run.test_id} of server {run.server_id}: {run.status.value}"
    if run.next_step:
        yield f"Next step: {run.next_step.value}"
    yield ""
    yield "Steps"
    for step in run.steps:
        account = step.step.value == "account" and step.outcome == "ok"
        seen = "The account was looked up." if account else hide_in_urls(step.seen)
        yield f"  {step.step.value:<9} {step.outcome:<8} {seen}"
    for number, diagnosis in enumerate(run.diagnoses, 1):
        yield ""
        yield from _diagnosis(number, diagnosis)
    yield ""
    yield "Requests and responses"
    for observed in run.trail:
        yield f"  {_observed(observed)}"


def _diagnosis(number: int, told: Mapping[str, object]) -> Iterator[str]:
    certainty = f" ({told['certainty']})" if "certainty" in told else ""
    yield f"{number}. {told['cause']}{certainty}: {hide_in_urls(str(told['summary']))}"
    for label, member in (("Seen", "seen"), ("Why", "why"), ("Do", "fix")):
        if said := told.get(member):
            yield f"   {label}: {hide_in_urls(str(said))}"
    paste = told.get("paste")
    if isinstance(paste, Mapping):
        yield f"   At the {paste['place']}, {paste['field']}: {hide_in_urls(str(paste['value']))}"
    candidates = told.get("candidates")
    for other in candidates if isinstance(candidates, list) else []:
        yield f"   Or {other['cause']}: {hide_in_urls(str(other['test']))}"


def _observed(observed: Mapping[str, object]) -> str:
    facts = observed.get("facts")
    known = dict(facts) if isinstance(facts, Mapping) else {}
    method, took = known.pop("method", ""), known.pop("milliseconds", None)
    words = [
        f"{observed['step']:<13}",
        f"{method or '–':<4}",
        str(observed["outcome"]),
        f"HTTP {observed['status']}" if "status" in observed else "",
        str(observed.get("content_type", "")),
        f"{took} ms" if took is not None else "",
        *(f"{name}={hide_in_urls(str(value))}" for name, value in sorted(known.items())),
    ]
    return " ".join(word for word in words if word)
