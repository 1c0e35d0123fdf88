"""EventBridge schedule: put the connections that are due on the queue."""

from broker.inbound.batch import scheduled_invocation
from broker.wiring import wiring


def lambda_handler(event: dict, context: object) -> dict:
    tick = wiring().refresh_scheduler.tick(scheduled_invocation(context))
    return {"due": tick.due, "queued": tick.queued}
