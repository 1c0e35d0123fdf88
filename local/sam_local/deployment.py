"""One deployment of the built template behind `sam local start-api`."""

import re
import socket
import time
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from local import browser_names
from local.account import REGION, function_key
from local.aws import Aws
from local.clockwork import Delivery, Tick, failed_of
from local.gateway.routing import match
from local.permissions import policies_of
from local.processes import Child, ChildFailedError
from local.sam_local import events
from local.sam_local.command import SamLocal
from local.sam_local.templates import own_credentials, write_template
from local.signing import SigV4
from local.stack import LocalStack
from local.template import QueueSource, Template

_READY_SECONDS = 60.0
_STOP_SECONDS = 60.0
_CALL_SECONDS = 90.0
"""A first call builds the function's image and starts its container."""
_REQUEST_LINE = re.compile(r'"(?:\x1b\[[0-9;]*m)*(GET|POST|PUT|DELETE) (/[^ ?]*)\S* HTTP/1')


@dataclass
class SamDeployment:
    """Bound to its port when made; answers once it is open. To be closed."""

    name: str
    built: Path
    """The template that `sam build` wrote."""
    stack: LocalStack
    sam: SamLocal
    port: int
    folder: Path
    """Where the template that `sam local` runs is written."""
    template: Template = field(init=False, repr=False)
    _process: Child | None = field(init=False, default=None, repr=False)

    @property
    def url(self) -> str:
        """The public base URL, for browsers and callers."""
        return f"http://broker.localhost:{self.port}"

    @property
    def functions(self) -> Collection[str]:
        """The functions' logical ids."""
        return [function.logical_id for function in self.template.functions()]

    @property
    def written(self) -> Path:
        """The template that `sam local` runs."""
        return self.folder / f"{self.name}.json"

    def prepare(self, local_origins: Collection[str], **parameters: str) -> None:
        """Write the template, and hold its functions to their policies."""
        values = {"PublicBaseUrl": self.url, **parameters}
        template = Template.load(self.built, values, REGION)
        self.template = template.with_physical_ids(self.stack.resources(template))
        # Those that browsers are sent to keep their names.
        origins = {*local_origins, *map(self.reached, local_origins)}
        shared = {
            "AWS_ENDPOINT_URL": self.reached(self.stack.guard.address),
            "BROKER_LOCAL_ORIGINS": ",".join(sorted(origins)),
        }
        write_template(
            self.built,
            self.template,
            lambda function: {**shared, **own_credentials(self.name, function)},
            self.written,
        )
        for function, policy in policies_of(self.template).items():
            self.stack.guard.admit(function_key(self.name, function), policy)

    def open(self) -> None:
        """Begin to answer; raise ChildFailedError."""
        self._process = self.sam.start_api(self.name, self.written, self.port)
        deadline = time.monotonic() + _READY_SECONDS
        while not port_is_taken(self.port):
            if not self._process.alive or time.monotonic() > deadline:
                raise ChildFailedError(f"sam local start-api is not ready: {self._process.log}")
            time.sleep(0.1)

    def close(self) -> None:
        """Have `sam local` end its containers, and see that none is left."""
        if self._process is not None:
            self._process.end(_STOP_SECONDS)
            self._process = None
        for container in self.containers():
            self.sam.engine.remove(container)

    def containers(self) -> list[str]:
        """Return the ids of this deployment's containers."""
        return self.sam.engine.containers_with(self.url)

    def api(self, caller: str = "chat-backend", **options: Any) -> httpx.Client:
        """Return a client that signs; `sam local` does not look at the signature."""
        auth = SigV4(self.stack.keys[caller])
        options.setdefault("timeout", _CALL_SECONDS)
        return browser_names.client(base_url=self.url, auth=auth, **options)

    def browser(self, **options: Any) -> httpx.Client:
        """Return a client of the public routes with a browser's cookies."""
        return browser_names.browser(base_url=self.url, **options)

    def reached(self, url: str) -> str:
        """Return a URL of this machine as the containers reach it."""
        parts = urlsplit(url)
        return parts._replace(netloc=f"{self.sam.engine.host}:{parts.port}").geturl()

    def routes(self) -> set[str]:
        """Return the template's routes."""
        return {route.key for route in self.template.routes()}

    def routes_called(self) -> set[str]:
        """Return the routes in the log of `sam local`."""
        if self._process is None:
            return set()
        lines = _REQUEST_LINE.findall(self._process.log.read_text(encoding="utf-8"))
        routes = self.template.routes()
        found = [match(routes, method, path) for method, path in lines]
        return {each.route.key for each in found if each}

    def tick(self, *, redeliver: bool = False) -> Tick:
        """Invoke the scheduled functions, then the queues' with what waits there."""
        if redeliver:
            raise NotImplementedError("Nothing here waits for a redelivery.")
        scheduled: dict[str, str | None] = {}
        for function in self.template.scheduled_functions():
            answer = self.invoke(function, events.scheduled()) or {}
            scheduled[function] = answer.get("errorType")
        return Tick(scheduled, [each for each in map(self._deliver, self._sources()) if each])

    def invoke(self, function: str, event: dict[str, Any]) -> Any:
        """Run one event by `sam local invoke`."""
        return self.sam.invoke(self.written, function, event, f"{self.name}-{function}")

    def _sources(self) -> list[QueueSource]:
        return self.template.queue_sources()

    def _deliver(self, source: QueueSource) -> Delivery | None:
        sqs, url = self._queue(source), self.template.intrinsics.physical_id(source.queue)
        waiting = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=source.batch_size)
        messages = waiting.get("Messages", [])
        if not messages:
            return None
        arn = self.template.intrinsics.arn(source.queue)
        answer = self.invoke(source.function, events.batch(messages, arn)) or {}
        error = answer.get("errorType")
        sent = {message["MessageId"] for message in messages}
        failed = sent if error else failed_of(answer, sent)
        for message in messages:
            if message["MessageId"] not in failed:
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return Delivery(source.queue, len(messages), len(failed), error)

    def _queue(self, source: QueueSource) -> Any:
        """Return a client with the function's role, with which Lambda polls."""
        key = function_key(self.name, source.function)
        return Aws(self.stack.guard.address).client("sqs", key)


def free_port() -> int:
    """Return a port that nobody has just now: `sam local` takes a number only."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def port_is_taken(port: int) -> bool:
    """Say whether somebody listens on a port of this machine."""
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False
