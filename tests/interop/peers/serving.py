"""How the Python servers begin: on loopback, announced, and gone with their parent."""

import os
import socket
from typing import Any

import uvicorn

from local.lifetime import announce, end_with_parent

ISSUER = os.environ.get("ISSUER", "")
RESOURCE = os.environ.get("RESOURCE", "")


def serve(application: Any) -> None:
    """Serve an ASGI application on a free port until the parent goes."""
    end_with_parent()
    listener = socket.create_server(("127.0.0.1", 0))
    announce(listener.getsockname()[1])
    config = uvicorn.Config(application, log_level="warning", access_log=False)
    uvicorn.Server(config).run(sockets=[listener])
