"""The AWS services in a process of their own: ministack where it is installed, else moto.

moto answers one request at a time, since its conditional writes are not atomic otherwise; ministack
answers faster, and several at once.
"""

import contextlib
import os
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.account import ACCOUNT
from local.aws import Aws, start_moto
from local.processes import Child, ChildFailedError, Children, bare_environment
from local.template import Template

PYTHON = Path(__file__).resolve().parents[2] / ".venv-ministack" / "bin" / "python"
_READY_SECONDS = 60.0
_OF_A_TABLE = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode")


@dataclass(frozen=True, slots=True)
class Store:
    """The running services."""

    name: str
    address: str
    process: Child

    def create(self, template: Template) -> dict[str, str]:
        """Create what the benchmark needs of the template; return logical id → physical id."""
        aws = Aws(self.address)
        return {**_tables(aws, template), **_others(aws, template)}


def start_store(children: Children, folder: Path) -> Store:
    """Start the services; they end with ``children``."""
    if PYTHON.exists():
        return _start_ministack(children, folder)
    moto = start_moto(children, folder)
    return Store("moto", f"http://127.0.0.1:{moto.announced()['port']}", moto)


def _start_ministack(children: Children, folder: Path) -> Store:
    port = _free_port()
    environment = bare_environment() | {
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "LOG_LEVEL": "ERROR",
        "SFTP_ENABLED": "0",
        "TMPDIR": str(folder),
        "DOCKER_HOST": f"unix://{os.devnull}",
    }
    command = [str(PYTHON), "-m", "ministack"]
    log = folder / "ministack.log"
    child = children.start("ministack", command, log=log, cwd=folder, env=environment)
    deadline = time.monotonic() + _READY_SECONDS
    while not _answers(port):
        if not child.alive or time.monotonic() > deadline:
            raise ChildFailedError(f"ministack did not come up: {log.read_text('utf-8')}")
        time.sleep(0.05)
    return Store("ministack", f"http://127.0.0.1:{port}", child)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def _answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
        return True
    return False


def _tables(aws: Aws, template: Template) -> Mapping[str, str]:
    dynamodb = aws.client("dynamodb", ACCOUNT)
    made = {}
    for name, declared in template.of_type("AWS::DynamoDB::Table"):
        properties: Mapping[str, Any] = template.resolve(declared)
        chosen = {key: properties[key] for key in _OF_A_TABLE if key in properties}
        dynamodb.create_table(TableName=name, **chosen)
        made[name] = name
    return made


def _others(aws: Aws, template: Template) -> Mapping[str, str]:
    # ministack takes a key id of twelve digits for the account, and an ARN names that.
    kms, sqs, events = (aws.client(service, ACCOUNT) for service in ("kms", "sqs", "events"))
    made = {}
    for name, _ in template.of_type("AWS::KMS::Key"):
        made[name] = kms.create_key()["KeyMetadata"]["KeyId"]
    for name, _ in template.of_type("AWS::SQS::Queue"):
        made[name] = sqs.create_queue(QueueName=name)["QueueUrl"]
    for name, _ in template.of_type("AWS::Events::EventBus"):
        events.create_event_bus(Name=name)
        made[name] = name
    return made
