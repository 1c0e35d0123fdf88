"""What the documents name is there: files, headings, routes, parameters, commands, codes."""

import functools
import json
import re
import subprocess
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest

import broker.endpoint_errors  # noqa: F401 # errors that the tree must know
from broker.diagnosis import Cause
from broker.errors import BrokerError
from broker.events import EventType
from broker.model import Reason
from local.demo import connecting, leaving, registering, renewing
from smoke.steps import STEPS
from tests.unit.documents import PAGES, Page, page
from tests.unit.transformed import ROOT, TEMPLATE, functions, of_type, source

BROKER = ROOT / "layers" / "common" / "broker"
CALLERS_OWN = {
    "AWS_DEFAULT_REGION",
    "DOCKER_HOST",
    "AWS_ACCESS_KEY_ID",
    "AWS_REGION",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "BROKER_LOCAL_ORIGINS",
    "BROKER_URL",
    "TEST_ID",
}
"""Variables that a caller's shell has, and the one that only the local stack sets."""
READERS_OWN = {"salesforce.json", "app.py", "functions/X/app.py", "flows/x.py"}
"""A file that the reader makes, and some that stand for any."""
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_SOURCE = re.compile(r'src(?:set)?="([^"]+)"')
_ROUTE = re.compile(r"\b(GET|PUT|POST|DELETE) (/[\w/{}.-]+)")
_CALL = re.compile(r'signed(?: -X (\w+))? "\$BROKER_URL(/[^"?]+)')
_FILE = re.compile(r"[\w.*-]+(?:/[\w.*-]+)*(?:\.(?:py|md|yaml|toml|svg|json|txt)|/)")
_VARIABLE = re.compile(r"[A-Z][A-Z0-9]+(?:_[A-Z0-9]+)+")
_CAMEL = re.compile(r"[A-Z][a-z0-9]+(?:[A-Z][a-z0-9]*)+")


def pages() -> list[Any]:
    return [pytest.param(Page(path), id=str(path.relative_to(ROOT))) for path in PAGES]


@functools.cache
def routes() -> tuple[str, ...]:
    [api] = of_type("AWS::ApiGatewayV2::Api").values()
    paths = api["Body"]["paths"]
    return tuple(f"{method.upper()} {path}" for path, item in paths.items() for method in item)


@functools.cache
def code() -> str:
    """Return all that the template and the program say."""
    folders = (BROKER, ROOT / "local", ROOT / "examples")
    texts = [path.read_text("utf-8") for folder in folders for path in sorted(folder.rglob("*.*y"))]
    return "\n".join([TEMPLATE.read_text("utf-8"), *texts])


def is_route(method: str, path: str) -> bool:
    """Say whether a path, its ids filled in or not, is one of the API's."""
    for route in routes():
        known_method, _, known = route.partition(" ")
        pattern = re.sub(r"\\{\w+\\}", "[^/]+", re.escape(known))
        if method == known_method and re.fullmatch(pattern, path):
            return True
    return False


def named_routes(document: Page) -> Iterator[tuple[str, str]]:
    for text in [*document.spans(), *document.blocks("http")]:
        yield from _ROUTE.findall(text)
    for block in document.blocks("sh"):
        yield from ((method or "GET", path) for method, path in _CALL.findall(block))


def errors() -> dict[str, str]:
    found, waiting = {}, [BrokerError]
    while waiting:
        kind = waiting.pop()
        found[kind.error] = str(kind.status)
        waiting += kind.__subclasses__()
    return found


@pytest.mark.parametrize("document", pages())
def test_every_link_leads_somewhere(document: Page) -> None:
    for target in [*_LINK.findall(document.prose), *_SOURCE.findall(document.prose)]:
        if not target.startswith("https://"):
            name, _, anchor = target.partition("#")
            found = (document.path.parent / name).resolve() if name else document.path
            assert found.exists(), target
            assert not anchor or anchor in Page(found).anchors, target


@pytest.mark.parametrize("document", pages())
def test_every_file_that_is_named_exists(document: Page) -> None:
    roots = (document.path.parent, ROOT, BROKER)
    for span in document.spans() - READERS_OWN:
        if _FILE.fullmatch(span):
            assert any(any(root.glob(span.rstrip("/"))) for root in roots), span


@pytest.mark.parametrize("document", pages())
def test_every_command_of_make_exists(document: Page) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE))
    for text in [*document.spans(), *document.blocks("sh")]:
        assert set(re.findall(r"\bmake ([a-z-]+)", text)) <= targets, text


@pytest.mark.parametrize("document", pages())
def test_every_route_is_one_of_the_template(document: Page) -> None:
    for method, path in named_routes(document):
        assert is_route(method, path), f"{method} {path}"
    for span in document.spans():
        if re.fullmatch(r"/(v1|authorize|callback)\b[\w/{}]*", span):
            assert any(route.split(" ")[1].startswith(span) for route in routes()), span


@pytest.mark.parametrize("document", pages())
def test_every_variable_and_every_name_of_the_stack_exists(document: Page) -> None:
    variables = functions()["AuthorizeFunction"]["Environment"]["Variables"].keys() | CALLERS_OWN
    used = {name for block in document.blocks("sh") for name in re.findall(r"\$\{?(\w+)", block)}
    spans = {span.partition("=")[0] for span in document.spans()}
    shell = {name for name in used if _VARIABLE.fullmatch(name)}
    assert {name for name in spans if _VARIABLE.fullmatch(name)} | shell <= variables
    for name in spans:
        if _CAMEL.fullmatch(name):
            assert re.search(rf"\b{name}\b", code()), name


@pytest.mark.parametrize("document", pages())
def test_json_parses_and_shell_is_shell(document: Page) -> None:
    for block in document.blocks("json"):
        json.loads(block)
    for block in document.blocks("sh"):
        command = ["bash", "-n", "-c", block]
        checked = subprocess.run(command, capture_output=True, text=True, check=False)
        assert checked.returncode == 0, f"{block}\n{checked.stderr}"


def test_the_parameters_and_outputs_are_all_explained() -> None:
    deploy = page("docs/deploy.md")
    assert deploy.rows("## Parameters").keys() == source()["Parameters"].keys()
    assert deploy.rows("## Outputs").keys() == source()["Outputs"].keys()


def test_whatever_only_a_cloud_account_can_show_has_a_reason_and_a_command() -> None:
    _, _, section = page("docs/deploy.md").text.partition("## What only a cloud account can show")
    rows = re.findall(r"^\| (.+?) \| (.+?) \| (.+) \|$", section.split("\n## ")[0], re.MULTILINE)
    assert len(rows) > 15
    for what, _, shown in rows[1:]:
        assert re.search(r"`(aws|sam|curl) [^`]+`", shown), what


def test_the_readme_counts_functions_tables_and_keys() -> None:
    assert (len(functions()), len(of_type("AWS::DynamoDB::Table"))) == (8, 6)
    assert of_type("AWS::KMS::Key").keys() == {"VaultKey", "AssertionKey"}
    assert (
        "Eight small Lambda functions, six DynamoDB tables, one KMS key" in page("README.md").text
    )
    assert "with `SigningKey=create` a second" in page("README.md").text


def test_the_readme_shows_the_demonstration_as_it_is() -> None:
    [shown] = page("README.md").blocks("text")
    steps = [*registering.STEPS, *connecting.STEPS, *renewing.STEPS, *leaving.STEPS]
    titles = ["the stack starts", *(title for title, _ in steps)]
    assert re.findall(r"^ *\d+ +(.+?)  ", shown, re.MULTILINE) == titles


def test_the_check_of_a_deployment_is_shown_as_it_is() -> None:
    [shown] = page("docs/deploy.md").blocks("text")
    assert re.findall(r"^ *\d+ +(.+?)  ", shown, re.MULTILINE) == [title for title, _ in STEPS]
    assert shown.splitlines()[-1] == f"smoke: {len(STEPS)} steps, all held"


def test_every_cause_is_explained_once() -> None:
    text = page("docs/troubleshooting.md").prose
    assert re.findall(r"^### (\w+)$", text, re.MULTILINE) == sorted(Cause)


def test_every_reason_of_a_reconnect_is_explained() -> None:
    explained = page("docs/troubleshooting.md").rows("## When a connection fails later")
    assert explained.keys() == {reason.value for reason in Reason}


def test_every_code_is_explained_under_its_status() -> None:
    explained = page("docs/api/api.md").rows("## Errors")
    assert {code: rest.split("|")[0].strip() for code, rest in explained.items()} == errors()


def test_every_event_is_named() -> None:
    assert {event.value for event in EventType} <= page("docs/architecture.md").spans()


def test_every_room_has_a_line() -> None:
    rooms = {path.stem for path in BROKER.iterdir() if path.suffix == ".py" or path.is_dir()}
    explained = page("docs/architecture.md").rows("## Rooms and arrows").keys()
    assert explained == rooms - {"__init__", "__pycache__", "py"}


def test_every_function_and_table_has_a_line() -> None:
    architecture = page("docs/architecture.md")
    folders = {path.parent.name for path in ROOT.glob("functions/*/app.py")}
    assert architecture.rows("## The functions").keys() == folders
    assert page("docs/threat-model.md").rows("## T11").keys() == folders
    stored = architecture.rows("## What is stored").keys()
    assert stored >= of_type("AWS::DynamoDB::Table").keys()


def test_every_log_line_and_metric_is_one_that_is_written() -> None:
    operations = page("docs/operations.md")
    named = [*operations.rows("## Logs"), *operations.rows("## Metrics")]
    assert [name for name in named if f'"{name}"' not in code()] == []


def test_every_threat_has_a_heading() -> None:
    text = page("docs/threat-model.md").prose
    assert re.findall(r"^## (T\d+) ", text, re.MULTILINE) == [f"T{n}" for n in range(1, 12)]


def test_the_index_lists_every_decision_by_its_title() -> None:
    folder = ROOT / "docs" / "decisions"
    written = {
        path.name: path.read_text("utf-8").splitlines()[0].removeprefix(f"# {path.name[:4]} ")
        for path in folder.glob("[0-9]*.md")
    }
    listed = re.findall(
        r"^\| \[(\d{4})\]\((.+)\) \| (.+) \|$", page("docs/decisions/README.md").text, re.MULTILINE
    )
    assert {name: title for _, name, title in listed} == written
    assert [number for number, _, _ in listed] == sorted(name[:4] for name in written)


def test_the_changelog_begins_with_the_version_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    [first, *_] = re.findall(r"^## \[(.+)\] - (.+)$", page("CHANGELOG.md").text, re.MULTILINE)
    assert first[0] == project["version"]
