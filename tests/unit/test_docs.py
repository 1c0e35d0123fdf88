"""What the documents name is there: files, headings, routes, parameters, commands, codes, causes."""

import functools
import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from broker.diagnosis import Cause
from broker.errors import BrokerError
from broker.events import EventType
from broker.flows.servers import Servers
from broker.inbound.requests import CompleteRequest, InvokeRequest, PutServerRequest
from broker.model import Precondition
from broker.outbound import Outbound
from local.demo.neighbours import Neighbours
from local.demo.tenant import Tenant
from local.deployment import Deployment
from tests.unit.transformed import ROOT, TEMPLATE, of_type, source

BROKER = ROOT / "layers" / "common" / "broker"
PAGES = sorted(
    [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), ROOT / "examples" / "README.md"],
)
CALLERS_OWN = {
    "AWS_ACCESS_KEY_ID",
    "AWS_REGION",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "BROKER_LOCAL_ORIGINS",
    "BROKER_URL",
    "TEST_ID",
}
"""Variables that a caller's shell has, and the one that only the local stack sets."""
SALESFORCE = "## A complete example: Salesforce"

_FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_CODE = re.compile(r"`([^`\n]+)`")
_ROUTE = re.compile(r"\b(GET|PUT|POST|DELETE) (/[\w/{}.$-]+)")
_PATH = re.compile(r"^[\w.*-]+(/[\w.*-]+)*/?$")
_SUFFIXES = (".py", ".md", ".yaml", ".toml", ".svg", ".json", ".txt", "/")


@dataclass(frozen=True, slots=True)
class Page:
    """One document."""

    path: Path

    @property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @property
    def prose(self) -> str:
        """The text without its code blocks."""
        return _FENCE.sub("", self.text)

    def blocks(self, *languages: str) -> list[str]:
        """Return the code blocks in these languages, their indentation taken off."""
        return [
            re.sub(rf"^{indent}", "", block, flags=re.MULTILINE)
            for indent, language, block in _FENCE.findall(self.text)
            if language in languages
        ]

    def spans(self) -> set[str]:
        """Return what stands in backticks in the prose."""
        return set(_CODE.findall(self.prose))

    @property
    def anchors(self) -> set[str]:
        """The headings as links name them."""
        headings = re.findall(r"^#+ (.+)$", self.prose, re.MULTILINE)
        return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def pages() -> list[Any]:
    return [pytest.param(Page(path), id=str(path.relative_to(ROOT))) for path in PAGES]


def page(name: str) -> Page:
    return Page(ROOT / name)


@functools.cache
def routes() -> tuple[str, ...]:
    [api] = of_type("AWS::ApiGatewayV2::Api").values()
    paths = api["Body"]["paths"]
    return tuple(f"{method.upper()} {path}" for path, item in paths.items() for method in item)


@functools.cache
def code() -> str:
    """Return all that the template and the program say."""
    folders = (ROOT / "layers" / "common" / "broker", ROOT / "local", ROOT / "examples")
    texts = [path.read_text("utf-8") for folder in folders for path in folder.rglob("*.py")]
    return "\n".join([TEMPLATE.read_text("utf-8"), *texts])


def fits_a_route(method: str, path: str) -> bool:
    """Say whether a path, its ids filled in or not, is one of the API's."""
    literal = re.sub(r"[{$]\w+\}?", "{}", path)
    for route in routes():
        known_method, _, known = route.partition(" ")
        pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(known))
        if method in {known_method, "*"} and re.fullmatch(pattern, literal):
            return True
    return False


def salesforce() -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the README's PUT body, and the answers it shows on the way."""
    section = page("README.md").text.split(SALESFORCE, 1)[1].split("\n## ", 1)[0]
    blocks = [json.loads(block) for _, language, block in _FENCE.findall(section) if language]
    raise NotImplementedError(blocks)


@pytest.mark.parametrize("document", pages())
def test_every_link_leads_somewhere(document: Page) -> None:
    for target in _LINK.findall(document.prose):
        if target.startswith("https://"):
            continue
        name, _, anchor = target.partition("#")
        found = (document.path.parent / name).resolve() if name else document.path
        assert found.exists(), target
        if anchor:
            assert anchor in Page(found).anchors, target
