"""What is to be checked: read from the command line, refused in one sentence."""

import argparse
import ipaddress
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn
from urllib.parse import urlsplit

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
        _origin(given.api), given.mcp, given.tool, _arguments(given.arguments), given.remove
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


def _origin(text: str) -> str:
    """Return the origin; a loopback address, and it alone, may be plain http."""
    try:
        url = urlsplit(text.strip())
        port = f":{url.port}" if url.port else ""
    except ValueError as exc:
        raise CannotRunError(f"API is not a URL: {exc}.") from exc
    host = (url.hostname or "").lower()
    if url.scheme not in {"https", "http"} or not host:
        raise CannotRunError("API must begin with https://, as the stack's output ApiUrl does.")
    if url.path.strip("/") or url.query or url.fragment or "@" in url.netloc:
        raise CannotRunError(f"API must be the address alone: {url.scheme}://{host}{port}")
    if url.scheme == "http" and not _is_loopback(host):
        raise CannotRunError(f"API must be https, not http: https://{host}{port}")
    # Python may not resolve these names (RFC 6761 §6.3), which `make dev` prints for browsers.
    host = "127.0.0.1" if host.endswith(".localhost") else host
    return f"{url.scheme}://{f'[{host}]' if ':' in host else host}{port}"


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
