"""Everybody's features, one after the other; what does not hold stops nothing of the rest."""

from collections.abc import Callable
from functools import partial

import httpx

from local.processes import ChildFailedError
from tests.interop.client_features import CLIENT_FEATURES, Stay, used
from tests.interop.field import Field
from tests.interop.processes import AnsweredError, ClientFailedError, Puppet
from tests.interop.registry import Client, Peer
from tests.interop.secrecy import kept_from_clients, kept_from_servers
from tests.interop.server_features import SERVER_FEATURES, Visit, slug
from tests.interop.table import KEPT_BEARERS, KEPT_TOKENS, USES, Seen

_FAILURES = (
    AssertionError,
    ChildFailedError,
    AnsweredError,
    ClientFailedError,
    httpx.HTTPError,
    LookupError,
    TypeError,
    ValueError,
)
"""What a feature that does not hold may end in: an answer of another shape among it."""


def look(seen: Seen, field: Field) -> None:
    """Look at every server, at every client, at each pair, and at who received what."""
    visits = [Visit(field, server) for server in seen.servers]
    for visit in visits:
        for name, feature in SERVER_FEATURES:
            if name not in visit.server.lacks:
                attempt(seen, "server", visit.server, name, partial(feature, visit))
    for client in seen.clients:
        with Puppet(client, field.servers.logs / f"{slug(client.name)}-client.log") as puppet:
            _look_at_client(seen, client, Stay(field, client, puppet, seen.servers[0]), visits)
    for visit in visits:
        attempt(seen, "server", visit.server, KEPT_BEARERS, partial(kept_from_servers, visit))


def _look_at_client(seen: Seen, client: Client, stay: Stay, visits: list[Visit]) -> None:
    for name, feature in CLIENT_FEATURES:
        if name not in client.lacks:
            attempt(seen, "client", client, name, partial(feature, stay))
    known = stay.field.journeys.values()
    ids = [journey.server_id for journey in known]
    bearer = stay.field.session(stay.journey, visits[0].user("bob"), *ids[1:])["bearer"]
    for visit in visits:
        works = partial(_together, stay, visit, bearer)
        attempt(seen, "pair", visit.server, USES.format(client.name), works)
    attempt(seen, "client", client, KEPT_TOKENS, partial(kept_from_clients, stay))


def _together(stay: Stay, visit: Visit, bearer: str) -> None:
    """Have a client work at a server, as the user who is bob there; one bearer serves for all."""
    tap = visit.field.taps[visit.server.name]
    url = f"{visit.field.front.origin}/mcp/{visit.journey.server_id}"
    stay.puppet.open(url, bearer=bearer)
    names = [tool["name"] for tool in stay.puppet.do("tools")["tools"]]
    assert visit.server.tool.params["name"] in names, names
    used(stay.puppet, visit.server)
    mark = len(tap.exchanges)
    said = stay.puppet.do("call", **visit.server.tool.params)
    wanted = visit.server.tool.text.format(username="bob")
    assert wanted in said["content"][0]["text"], said
    assert len(tap.since(mark)) == visit.server.each, list(map(str, tap.since(mark)))


def attempt(seen: Seen, kind: str, peer: Peer, name: str, look_at: Callable[[], None]) -> None:
    """Look at one feature, and note what came of it."""
    problem = None
    try:
        look_at()
    except _FAILURES as exc:
        problem = f"{type(exc).__name__}: {exc}".splitlines()[0][:400]
    seen.note(kind, peer, name, problem)
