"""The SAM template, transformed: routes, functions, queues and schedules are read from here."""

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from local.intrinsics import Intrinsics, UnresolvableError
from local.transform import transform

_ANY = "x-amazon-apigateway-any-method"


@dataclass(frozen=True, slots=True)
class Throttle:
    """A token bucket: requests per second, and at once."""

    rate: float
    burst: int


@dataclass(frozen=True, slots=True)
class Route:
    """One route of the HTTP API."""

    method: str
    path: str
    function: str
    signed: bool
    """Whether the gateway asks for AWS IAM authorization."""
    throttle: Throttle | None

    @property
    def key(self) -> str:
        """`GET /v1/servers/{server_id}`, as API Gateway names it."""
        return f"{self.method} {self.path}"


@dataclass(frozen=True, slots=True)
class FunctionResource:
    """One Lambda function; the environment is resolved."""

    logical_id: str
    name: str
    folder: Path
    handler: str
    timeout: float
    memory: int
    environment: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class QueueSource:
    """A queue whose messages are delivered to a function."""

    function: str
    queue: str
    """The queue's logical id."""
    batch_size: int
    partial: bool
    """Whether the function reports the messages that failed (ReportBatchItemFailures)."""


@dataclass(frozen=True)
class Template:
    """One template under given parameters; `with_physical_ids` once the data resources exist."""

    document: Mapping[str, Any]
    intrinsics: Intrinsics
    folders: Mapping[str, Path]
    """A function's logical id → where its code lies."""
    layers: tuple[Path, ...]

    @classmethod
    def load(cls, path: Path, parameters: Mapping[str, str], region: str) -> Self:
        """Read and transform a SAM template; parameters that it does not declare are ignored."""
        made = transform(path, parameters, region)
        return cls(made.document, made.intrinsics, made.functions, made.layers)

    @cached_property
    def resources(self) -> dict[str, dict[str, Any]]:
        """The resources whose conditions hold."""
        return {
            logical_id: resource
            for logical_id, resource in self.document["Resources"].items()
            if "Condition" not in resource or self.intrinsics.holds(resource["Condition"])
        }

    def of_type(self, kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield logical id and *unresolved* properties of each resource of a type."""
        for logical_id, resource in self.resources.items():
            if resource["Type"] == kind:
                yield logical_id, resource.get("Properties", {})

    def resolve(self, value: Any) -> Any:
        """Carry out the intrinsic functions in a part of the document."""
        return self.intrinsics.resolve(value)

    def with_physical_ids(self, physical_ids: Mapping[str, str]) -> Self:
        """Return the template with the ids that the data resources got."""
        ids = {**self.intrinsics.physical_ids, **physical_ids}
        intrinsics = dataclasses.replace(self.intrinsics, physical_ids=ids)
        return dataclasses.replace(self, intrinsics=intrinsics)

    def functions(self) -> list[FunctionResource]:
        """Return the functions; their environments need the physical ids."""
        return [
            self._function(logical_id, properties)
            for logical_id, properties in self.of_type("AWS::Lambda::Function")
        ]

    def routes(self) -> list[Route]:
        """Return the routes of the HTTP API."""
        return [
            self._route(_method(method), path, operation)
            for _, properties in self.of_type("AWS::ApiGatewayV2::Api")
            for path, operations in properties["Body"]["paths"].items()
            for method, operation in operations.items()
        ]

    def queue_sources(self) -> list[QueueSource]:
        """Return the enabled event source mappings of queues."""
        queues = {self.intrinsics.arn(name): name for name, _ in self.of_type("AWS::SQS::Queue")}
        mappings = [
            self.resolve(properties)
            for _, properties in self.of_type("AWS::Lambda::EventSourceMapping")
        ]
        return [
            QueueSource(
                function=self._function_at(mapping["FunctionName"]),
                queue=queues[mapping["EventSourceArn"]],
                batch_size=int(mapping.get("BatchSize", 10)),
                partial="ReportBatchItemFailures" in mapping.get("FunctionResponseTypes", []),
            )
            for mapping in mappings
            if mapping.get("Enabled", True)
        ]

    def scheduled_functions(self) -> list[str]:
        """Return the functions that an enabled EventBridge schedule calls."""
        schedules = [self.resolve(each) for _, each in self.of_type("AWS::Scheduler::Schedule")]
        return [
            self._function_at(schedule["Target"]["Arn"])
            for schedule in schedules
            if schedule.get("State", "ENABLED") == "ENABLED"
        ]

    def _function(self, logical_id: str, properties: dict[str, Any]) -> FunctionResource:
        variables = self.resolve(properties.get("Environment", {}).get("Variables", {}))
        return FunctionResource(
            logical_id=logical_id,
            name=self.intrinsics.physical_id(logical_id),
            folder=self.folders[logical_id],
            handler=properties["Handler"],
            timeout=float(self.resolve(properties.get("Timeout", 3))),
            memory=int(self.resolve(properties.get("MemorySize", 128))),
            environment={name: _as_text(value) for name, value in variables.items()},
        )

    def _route(self, method: str, path: str, operation: dict[str, Any]) -> Route:
        schemes = {name for scheme in operation.get("security", []) for name in scheme}
        if unknown := schemes - {"AWS_IAM", "NONE"}:
            raise UnresolvableError(f"{method} {path}: the authorizer {unknown} is not known here.")
        integration = operation["x-amazon-apigateway-integration"]
        return Route(
            method=method,
            path=path,
            function=self._function_at(self.resolve(integration["uri"])),
            signed="AWS_IAM" in schemes,
            throttle=self._throttle(f"{method} {path}"),
        )

    def _throttle(self, key: str) -> Throttle | None:
        for _, properties in self.of_type("AWS::ApiGatewayV2::Stage"):
            stage = self.resolve(properties)
            settings = {
                **stage.get("DefaultRouteSettings", {}),
                **stage.get("RouteSettings", {}).get(key, {}),
            }
            if "ThrottlingRateLimit" in settings:
                rate = float(settings["ThrottlingRateLimit"])
                return Throttle(rate, int(settings.get("ThrottlingBurstLimit", rate)))
        return None

    def _function_at(self, reference: str) -> str:
        """Return the logical id of the function that a name, an ARN or an integration URI means."""
        for logical_id, _ in self.of_type("AWS::Lambda::Function"):
            name, arn = self.intrinsics.physical_id(logical_id), self.intrinsics.arn(logical_id)
            if reference in {name, arn} or f"/{arn}/invocations" in reference:
                return logical_id
        raise UnresolvableError(f"{reference} is no function of this template.")


def _method(key: str) -> str:
    return "ANY" if key == _ANY else key.upper()


def _as_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
