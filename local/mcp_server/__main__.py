"""``python -m local.mcp_server``: see the package's docstring."""

import argparse
import socket

import httpx
import uvicorn
from mcp.server.auth.provider import TokenVerifier

from local.browser_names import AsyncLocalhostTransport
from local.lifetime import announce, end_with_parent

from .application import Behaviour, create_application
from .verification import Introspection, SharedKey

OLD_ERA = "2025-11-25"


def main() -> None:
    """Serve until the parent goes."""
    options = _options()
    end_with_parent()
    listener = _listener(options.port)
    port: int = listener.getsockname()[1]
    behaviour = Behaviour(
        verifier=_verifier(options),
        issuer=options.issuer if options.auth == "oauth" else None,
        old_era=options.era == OLD_ERA,
        stateless=options.stateless,
    )
    application = create_application(behaviour, lambda: announce(port))
    config = uvicorn.Config(application, log_level="warning", access_log=False)
    uvicorn.Server(config).run(sockets=[listener])


def _listener(port: int) -> socket.socket:
    """Bind with TCP named as the protocol: asyncio turns Nagle's 40 ms off only then."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(256)
    return listener


def _verifier(options: argparse.Namespace) -> TokenVerifier | None:
    if options.auth == "none":
        return None
    if options.auth.startswith("bearer:"):
        return SharedKey(options.auth.removeprefix("bearer:"))
    client = httpx.AsyncClient(transport=AsyncLocalhostTransport(), trust_env=False)
    return Introspection(client, options.introspection, options.client_id, options.client_secret)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local.mcp_server")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--era", choices=["modern", OLD_ERA], default="modern")
    parser.add_argument(
        "--stateless", action="store_true", help="no Mcp-Session-Id for clients with a handshake"
    )
    parser.add_argument("--auth", default="oauth", help="oauth, none or bearer:KEY")
    parser.add_argument("--introspection", help="URL of the introspection endpoint (oauth)")
    parser.add_argument("--issuer", help="the authorization server's issuer (oauth)")
    parser.add_argument("--client-id", default="mcp-server", help="to introspect as")
    parser.add_argument("--client-secret", default="mcp-server-secret")
    options = parser.parse_args()
    if options.auth == "oauth" and not (options.introspection and options.issuer):
        parser.error("--auth oauth needs --introspection and --issuer")
    return options


if __name__ == "__main__":
    main()
