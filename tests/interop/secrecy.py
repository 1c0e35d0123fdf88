"""Who must never have been sent what: looked for in every byte that the taps wrote down."""

from collections.abc import Iterable

from tests.interop.client_features import Stay
from tests.interop.field import Field
from tests.interop.server_features import Visit
from tests.interop.tap import Exchange


def kept_from_servers(visit: Visit) -> None:
    """Nothing that a server received holds a bearer that was made for the product."""
    field = visit.field
    received = field.taps[visit.server.name].exchanges
    ours = field.bearers | _bearers(field.front.exchanges)
    assert ours, "no client ever brought a bearer"
    assert _bearers(received), "the server never had a token"
    for exchange in received:
        assert not _in(exchange.head + exchange.body, ours), str(exchange)


def kept_from_clients(stay: Stay) -> None:
    """Nothing that a client was answered holds a user's access token."""
    theirs = tokens(stay.field)
    assert theirs, "no server ever had a token"
    answered = [each for each in stay.field.front.exchanges if each.path.startswith("/mcp/")]
    assert answered, "no client was ever answered"
    for exchange in answered:
        assert not _in(bytes(exchange.answer), theirs), str(exchange)


def tokens(field: Field) -> set[str]:
    """Return every access token of a user's that a server received."""
    return set[str]().union(*(_bearers(tap.exchanges) for tap in field.taps.values()))


def _bearers(exchanges: Iterable[Exchange]) -> set[str]:
    return {each.bearer for each in exchanges if each.bearer}


def _in(said: bytes, secrets: Iterable[str]) -> bool:
    return any(secret.encode() in said for secret in secrets)
