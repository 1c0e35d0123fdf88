"""Answers what it was asked, or exactly what it is told to answer."""

import importlib
import json
import os
from typing import Any

STATE = {"calls": 0}


def lambda_handler(event: dict[str, Any], context: Any) -> Any:
    STATE["calls"] += 1
    if event.get("routeKey") == "POST /answer":
        return json.loads(event["body"])
    wanted = event.get("queryStringParameters", {})
    if "size" in wanted:
        return {"filling": "x" * int(wanted["size"])}
    return {
        "event": event,
        "calls": STATE["calls"],
        "pid": os.getpid(),
        "layer": importlib.import_module("shared_greeting").GREETING,
        "environment": dict(os.environ),
        "context": {
            "arn": context.invoked_function_arn,
            "name": context.function_name,
            "remaining": context.get_remaining_time_in_millis(),
            "request_id": context.aws_request_id,
        },
    }
