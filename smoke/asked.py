"""What is to be checked: read from the command line, refused in one sentence."""

import argparse
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

from smoke.addresses import api_origin, mcp_url
from smoke.failures import CannotRunError

PREFIX = "smoke-"
_OURS = re.compile(rf"{PREFIX}[0-9a-f]{{4,40}}")
_NEEDED = (
    "Say what to check: make smoke API=https://… MCP=https://… [TOOL=name] [ARGUMENTS='{…}']."
    " API is the stack's output ApiUrl; MCP is an MCP server that asks for no credentials."
)


@dataclass(frozen=True, slots=True)
class Asked:
    """A deployment, and the MCP server to meet through it."""

    api: str
    """The API's origin."""
    mcp: str = ""
    tool: str = ""
    """Empty: one that says it only reads, if the server has any."""
    arguments: dict[str, Any] = field(default_factory=dict)
    remove: str = ""
    """The id of a server that an earlier run could not delete; then nothing else is done."""


def read(arguments: Sequence[str]) -> Asked:
    """Parse and check; raise CannotRunError. An option that is given empty counts as left out."""
    given = _parser().parse_args(arguments)
    if not given.api or not (given.mcp or given.remove):
        raise CannotRunError(_NEEDED)
    if given.remove and not _OURS.fullmatch(given.remove):
        raise CannotRunError(f"REMOVE takes an id that this check made, such as {PREFIX}0123abcd.")
    if given.arguments and not given.tool:
        raise CannotRunError("ARGUMENTS are for the tool that TOOL names: give both.")
    return Asked(
        api_origin(given.api),
        mcp_url(given.mcp),
        given.tool,
        _arguments(given.arguments),
        given.remove,
    )


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Speak as everything else here does."""
        raise CannotRunError(f"{message[:1].upper()}{message[1:]}. {_NEEDED}")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m smoke", description=__doc__, allow_abbrev=False)
    for name, text in (
        ("--api", "the stack's output ApiUrl"),
        ("--mcp", "URL of an MCP server that asks for no credentials"),
        ("--tool", "the tool to run"),
        ("--arguments", "its arguments, a JSON object"),
        ("--remove", "delete what an earlier run left behind"),
    ):
        parser.add_argument(name, default="", help=text)
    return parser


def _arguments(text: str) -> dict[str, Any]:
    try:
        parsed = json.loads(text or "{}")
    except ValueError as exc:
        raise CannotRunError(f"ARGUMENTS is not JSON: {exc}.") from exc
    if not isinstance(parsed, dict):
        raise CannotRunError("ARGUMENTS must be a JSON object, such as '{\"limit\": 10}'.")
    return parsed
