"""Takes its time."""

import os
import time
from typing import Any


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    wanted = event.get("queryStringParameters", event)
    print(f"sleeping in {os.getpid()}", flush=True)
    time.sleep(float(wanted.get("seconds", 0)))
    return {"pid": os.getpid()}
