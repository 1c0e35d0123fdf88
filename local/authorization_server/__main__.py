"""``python -m local.authorization_server``: see the package's docstring."""

import argparse
import os
import socket
from typing import Any

from werkzeug.serving import WSGIRequestHandler, make_server

from local.lifetime import announce, end_with_parent

from .application import create_application

HOST = "127.0.0.1"
PUBLIC_HOST = "login.localhost"


class QuietHandler(WSGIRequestHandler):
    """One connection; no access log (it would hold codes), and no waiting for Nagle."""

    disable_nagle_algorithm = True

    def log_request(self, *_about: Any) -> None:
        """Log nothing."""

    def send_response(self, code: int, message: str | None = None) -> None:
        """Leave the date to the application: a service's clock may be wrong."""
        self.send_response_only(code, message)


def main() -> None:
    """Serve until the parent goes."""
    options = _options()
    os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"  # plain http under a name is what local is
    end_with_parent()
    listener = socket.create_server((HOST, options.port))
    port: int = listener.getsockname()[1]
    application = create_application(options.name, f"http://{options.host}:{port}")
    server = make_server(
        HOST,
        port,
        application,
        threaded=True,
        request_handler=QuietHandler,
        fd=listener.fileno(),
    )
    announce(port)
    server.serve_forever()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local.authorization_server")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--host", default=PUBLIC_HOST, help="the issuer's name")
    parser.add_argument("--name", default="Harbor CRM", help="the service's name on its pages")
    return parser.parse_args()


if __name__ == "__main__":
    main()
