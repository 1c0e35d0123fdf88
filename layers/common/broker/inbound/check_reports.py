"""What a check without a browser found, as JSON."""

from broker.inbound.answers import Body
from broker.model import Checked, CheckReport


def check_report(found: CheckReport) -> Body:
    """Return each thing that was looked at, and in a line each what should be looked at."""
    return {
        "server_id": found.server_id,
        "checks": [_checked(one) for one in found.checks],
        "warnings": list(found.warnings),
        "requests": found.requests,
    }


def _checked(one: Checked) -> Body:
    body: Body = {"name": one.name, "outcome": one.outcome.value, "seen": one.seen}
    return body if one.diagnosis is None else {**body, "diagnosis": dict(one.diagnosis)}
