"""EventBridge schedule: put the connections that are due on the queue."""

from broker.inbound.batch import scheduled
from broker.wiring import wiring


def lambda_handler(event: dict, context: object) -> dict:
    tick = scheduled(context, wiring().refresh_scheduler.tick)
    return {"due": tick.due, "queued": tick.queued}
