"""A server as one connection reaches it: the gaps of its URLs filled with what is kept."""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from broker.templates import filled, gaps

from .quirks import CLIENT_ID
from .server import Server

TOKEN = "token"
"""The gap of a revocation endpoint that the token goes into, where the service has it there."""
TEMPLATED = (
    "mcp_url",
    "token_endpoint",
    "refresh_endpoint",
    "revocation_endpoint",
    "userinfo_endpoint",
)
"""The URLs of a server that may have gaps, but for those among its quirks."""


def placed(server: Server, kept: Mapping[str, str]) -> Server:
    """Return the server with the URLs that requests of one connection go to.

    For requests alone: its ``config_digest`` is another. What does not fit its rule (any more) is
    not filled in, and a URL with a gap left is one that is not sent.
    """
    urls: dict[str, Any] = {name: getattr(server, name) for name in TEMPLATED}
    quirks = server.quirks
    inner = [quirks.introspection_endpoint, _exchange_of(server)]
    if not any(gaps(url) for url in (*urls.values(), *inner)):
        return server
    values = _values(server, kept)
    exchange = quirks.long_lived_exchange
    quirks = replace(
        quirks,
        introspection_endpoint=_filled(quirks.introspection_endpoint, values),
        long_lived_exchange=exchange
        and replace(exchange, endpoint=filled(exchange.endpoint, values)),
    )
    urls = {name: _filled(url, values) for name, url in urls.items()}
    return replace(server, quirks=quirks, **urls)


def unconnected(server: Server) -> Server:
    """Return the server as it is reached before anybody is connected: with the defaults.

    An endpoint that has a gap left is None: only a connection knows it. ``mcp_url`` may have one.
    """
    reached = placed(server, defaults(server))
    endpoints = [name for name in TEMPLATED if name != "mcp_url"]
    unknown: dict[str, Any] = {name: None for name in endpoints if gaps(getattr(reached, name))}
    return replace(reached, **unknown)


def needed(server: Server) -> frozenset[str]:
    """Name the gaps of all that a connection is to reach and to send."""
    quirks = server.quirks
    urls = [getattr(server, name) for name in TEMPLATED]
    templates = [*urls, quirks.introspection_endpoint, _exchange_of(server)]
    return frozenset(
        name for text in (*templates, *quirks.mcp_headers.values()) for name in gaps(text)
    )


def defaults(server: Server) -> dict[str, str]:
    """Return what is known of the values to keep before anybody is connected."""
    kept = server.quirks.kept_fields
    return {name: field.default for name, field in kept.items() if field.default is not None}


def mcp_headers(server: Server, kept: Mapping[str, str]) -> dict[str, str]:
    """Return the headers that the MCP server is sent besides the token; none with a gap left."""
    values = _values(server, kept)
    headers = {name: filled(text, values) for name, text in server.quirks.mcp_headers.items()}
    return {name: text for name, text in headers.items() if not gaps(text)}


def unknown_before_code(server: Server, kept: Mapping[str, str]) -> str | None:
    """Name a value that the token request needs and the callback did not bring; None: none."""
    values = _values(server, kept)
    return next((name for name in gaps(server.token_endpoint) if name not in values), None)


def client_state_id(server: Server, kept: Mapping[str, str]) -> str:
    """Name the state in which it is kept whether a connection's token endpoint refuses us."""
    return _state_id(server, server.refresh_endpoint or server.token_endpoint, kept)


def token_state_id(server: Server, kept: Mapping[str, str]) -> str:
    """Name the state in which it is kept whether a connection's MCP server refuses everybody."""
    return _state_id(server, server.mcp_url, kept)


def _state_id(server: Server, url: str | None, kept: Mapping[str, str]) -> str:
    """Return the server's id, or one of each place where connections have their own.

    So what one tenant's host refuses holds up nobody at the others. Each revision begins anew.
    """
    if not set(gaps(url)) - {CLIENT_ID}:
        return server.server_id
    named = f"{server.etag} {_filled(url, _values(server, kept))}"
    return f"{server.server_id}@{hashlib.sha256(named.encode()).hexdigest()[:32]}"


def _values(server: Server, kept: Mapping[str, str]) -> dict[str, str]:
    rules = server.quirks.gap_rules
    judged = {name: rules[name].admitted(kept[name]) for name in rules.keys() & kept.keys()}
    values = {name: value for name, value in judged.items() if value is not None}
    if server.client_id:
        values[CLIENT_ID] = quote(server.client_id, safe="")
    return values


def _exchange_of(server: Server) -> str | None:
    exchange = server.quirks.long_lived_exchange
    return exchange.endpoint if exchange else None


def _filled(template: str | None, values: Mapping[str, str]) -> str | None:
    return template and filled(template, values)
