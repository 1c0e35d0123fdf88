"""A function as Lambda runs it: its own handler on a gateway's event, and what that costs."""

import importlib.util
import json
from collections import Counter
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest

from tests.integration.conftest import Container, World
from tests.unit.inbound_events import CONTEXT, event
from tests.unit.transformed import ROOT


@dataclass(frozen=True, slots=True)
class Run:
    """What one invocation answered, asked AWS for and printed."""

    answer: dict[str, Any]
    requests: Counter[str]
    printed: str

    @property
    def status(self) -> int:
        return int(self.answer["statusCode"])

    @property
    def body(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(self.answer["body"])
        return told


@dataclass(frozen=True, slots=True)
class Function:
    """One function in one container."""

    world: World
    handler: Any
    capsys: pytest.CaptureFixture[str]

    def __call__(self, sent: dict[str, Any]) -> Run:
        self.capsys.readouterr()
        self.world.cloud.sent.clear()
        answer = self.handler(sent, CONTEXT)
        return Run(answer, Counter(self.world.cloud.sent), self.capsys.readouterr().out)


def function(
    name: str,
    world: World,
    patch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    core: Container | None = None,
) -> Function:
    """Load a function's app on a container of the world, whose clock the doors take too."""
    path = ROOT / "functions" / name / "app.py"
    spec = importlib.util.spec_from_file_location(f"function_{name}", path)
    assert spec
    assert spec.loader
    module: Any = importlib.util.module_from_spec(spec)
    core = core or world.core
    patch.setattr("broker.wiring.wiring", lambda: core.flows)
    spec.loader.exec_module(module)
    for door in ("door", "batch"):
        time = SimpleNamespace(monotonic=core.clock.monotonic)
        patch.setattr(f"broker.inbound.{door}.time", time)
    return Function(world, module.lambda_handler, capsys)


def request(method: str, path: str, body: object = None, **more: Any) -> dict[str, Any]:
    """Return the gateway's event for a request."""
    sent = event(None if body is None else json.dumps(body), **more)
    sent["rawPath"] = path
    sent["requestContext"]["http"] = {"method": method, "path": path}
    return sent


def invoke_request(user_id: str = "jo", **more: object) -> dict[str, Any]:
    called = {"user_id": user_id, "server_id": "crm", "tool": "get", "arguments": {}}
    return request("POST", "/v1/invoke", called | more)


def messages(queue_url: str, *bodies: str) -> dict[str, Any]:
    """Return the event of a batch of messages."""
    name = queue_url.rsplit("/", 1)[-1]
    arn = f"arn:aws:sqs:us-east-1:123456789012:{name}"
    records = [
        {"messageId": str(n), "eventSourceARN": arn, "body": body} for n, body in enumerate(bodies)
    ]
    return {"Records": records}
