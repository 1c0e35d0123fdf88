"""SQS: refresh the connections that are due, go on with removals, apply rescued sets."""

from broker.inbound.batch import process, scheduled_invocation
from broker.queues import DueMessage, RescueMessage
from broker.wiring import wiring


def lambda_handler(event: dict, context: object) -> dict:
    run = scheduled_invocation(context)
    worker = wiring().refresh_worker
    return process(
        event,
        {
            wiring().settings.due_queue_url: lambda body: worker.look(
                DueMessage.model_validate_json(body), run
            ),
            wiring().settings.rescue_queue_url: lambda body: worker.rescue(
                RescueMessage.model_validate_json(body)
            ),
        },
    )
