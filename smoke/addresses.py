"""Addresses that somebody gave: judged before anything is sent, shown without their secrets."""

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

import httpx

from smoke.failures import CannotRunError

_LABEL = "[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"(?=.{{1,253}}\.?$){_LABEL}(\.{_LABEL})*\.?")


def api_origin(text: str) -> str:
    """Return the API's origin; a loopback address, and it alone, may be plain http.

    Raises:
        CannotRunError: it is something else; what was given is not quoted, save its host.
    """
    try:
        url = urlsplit(text.strip())
        host, port = _host(url), _port(url)
    except (ValueError, httpx.InvalidURL) as exc:
        raise CannotRunError(
            "API has a host or a port that cannot be: it must be the stack's output ApiUrl."
        ) from exc
    if url.scheme not in {"https", "http"} or not host:
        raise CannotRunError("API must begin with https://, as the stack's output ApiUrl does.")
    if url.path.strip("/") or url.query or url.fragment or "@" in url.netloc:
        raise CannotRunError(f"API must be the address alone: {url.scheme}://{host}{port}")
    if url.scheme == "http" and not _is_loopback(host):
        raise CannotRunError(f"API must be https, not http: https://{host}{port}")
    # Python may not resolve these names (RFC 6761 §6.3), which `make dev` prints for browsers.
    host = "127.0.0.1" if host.endswith(".localhost") else host
    return f"{url.scheme}://{host}{port}"


def mcp_url(text: str) -> str:
    """Return the MCP server's URL as given; raise CannotRunError. The broker judges the rest."""
    try:
        _port(urlsplit(text))
    except ValueError as exc:
        raise CannotRunError("MCP is not a URL.") from exc
    return text


def without_secrets(url: str) -> str:
    """Return the origin alone: MCP servers take keys in the query, and in the path, too."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _host(url: SplitResult) -> str:
    """Return the host as a URL and DNS have it, empty if there is none; raise ValueError."""
    host = url.hostname or ""
    if "[" in url.netloc:
        return f"[{ipaddress.IPv6Address(host)}]"
    if not host:
        return ""
    parsed = httpx.URL(scheme="https", host=host)
    # Reading it decodes names that begin with xn--, as httpx does on sending.
    ascii_host = parsed.raw_host.decode("ascii") if parsed.host else ""
    if not _NAME.fullmatch(ascii_host):
        raise ValueError("no name that DNS knows")
    return ascii_host


def _port(url: SplitResult) -> str:
    """Return `:8443`, or nothing for the usual one; raise ValueError."""
    if url.port == 0:
        raise ValueError("nobody listens at port 0")
    return f":{url.port}" if url.port else ""


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
