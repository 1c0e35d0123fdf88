"""docs/api/openapi.yaml, read: its operations, answers and examples, references followed."""

import functools
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from tests.unit.transformed import ROOT

DOCUMENT = ROOT / "docs" / "api" / "openapi.yaml"
METHODS = {"get", "put", "post", "delete", "patch", "head", "options", "trace"}

type Schema = Mapping[str, Any]


@functools.cache
def document() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(DOCUMENT.read_text(encoding="utf-8"))
    return loaded


def resolved(node: Schema, root: Schema | None = None) -> dict[str, Any]:
    """Follow ``$ref``; what stands beside it wins."""
    found = dict(node)
    while (reference := found.pop("$ref", None)) is not None:
        target: Any = document() if root is None else root
        for part in reference.removeprefix("#/").split("/"):
            target = target[part]
        found = {**target, **found}
    return found


def operations() -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in document()["paths"].items():
        for method in sorted(METHODS & item.keys()):
            parameters = [*item.get("parameters", []), *item[method].get("parameters", [])]
            found = {**item[method], "parameters": [resolved(one) for one in parameters]}
            yield f"{method.upper()} {path}", found


def answers() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield route, status and response."""
    for route, operation in operations():
        for status, response in operation["responses"].items():
            yield route, status, resolved(response)


def examples() -> Iterator[tuple[str, str, Any, Schema]]:
    """Yield where it stands, its name, its value, and the schema it is an example of."""
    for route, operation in operations():
        body = operation.get("requestBody")
        for media in body["content"].values() if body else []:
            for name, example in media.get("examples", {}).items():
                yield route, name, resolved(example)["value"], media["schema"]
    for route, status, response in answers():
        for media in response.get("content", {}).values():
            for name, example in media.get("examples", {}).items():
                yield f"{route} {status}", name, resolved(example)["value"], media["schema"]
