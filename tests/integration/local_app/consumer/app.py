"""Takes messages; reports those that begin with `bad`."""

from typing import Any


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    records = event["Records"]
    if any(record["body"] == "explode" for record in records):
        raise LookupError("all of it")
    print([record["body"] for record in records], flush=True)
    failed = [record["messageId"] for record in records if record["body"].startswith("bad")]
    return {"batchItemFailures": [{"itemIdentifier": each} for each in failed]}
