"""``python -m examples.chat``: see the package's docstring."""

import argparse
import json
import os
import sys
import threading
from typing import Any

from werkzeug.serving import WSGIRequestHandler, make_server

from examples.chat.application import create_application
from examples.chat.broker import Broker


class QuietHandler(WSGIRequestHandler):
    """No access log: the query of the return page holds a single-use code."""

    disable_nagle_algorithm = True

    def log_request(self, *_about: Any) -> None:
        """Log nothing."""


def main() -> None:
    """Serve until stdin ends."""
    options = _options()
    threading.Thread(target=_end_with_stdin, daemon=True).start()
    app = create_application(Broker(options.broker, options.region), options.server)
    server = make_server(
        "127.0.0.1", options.port, app, threaded=True, request_handler=QuietHandler
    )
    print(json.dumps({"port": server.port}), flush=True)
    server.serve_forever()


def _end_with_stdin() -> None:
    while os.read(sys.stdin.fileno(), 4096):
        pass
    os._exit(0)


def _options() -> argparse.Namespace:
    environ = os.environ
    broker, region = environ.get("BROKER_URL"), environ.get("AWS_REGION")
    parser = argparse.ArgumentParser(prog="python -m examples.chat")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--broker", default=broker, required=not broker, help="or BROKER_URL")
    parser.add_argument("--region", default=region, required=not region, help="or AWS_REGION")
    parser.add_argument(
        "--server", default="harbor-crm", help="the server_id that messages go to by default"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
