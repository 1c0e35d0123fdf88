"""The page on other people's servers and clients: its tables are those of who takes part."""

from tests.interop.client_features import CLIENT_FEATURES
from tests.interop.registry import CLIENTS, SERVERS
from tests.interop.server_features import SERVER_FEATURES
from tests.interop.table import (
    FAILED,
    HELD,
    KEPT_BEARERS,
    KEPT_TOKENS,
    NONE,
    USES,
    Seen,
    read,
    tables,
)
from tests.unit.documents import page


def marks() -> dict[tuple[str, str, str], str]:
    """Return what a run leaves in which all held."""
    seen = {}
    for server in SERVERS:
        for name in [*(name for name, _ in SERVER_FEATURES), KEPT_BEARERS]:
            if name not in server.lacks:
                seen["server", server.name, name] = HELD
        for client in CLIENTS:
            seen["pair", server.name, USES.format(client.name)] = HELD
    for client in CLIENTS:
        for name in [*(name for name, _ in CLIENT_FEATURES), KEPT_TOKENS]:
            if name not in client.lacks:
                seen["client", client.name, name] = HELD
    return seen


def test_the_tables_have_every_peer_with_its_pinned_version_and_every_feature() -> None:
    assert read() == tables(marks())


def test_what_is_lacking_or_was_not_looked_at_is_not_said_to_hold() -> None:
    for kind, peers in (("servers", SERVERS), ("clients", CLIENTS)):
        assert tables(marks())[kind].count(NONE) == sum(len(peer.lacks) for peer in peers)
    assert HELD not in tables({})["servers"]


def test_names_of_peers_are_unique_and_what_they_lack_is_a_feature() -> None:
    assert len({server.name for server in SERVERS}) == len(SERVERS)
    assert len({client.name for client in CLIENTS}) == len(CLIENTS)
    for peers, features in ((SERVERS, SERVER_FEATURES), (CLIENTS, CLIENT_FEATURES)):
        known = {name for name, _ in features}
        assert all(peer.lacks <= known for peer in peers)


def test_the_last_line_says_that_all_held_only_if_it_did() -> None:
    seen = Seen(SERVERS, CLIENTS)
    held = f"interop: {len(SERVERS)} servers, {len(CLIENTS)} clients, all held"
    assert seen.last_line() == held
    assert held in page("docs/interop.md").text
    seen.note("server", SERVERS[0], "connected", None)
    seen.note("server", SERVERS[0], "first call", "AssertionError: 2 requests, not 1")
    assert seen.last_line() == "interop: 1 of 2 did not hold"
    assert seen.marks["server", SERVERS[0].name, "first call"] == FAILED
