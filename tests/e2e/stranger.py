"""A server that answers what a test tells it to: the third parties that no switch makes."""

import json
import secrets
from collections.abc import Callable
from typing import Any, Self

from local.loopback import LoopbackServer, Reply, Request

_LIMIT = 1 << 20
NOBODY = "http://127.0.0.1:9"
"""Where nobody listens."""

type Answer = Callable[[Request], Reply]


class Stranger:
    """Gives each test a path of its own; a context manager."""

    def __init__(self) -> None:
        self._server = LoopbackServer(_LIMIT)
        self._answers: dict[str, Answer] = {}
        self._seen: dict[str, list[Request]] = {}

    @property
    def origin(self) -> str:
        """Where the product meets it."""
        return f"http://127.0.0.1:{self._server.port}"

    @property
    def origins(self) -> list[str]:
        """All the origins that the product may call: a sandbox's, one that never gets its TLS."""
        port = self._server.port
        return [
            self.origin,
            f"http://sandbox.localhost:{port}",
            f"https://127.0.0.1:{port}",
            NOBODY,
        ]

    def as_sandbox(self, url: str) -> str:
        """Return the same URL under a sandbox's name."""
        return url.replace("//127.0.0.1:", "//sandbox.localhost:")

    def __enter__(self) -> Self:
        self._server.serve(self._answer)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.close()

    def answers(self, answer: Answer) -> str:
        """Return a new URL that answers so."""
        name = secrets.token_hex(6)
        self._answers[name] = answer
        self._seen[name] = []
        return f"{self.origin}/{name}"

    def seen(self, url: str) -> list[Request]:
        """Return the requests to a URL."""
        return self._seen[url.rsplit("/", 1)[-1]]

    def _answer(self, request: Request) -> Reply:
        name = request.path.split("/")[1]
        if name not in self._answers:
            return Reply(404)
        self._seen[name].append(request)
        return self._answers[name](request)


def as_json(body: Any, status: int = 200, **headers: str) -> Reply:
    """Return a JSON answer; an underscore in a header's name stands for a hyphen."""
    named = [(name.replace("_", "-"), value) for name, value in headers.items()]
    content_type = ("Content-Type", "application/json")
    return Reply(status, [content_type, *named], json.dumps(body).encode())
