"""All stand-ins together: several services may share a host, as Google's do."""

import base64
import binascii
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from werkzeug import Request, Response

from .facts import Facts
from .service import Service


@dataclass
class Town:
    """The stand-ins by name, and what no service could be found for."""

    services: Mapping[str, Service]
    strays: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, facts: Mapping[str, Facts]) -> "Town":
        """Build one stand-in for each service."""
        return cls({name: Service(name, each) for name, each in facts.items()})

    def hosts(self) -> set[str]:
        """Return the names of all."""
        return set().union(*(each.hosts() for each in self.services.values()))

    def __call__(self, request: Request) -> Response:
        """Have the service answer that the request is for."""
        host = request.host.partition(":")[0]
        here = [each for each in self.services.values() if host in each.hosts()]
        meant = here if len(here) == 1 else list(_meant(here, request))
        if not meant:
            self.strays.append(f"{request.method} {request.base_url}")
            return Response("<h1>Not found</h1>", 404, mimetype="text/html")
        return meant[0](request)


def _meant(here: Iterable[Service], request: Request) -> Iterable[Service]:
    """Yield the services whose client or token the request names."""
    scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
    said = f"{request.full_path} {request.get_data(as_text=True)}"
    if scheme == "Basic":
        try:
            said += base64.b64decode(credentials).decode("latin-1")
        except binascii.Error:
            return
    for service in here:
        with service.lock:
            if service.client_id in said or service.grants.serves(credentials):
                yield service
