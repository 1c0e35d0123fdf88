"""The product as it is met over HTTP, whatever runs its functions."""

from collections.abc import Collection
from typing import Any, Protocol

import httpx

from local.clockwork import Tick


class Served(Protocol):
    """One running deployment of the template: our own containers, or those of `sam local`."""

    @property
    def url(self) -> str:
        """The public base URL."""

    @property
    def functions(self) -> Collection[str]:
        """The functions' logical ids."""

    def api(self, caller: str = ..., **options: Any) -> httpx.Client:
        """Return a client of the signed routes, as one of the known callers."""

    def browser(self, **options: Any) -> httpx.Client:
        """Return a client of the public routes with a browser's cookies."""

    def tick(self, *, redeliver: bool = ...) -> Tick:
        """Call what is scheduled, then deliver what waits in the queues."""

    def reached(self, url: str) -> str:
        """Return a URL of this machine as the functions reach it."""

    def routes(self) -> set[str]:
        """Return the template's routes: `GET /v1/servers/{server_id}`."""

    def routes_called(self) -> set[str]:
        """Return those of them that were called."""
