"""The arrows point one way, and nothing outgrows its room (docs: house rules)."""

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from tests.unit.transformed import ROOT

BROKER = ROOT / "layers" / "common" / "broker"
FLOORS: tuple[frozenset[str], ...] = (
    frozenset({"errors", "clock", "wire", "metrics", "templates"}),
    frozenset(
        {"model", "endpoint_errors", "settings", "telemetry", "presets", "diagnosis", "wording"}
    ),
    frozenset({"outbound", "redaction"}),
    frozenset({"oauth", "mcp", "storage", "vault", "queues", "events"}),
    frozenset({"credentials"}),
    frozenset({"tokens", "discovery"}),
    frozenset(
        {
            "connect",
            "completion",
            "binding",
            "grants",
            "calls",
            "proposals",
            "sessions",
            "removal",
            "reports",
        }
    ),
    frozenset({"flows"}),
    frozenset({"wiring"}),
)
FLOOR_OF = {room: number for number, floor in enumerate(FLOORS) for room in floor}
BESIDE = "inbound"
FUNCTIONS = len(FLOORS)
NO_AWS = frozenset({"oauth", "mcp", "outbound"})
AWS = frozenset({"storage", "vault", "credentials", "queues", "events", "wiring"})
FORBIDDEN_NAMES = frozenset({"utils", "helpers", "common", "base", "manager", "service", "misc"})
CLIENT_MAKERS = frozenset(
    {
        "boto3.client",
        "boto3.resource",
        "boto3.Session",
        "boto3.session.Session",
        "httpx.Client",
        "os.getenv",
        "os.environ.get",
        "Settings.read",
        "wiring",
    }
)


@dataclass(frozen=True, slots=True)
class Module:
    """One source file."""

    path: Path
    name: str
    package: str
    """What relative imports start from."""

    @property
    def room(self) -> str:
        """Name the room: a package or module under broker; each flow is a room of its own."""
        parts = self.name.split(".")
        if parts[0] != "broker":
            return parts[0]
        return ".".join(parts[1:3] if parts[1:2] == ["flows"] else parts[1:2])

    def imported(self) -> Iterator[str]:
        """Yield what is imported, types for checkers and imports inside functions included."""
        for node in ast.walk(tree(self.path)):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                yield from self._imported_from(node)

    def _imported_from(self, node: ast.ImportFrom) -> Iterator[str]:
        origin = node.module or ""
        if node.level:
            above = self.package.split(".")[: len(self.package.split(".")) - node.level + 1]
            origin = ".".join([*above, *([origin] if origin else [])])
        # `from broker import x` and `from broker.flows import x` name a room in x.
        if origin in {"broker", "broker.flows"}:
            yield from (f"{origin}.{alias.name}" for alias in node.names)
        else:
            yield origin


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def module(path: Path, root: Path) -> Module:
    parts = list(path.relative_to(root).with_suffix("").parts)
    inside = parts[:-1]
    if parts[-1] == "__init__":
        parts.pop()
    return Module(path, ".".join(parts), ".".join(inside))


@cache
def modules() -> tuple[Module, ...]:
    return tuple(module(path, BROKER.parent) for path in sorted(BROKER.rglob("*.py")))


@cache
def handlers() -> tuple[Module, ...]:
    return tuple(module(p, ROOT) for p in sorted((ROOT / "functions").rglob("*.py")))


def rooms_imported(importer: Module) -> set[str]:
    """Return the rooms of the broker that a module imports, its own left out."""
    found = set()
    for name in importer.imported():
        parts = name.split(".")
        if parts[0] == "broker" and len(parts) > 1:
            found.add(".".join(parts[1:3] if parts[1] == "flows" else parts[1:2]))
    return found - {importer.room}


def floor_of(room: str) -> int:
    return FLOOR_OF[room.split(".", maxsplit=1)[0]]


def ours() -> list[Module]:
    return [m for m in modules() if m.name != "broker"]


def test_every_room_has_its_floor() -> None:
    rooms = {m.room.split(".")[0] for m in ours()}
    assert rooms - FLOOR_OF.keys() - {BESIDE} == set()


@pytest.mark.parametrize("importer", ours(), ids=lambda m: m.name)
def test_a_module_imports_only_from_floors_below(importer: Module) -> None:
    if importer.room == BESIDE:
        allowed = FLOORS[0] | FLOORS[1]
        assert {room for room in rooms_imported(importer) if room not in allowed} == set()
        return
    here = floor_of(importer.room)
    upwards = {
        room for room in rooms_imported(importer) if room == BESIDE or floor_of(room) >= here
    }
    assert upwards == set()


def test_a_flow_has_the_name_of_its_function() -> None:
    flows = {m.room.removeprefix("flows.") for m in ours() if m.room.startswith("flows.")}
    functions = {path.parent.name for path in (ROOT / "functions").glob("*/app.py")}
    assert flows == functions


@pytest.mark.parametrize("handler", handlers(), ids=lambda m: m.name)
def test_a_handler_reaches_no_flow_but_through_the_wiring(handler: Module) -> None:
    allowed = {BESIDE, "wiring"} | {room for floor in FLOORS[:-2] for room in floor}
    assert rooms_imported(handler) - allowed == set()


@pytest.mark.parametrize("folder", ["local", "examples", "smoke"])
def test_what_stands_outside_reaches_the_product_through_its_http_api(folder: str) -> None:
    outside = [module(path, ROOT) for path in sorted((ROOT / folder).rglob("*.py"))]
    importing = [m.name for m in outside for name in m.imported() if name.split(".")[0] == "broker"]
    assert importing == []


def test_the_smoke_test_needs_nothing_of_the_local_stack_but_how_it_speaks() -> None:
    inside = [module(path, ROOT) for path in sorted((ROOT / "smoke").rglob("*.py"))]
    names = {name for m in inside for name in m.imported()}
    theirs = {name for name in names if name.split(".")[0] not in sys.stdlib_module_names}
    allowed = {"smoke", "httpx", "certifi", "botocore"}
    assert {name for name in theirs if name.split(".")[0] not in allowed} == {"local.telling"}


@pytest.mark.parametrize("importer", ours(), ids=lambda m: m.name)
def test_only_six_rooms_know_aws(importer: Module) -> None:
    if importer.room.split(".")[0] in AWS:
        return
    aws = {"boto3", "botocore", "mypy_boto3_dynamodb", "mypy_boto3_kms", "mypy_boto3_sqs"}
    assert {name.split(".")[0] for name in importer.imported()} & aws == set()


def test_the_protocols_do_not_even_reach_aws_through_another_room() -> None:
    below = {m.name: rooms_imported(m) for m in ours() if m.room in NO_AWS}
    assert {name: rooms & AWS for name, rooms in below.items() if rooms & AWS} == {}


@pytest.mark.parametrize("importer", ours(), ids=lambda m: m.name)
def test_only_settings_and_wiring_know_the_environment(importer: Module) -> None:
    if importer.room in {"settings", "wiring"}:
        return
    reads = [
        ast.unparse(node)
        for node in ast.walk(tree(importer.path))
        if isinstance(node, ast.Attribute) and ast.unparse(node) in {"os.environ", "os.getenv"}
    ]
    assert reads == []


def _at_import(node: ast.AST) -> Iterator[ast.Call]:
    """Yield the calls that run when a module is imported."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(child, ast.Call):
            yield child
        yield from _at_import(child)


@pytest.mark.parametrize("importer", [*ours(), *handlers()], ids=lambda m: m.name)
def test_importing_a_module_reads_no_environment_and_builds_no_client(importer: Module) -> None:
    calls = {ast.unparse(call.func) for call in _at_import(tree(importer.path))}
    assert calls & CLIENT_MAKERS == set()


@pytest.mark.parametrize("source", [*modules(), *handlers()], ids=lambda m: m.name)
def test_a_module_has_at_most_three_hundred_lines(source: Module) -> None:
    assert len(source.path.read_text(encoding="utf-8").splitlines()) <= 300


@pytest.mark.parametrize("source", [*ours(), *handlers()], ids=lambda m: m.name)
def test_a_function_has_at_most_fifty_lines(source: Module) -> None:
    long = [
        node.name
        for node in ast.walk(tree(source.path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno >= 50
    ]
    assert long == []


def test_no_module_has_a_name_that_says_nothing() -> None:
    words = {word for m in ours() for part in m.name.split(".") for word in part.split("_")}
    assert words & FORBIDDEN_NAMES == set()


def _routes(handler: Module) -> list[ast.FunctionDef]:
    return [
        node
        for node in tree(handler.path).body
        if isinstance(node, ast.FunctionDef) and node.decorator_list
    ]


@pytest.mark.parametrize("handler", handlers(), ids=lambda m: m.name)
def test_a_route_parses_calls_and_answers_in_a_few_statements(handler: Module) -> None:
    longest = {route.name: len(route.body) for route in _routes(handler) if len(route.body) > 4}
    assert longest == {}


@pytest.mark.parametrize("handler", handlers(), ids=lambda m: m.name)
def test_a_handler_decides_nothing(handler: Module) -> None:
    branching = (ast.If, ast.Match, ast.For, ast.While, ast.Try)
    found = [type(n).__name__ for n in ast.walk(tree(handler.path)) if isinstance(n, branching)]
    assert found == []
