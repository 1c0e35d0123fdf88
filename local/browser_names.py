"""Reaches `*.localhost` at 127.0.0.1, as browsers do (RFC 6761 §6.3); Python's resolver may not.

What containers call this machine is reached there, too.
"""

import ssl
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any
from urllib.request import Request as CookieRequest

import httpx

MACHINE_NAMES = ("host.containers.internal", "host.docker.internal")
"""What container engines call this machine; here it is this machine as well."""


class LocalhostTransport(httpx.HTTPTransport):
    """Connects `*.localhost` to 127.0.0.1; the Host header keeps the name."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request to the address that its name stands for."""
        return super().handle_request(_to_address(request))


class AsyncLocalhostTransport(httpx.AsyncHTTPTransport):
    """The same for `httpx.AsyncClient`."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request to the address that its name stands for."""
        return await super().handle_async_request(_to_address(request))


def _to_address(request: httpx.Request) -> httpx.Request:
    """Return a request to the address; the given one keeps its URL, to which cookies belong."""
    host = request.url.host
    if not host.endswith(".localhost") and host not in MACHINE_NAMES:
        return request
    return httpx.Request(
        request.method,
        request.url.copy_with(host="127.0.0.1"),
        headers=request.headers,
        stream=request.stream,
        extensions=request.extensions,
    )


def client(**options: Any) -> httpx.Client:
    """Return an httpx client that knows the local names; no proxies, no redirects followed."""
    options.setdefault("timeout", 35)
    # All is plain http here; loading the certificate store would take longer than most calls.
    transport = LocalhostTransport(verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    return httpx.Client(transport=transport, trust_env=False, **options)


def browser(**options: Any) -> httpx.Client:
    """Return a client that keeps cookies as a browser does, Secure ones over local http as well.

    It knows neither the prefixes (`__Host-`) nor SameSite: those are for a real browser to show.
    """
    jar = CookieJar(DefaultCookiePolicy(secure_protocols=("http", "https")))

    def add_cookies(request: httpx.Request) -> None:
        bare = CookieRequest(str(request.url), method=request.method)
        jar.add_cookie_header(bare)
        request.headers.pop("cookie", None)
        if cookies := bare.get_header("Cookie"):
            request.headers["cookie"] = cookies

    # httpx copies cookies into a jar of the default policy, which keeps Secure ones from http.
    return client(cookies=jar, event_hooks={"request": [add_cookies]}, **options)
