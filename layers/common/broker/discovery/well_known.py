"""Where metadata lies: the well-known URLs, in the order in which they are tried."""

from urllib.parse import urlsplit, urlunsplit

_RESOURCE = "/.well-known/oauth-protected-resource"
_SERVER = "/.well-known/oauth-authorization-server"
_OPENID = "/.well-known/openid-configuration"
_DEFAULT_PORTS = {"http": 80, "https": 443}


def resource_metadata_urls(mcp_url: str, challenged: str | None) -> tuple[str, ...]:
    """Return the challenge's URL, the one of the path, and the one of the root (RFC 9728 §3.1).

    The order is that of MCP, Authorization, Protected Resource Metadata Discovery.
    """
    parts = urlsplit(mcp_url)
    path = parts.path.rstrip("/")
    of_path = urlunsplit((parts.scheme, parts.netloc, _RESOURCE + path, parts.query, ""))
    of_root = urlunsplit((parts.scheme, parts.netloc, _RESOURCE, "", ""))
    return tuple(dict.fromkeys(url for url in (challenged, of_path, of_root) if url))


def server_metadata_urls(issuer: str) -> tuple[str, ...]:
    """Return where an issuer's metadata may lie (RFC 8414 §3.1, §5; OpenID Discovery 1.0 §4).

    For an issuer with a path: the path after either well-known part, then before OpenID's.
    """
    parts = urlsplit(issuer)
    path = parts.path.rstrip("/")
    origin = f"{parts.scheme}://{parts.netloc}"
    found = [f"{origin}{_SERVER}{path}", f"{origin}{_OPENID}{path}"]
    return tuple([*found, f"{origin}{path}{_OPENID}"] if path else found)


def is_issuer(stated: str, named: str) -> bool:
    """Say whether metadata that states this ``issuer`` is that of the one who was named.

    RFC 8414 §3.3 wants them identical, else they may be two parties'. A root's slash alone makes no
    other party (RFC 3986 §6.2.3), and servers add it: their URL types write it.
    """
    if urlsplit(named).path in ("", "/"):
        return stated.removesuffix("/") == named.removesuffix("/")
    return stated == named


def origin_of(url: str) -> str:
    """Return scheme, host and, if it is not the usual one, port (RFC 6454 §6.2)."""
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    usual = parts.port in (None, _DEFAULT_PORTS.get(parts.scheme.lower()))
    return f"{parts.scheme.lower()}://{host}{'' if usual else f':{parts.port}'}"


def is_for(resource: str, mcp_url: str) -> bool:
    """Say whether a ``resource`` is this MCP server: its URL, or a part of the path above it.

    RFC 9728 §3.3 wants the very URL; servers name what stands above it as well, and MCP's own
    clients take that. Another origin, and a sibling path, never match.
    """
    if origin_of(resource) != origin_of(mcp_url):
        return False
    theirs, ours = urlsplit(resource), urlsplit(mcp_url)
    if theirs.fragment or (theirs.query and theirs.query != ours.query):
        return False
    above, here = theirs.path.rstrip("/"), ours.path.rstrip("/")
    if {".", ".."} & {*above.split("/"), *here.split("/")}:
        return False
    return here == above or here.startswith(f"{above}/")
