"""httpx transports that know ``*.localhost`` (RFC 6761 §6.3), which Python does not resolve.

They connect to 127.0.0.1 and keep the name in the Host header.
"""

import httpx

ADDRESS = "127.0.0.1"


class LocalhostTransport(httpx.HTTPTransport):
    """For ``httpx.Client(transport=…)``."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send, to the address if it is a name under localhost."""
        return super().handle_request(_to_address(request))


class AsyncLocalhostTransport(httpx.AsyncHTTPTransport):
    """For ``httpx.AsyncClient(transport=…)``."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send, to the address if it is a name under localhost."""
        return await super().handle_async_request(_to_address(request))


def _to_address(request: httpx.Request) -> httpx.Request:
    """Return a request to the address; the original keeps its URL, which cookies belong to."""
    if not request.url.host.endswith(".localhost"):
        return request
    return httpx.Request(
        request.method,
        request.url.copy_with(host=ADDRESS),
        headers=request.headers,
        stream=request.stream,
        extensions=request.extensions,
    )
