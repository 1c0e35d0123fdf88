"""One deployment of the template: a gateway, functions, a clock; several may share the services."""

import json
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx

from local import browser_names
from local.account import function_key
from local.aws import Aws
from local.clockwork import Clockwork, Source, Tick
from local.containers import Answer, ContainerPool, LambdaFunction
from local.containers.container import Container
from local.gateway import Callers, Gateway
from local.loopback import LoopbackServer, Reply, Request
from local.permissions import Guard, policies_of
from local.signing import AccessKey, SigV4
from local.template import FunctionResource, Template

_CONTROL_LIMIT = 1 << 16


@dataclass(frozen=True, slots=True)
class Settings:
    """What a deployment may be given besides the template's parameters."""

    environment: Mapping[str, str] = field(default_factory=dict)
    """Further variables of every container; they win over the template's."""
    python: Path = Path(sys.executable)
    """What the containers run under; it brings the runtime loop and boto3, as Lambda does."""
    throttled: bool = True
    """Whether the routes' throttles apply."""
    gateway_seconds: float = 30.0
    """How long the gateway waits for a function."""
    concurrency: int | None = None
    """How many containers each function may have; see LambdaFunction."""


class Deployment:
    """Bound to its ports when made; running once it is open."""

    def __init__(self, name: str, pool: ContainerPool, logs: Path) -> None:
        self.name = name
        self.pool = pool
        self.access_log = logs / f"{name}-gateway.log"
        self._gateway = Gateway(pool, self.access_log)
        self._control = LoopbackServer(_CONTROL_LIMIT)
        self._closing = ExitStack()
        self._closing.callback(self._control.close)
        self._closing.callback(self._gateway.close)
        self.keys: Mapping[str, AccessKey] = {}
        self.functions: Mapping[str, LambdaFunction] = {}
        self.aws: Aws
        self.template: Template
        self.clockwork: Clockwork

    @property
    def url(self) -> str:
        """The public base URL, for browsers and callers."""
        return f"http://broker.localhost:{self._gateway.port}"

    @property
    def address(self) -> str:
        """The same by address, for programs that do not know the local names."""
        return f"http://127.0.0.1:{self._gateway.port}"

    @property
    def control_url(self) -> str:
        """Where `POST /local/tick` and `GET /local/containers` are answered."""
        return f"http://127.0.0.1:{self._control.port}"

    def open(
        self,
        template: Template,
        aws: Aws,
        guard: Guard,
        keys: Mapping[str, AccessKey],
        settings: Settings,
    ) -> None:
        """Begin to answer; the template knows the physical ids."""
        self.template, self.aws, self.keys = template, aws, keys
        self.functions = {
            resource.logical_id: self._function(resource, template, guard, settings)
            for resource in template.functions()
        }
        self._closing.callback(self._stop_containers)
        for logical_id, policy in policies_of(template).items():
            guard.admit(self.functions[logical_id].access_key_id, policy)
        self.clockwork = self._clockwork(template, Aws(guard.address), aws.client("sqs"))
        self._closing.callback(self.clockwork.close)
        routes = template.routes()
        if not settings.throttled:
            routes = [replace(route, throttle=None) for route in routes]
        callers = Callers.of(template, keys)
        self._gateway.open(routes, self.functions, callers, settings.gateway_seconds)
        self._control.serve(self._answer_control)

    def close(self) -> None:
        """Stop the clock, the gateway and the containers."""
        self._closing.close()

    def api(self, caller: str = "chat-backend", **options: Any) -> httpx.Client:
        """Return a client of the signed routes, as one of the known callers."""
        auth = SigV4(self.keys[caller])
        return browser_names.client(base_url=self.url, auth=auth, **options)

    def browser(self, **options: Any) -> httpx.Client:
        """Return a client of the public routes with a browser's cookies."""
        return browser_names.browser(base_url=self.url, **options)

    def invoke(self, function: str, event: Any) -> Answer:
        """Run one event in a function, by its logical id, without the gateway."""
        return self.pool.invoke(self.functions[function], json.dumps(event).encode())

    def reached(self, url: str) -> str:
        """Return a URL of this machine as the functions reach it: they run on it."""
        return url

    def routes(self) -> set[str]:
        """Return the template's routes."""
        return {route.key for route in self.template.routes()}

    def routes_called(self) -> set[str]:
        """Return the routes in the access log."""
        if not self.access_log.exists():
            return set()
        lines = self.access_log.read_text(encoding="utf-8").splitlines()
        return {route for line in lines if (route := json.loads(line)["route"])}

    def tick(self, *, redeliver: bool = False) -> Tick:
        """Turn the clock once; see Clockwork.tick."""
        return self.clockwork.tick(redeliver=redeliver)

    def containers(self, function: str | None = None) -> list[Container]:
        """Return the living containers, of one function or of all."""
        wanted = [self.functions[function]] if function else list(self.functions.values())
        return [each for each in self.pool.containers() if each.function in wanted]

    def kill(self, pid: int) -> None:
        """Kill a container with SIGKILL, as a crash of its host would."""
        self.pool.kill(pid)

    def physical_id(self, logical_id: str) -> str:
        """Return a table's name, a queue's URL, a key's id or a bus's name."""
        return self.template.intrinsics.physical_id(logical_id)

    def access_key_ids(self) -> dict[str, str]:
        """Return access key id → function."""
        return {each.access_key_id: logical_id for logical_id, each in self.functions.items()}

    def _stop_containers(self) -> None:
        for container in self.containers():
            container.kill()

    def _function(
        self, resource: FunctionResource, template: Template, guard: Guard, settings: Settings
    ) -> LambdaFunction:
        endpoint = {"AWS_ENDPOINT_URL": guard.address}
        return LambdaFunction(
            label=f"{self.name}-{resource.logical_id}",
            name=resource.name,
            folder=resource.folder,
            handler=resource.handler,
            timeout=resource.timeout,
            memory=resource.memory,
            layer=next(iter(template.layers), None),
            python=settings.python,
            access_key_id=function_key(self.name, resource.logical_id),
            environment={**resource.environment, **endpoint, **settings.environment},
            concurrency=settings.concurrency,
        )

    def _clockwork(self, template: Template, aws: Aws, owner: Any) -> Clockwork:
        """Make the clock; what it polls it polls with the function's own role, as Lambda does."""
        sources = [
            Source(
                queue=each.queue,
                url=template.intrinsics.physical_id(each.queue),
                arn=template.intrinsics.arn(each.queue),
                function=self.functions[each.function],
                batch_size=each.batch_size,
                partial=each.partial,
                sqs=aws.client("sqs", self.functions[each.function].access_key_id),
            )
            for each in template.queue_sources()
        ]
        scheduled = [self.functions[name] for name in template.scheduled_functions()]
        return Clockwork(scheduled, sources, self.pool, owner)

    def _answer_control(self, request: Request) -> Reply:
        if (request.method, request.path) == ("POST", "/local/tick"):
            return _json(self.tick(redeliver="redeliver" in request.query).as_json())
        if (request.method, request.path) == ("GET", "/local/containers"):
            return _json(json.dumps([_described(each) for each in self.containers()]).encode())
        return Reply(404)


def _described(container: Container) -> dict[str, Any]:
    return {
        "function": container.function.label,
        "pid": container.pid,
        "busy": container.busy,
        "invocations": container.invocations,
        "log": str(container.log),
    }


def _json(body: bytes) -> Reply:
    return Reply(200, [("Content-Type", "application/json")], body)
