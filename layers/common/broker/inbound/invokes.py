"""The answer to an invoke, counted by its outcome, the refused ones included."""

from collections.abc import Callable

from aws_lambda_powertools.event_handler import Response

from broker.errors import BrokerError
from broker.inbound.answers import invoke_answer
from broker.metrics import INVOKE
from broker.model import AuthorizationRequired, Completed, InvokeOutcome
from broker.telemetry import count


def answer_invoke(act: Callable[[], InvokeOutcome]) -> Response[str]:
    """Read, call and answer; whatever ends it is counted once, and raised as it was."""
    outcome = BrokerError.error
    try:
        acted = act()
        answer = invoke_answer(acted)
        outcome = _named(acted)
    except BrokerError as exc:
        outcome = exc.error
        raise
    finally:
        count(INVOKE, outcome=outcome)
    return answer


def _named(outcome: InvokeOutcome) -> str:
    match outcome:
        case AuthorizationRequired():
            return outcome.reason.value
        case Completed():
            return "tool_error" if outcome.result.get("isError") is True else "completed"
    return "input_required"
