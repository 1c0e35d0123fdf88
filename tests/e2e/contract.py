"""docs/api/openapi.yaml, held against what the running product is asked and what it answers.

The document is closed here: a field that it does not know is a fault, although clients are told to
ignore one.
"""

import functools
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httpx
import yaml
from openapi_schema_validator import OAS31Validator, oas31_format_checker
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from local import browser_names
from local.demo.journey import RETURN_URL, Callers, callers
from local.served import Served
from local.visitor import Stop, Visitor

DOCUMENT = Path(__file__).parents[2] / "docs" / "api" / "openapi.yaml"
type Schema = dict[str, Any]


@functools.cache
def document() -> Schema:
    """Return the document with every object closed that says nothing of further fields."""
    loaded: Schema = yaml.safe_load(DOCUMENT.read_text(encoding="utf-8"))
    for schema in loaded["components"]["schemas"].values():
        _close(schema)
    return loaded


def _close(node: object) -> None:
    if isinstance(node, dict):
        if "properties" in node:
            node.setdefault("additionalProperties", False)
        for member in node.values():
            _close(member)
    elif isinstance(node, list):
        for member in node:
            _close(member)


def resolved(node: Schema) -> Schema:
    found = dict(node)
    while (reference := found.pop("$ref", None)) is not None:
        target: Any = document()
        for part in reference.removeprefix("#/").split("/"):
            target = target[part]
        found = {**target, **found}
    return found


def faults_of(schema: Schema, value: object) -> list[str]:
    resource = DRAFT202012.create_resource(document())
    registry: Registry[Any] = Registry().with_resource("urn:api", resource)
    text = json.dumps(schema).replace('"$ref": "#', '"$ref": "urn:api#')
    found = OAS31Validator(json.loads(text), registry=registry, format_checker=oas31_format_checker)
    return [f"{fault.json_path}: {fault.message}" for fault in found.iter_errors(value)]


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and what came back."""

    answer: httpx.Response

    @property
    def route(self) -> str:
        """The operation, as the document names it; the most literal path that fits."""
        path = self.answer.request.url.raw_path.decode().partition("?")[0]
        fitting = [
            template
            for template in document()["paths"]
            if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path)
        ]
        return f"{self.answer.request.method} {min(fitting, key=lambda one: one.count('{'))}"

    @property
    def operation(self) -> Schema:
        method, _, path = self.route.partition(" ")
        item = document()["paths"][path]
        found: Schema = item[method.lower()]
        return {**found, "parameters": [*item.get("parameters", []), *found.get("parameters", [])]}

    @property
    def code(self) -> str | None:
        """The error code, or `message` for the gateway's own answer."""
        if self.media_type != "application/json" or not self.answer.is_error:
            return None
        error = self.answer.json().get("error", "message")
        return None if isinstance(error, dict) else str(error)  # JSON-RPC has an object there

    @property
    def media_type(self) -> str:
        return str(self.answer.headers.get("content-type", "")).partition(";")[0]

    def faults(self) -> Iterator[str]:
        """Yield how the answer differs from the document."""
        responses = self.operation["responses"]
        if str(self.answer.status_code) not in responses:
            yield f"undocumented status {self.answer.status_code}"
            return
        response = resolved(responses[str(self.answer.status_code)])
        yield from self._header_faults(response)
        yield from self._body_faults(response.get("content"))

    def request_faults(self) -> Iterator[str]:
        """Yield how the request differs from the document."""
        body = self.operation.get("requestBody")
        if body and (body["required"] or self.answer.request.content):
            [(media_type, media)] = body["content"].items()
            yield from faults_of(media["schema"], self._sent(media_type))
        query = dict(parse_qsl(self.answer.request.url.query.decode()))
        for parameter in map(resolved, self.operation["parameters"]):
            if parameter["in"] == "query" and parameter["name"] in query:
                yield from faults_of(parameter["schema"], query.pop(parameter["name"]))
            elif parameter["in"] == "query" and parameter.get("required"):
                yield f"{parameter['name']} is missing"
        yield from (f"undocumented parameter {name}" for name in query)

    def _sent(self, media_type: str) -> object:
        if media_type == "application/json":
            return json.loads(self.answer.request.content)
        return dict(parse_qsl(self.answer.request.content.decode()))

    def _header_faults(self, response: Schema) -> Iterator[str]:
        for name, stated in response.get("headers", {}).items():
            header, value = resolved(stated), self.answer.headers.get(name)
            if value is None:
                if header.get("required"):
                    yield f"no header {name}"
            else:
                kind = header["schema"].get("type")
                yield from faults_of(header["schema"], int(value) if kind == "integer" else value)

    def _body_faults(self, content: Schema | None) -> Iterator[str]:
        if content is None:
            if self.answer.content:
                yield "an undocumented body"
            return
        if self.media_type not in content:
            yield f"undocumented media type {self.media_type}"
            return
        is_json = self.media_type == "application/json"
        shown = self.answer.json() if is_json else self.answer.text
        yield from faults_of(content[self.media_type]["schema"], shown)
        codes = content[self.media_type].get("examples")
        if self.code and self.code not in {"message", *(codes or {})}:
            yield f"undocumented code {self.code}"

    def __str__(self) -> str:
        told = self.answer.text[:200] if self.media_type == "application/json" else self.media_type
        return f"{self.route} → {self.answer.status_code} {told}"


@dataclass(frozen=True, slots=True)
class Recorder:
    """Everything that was asked of the product's own addresses, in order."""

    exchanges: list[Exchange] = field(default_factory=list)

    def __call__(self, answer: httpx.Response) -> None:
        if str(answer.request.url.host) == "broker.localhost":
            answer.read()
            self.exchanges.append(Exchange(answer))

    @contextmanager
    def at(self, deployment: Served) -> Iterator[Callers]:
        """Return callers of a deployment who are listened to."""
        with callers(deployment) as clients:
            for client in (clients.builder, clients.chat):
                client.event_hooks = {"request": [], "response": [self]}
            yield clients

    def visitor(self, decision: str = "allow") -> Visitor:
        browser = browser_names.browser()
        browser.event_hooks = {**browser.event_hooks, "response": [self]}
        return Visitor("alice", decision, http=browser)

    def consent(self, connect_url: str, decision: str = "allow") -> Stop:
        with self.visitor(decision) as visitor:
            return visitor.go(connect_url, until=RETURN_URL)


def routes() -> set[str]:
    """Return every operation of the document."""
    return {
        f"{method.upper()} {path}"
        for path, item in document()["paths"].items()
        for method in item.keys() - {"parameters"}
    }


def codes_of(route: str) -> dict[str, set[str]]:
    """Return a route's statuses, and the error codes that stand under each."""
    method, _, path = route.partition(" ")
    found: dict[str, set[str]] = {}
    for status, stated in document()["paths"][path][method.lower()]["responses"].items():
        media = resolved(stated).get("content", {}).values()
        names = {name for one in media for name in one.get("examples", {})}
        found[status] = names if int(status) >= 400 else set()
    return found
