"""Fails, in the way that it is asked to."""

import os
import sys
from typing import Any


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    manner = event.get("queryStringParameters", event).get("manner")
    if manner == "exit":
        sys.exit(3)
    if manner == "vanish":
        os._exit(4)
    raise LookupError("there is a canary in here")
