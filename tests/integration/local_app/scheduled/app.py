"""Puts a message on the queue at every tick."""

import os
from typing import Any

import boto3


def lambda_handler(event: dict[str, Any], context: Any) -> None:
    queue = os.environ["QUEUE_URL"]
    boto3.client("sqs").send_message(QueueUrl=queue, MessageBody=f"tick of {event['source']}")
