"""What was seen, as lines while it is seen and as the tables of docs/interop.md."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.interop.client_features import CLIENT_FEATURES
from tests.interop.environments import ROOT
from tests.interop.registry import CLIENTS, SERVERS, Client, Peer, Server
from tests.interop.server_features import SERVER_FEATURES

PAGE = ROOT / "docs" / "interop.md"
HELD, FAILED, NONE = "held", "**failed**", "–"
USES = "used by {}"
"""A feature of a server: a client works with it through the product."""
KEPT_BEARERS = "received no bearer of a session"
KEPT_TOKENS = "received no token of a user"


@dataclass
class Seen:
    """What came of each peer's features."""

    servers: Sequence[Server]
    clients: Sequence[Client]
    marks: dict[tuple[str, str, str], str] = field(default_factory=dict)
    """Kind, peer and feature → mark."""
    reasons: list[str] = field(default_factory=list)

    def note(self, kind: str, peer: Peer, feature: str, problem: str | None) -> None:
        """Remember one, and print it."""
        self.marks[kind, peer.name, feature] = FAILED if problem else HELD
        print(f"{kind} {peer.name} {peer.version}: {feature}: {problem or HELD}", flush=True)
        if problem:
            self.reasons.append(f"{kind} {peer.name}: {feature}: {problem}")

    def last_line(self) -> str:
        """Return the one line that says it all."""
        if self.reasons:
            return f"interop: {len(self.reasons)} of {len(self.marks)} did not hold"
        return f"interop: {len(self.servers)} servers, {len(self.clients)} clients, all held"


def tables(marks: Mapping[tuple[str, str, str], str]) -> dict[str, str]:
    """Return the tables of the page, by name."""
    of_servers = [*(name for name, _ in SERVER_FEATURES), KEPT_BEARERS]
    of_clients = [*(name for name, _ in CLIENT_FEATURES), KEPT_TOKENS]
    between = [USES.format(client.name) for client in CLIENTS]
    return {
        "peers": peers(),
        "servers": _features("server", SERVERS, of_servers, marks),
        "clients": _features("client", CLIENTS, of_clients, marks),
        "pairs": _features("pair", SERVERS, between, marks),
    }


def peers() -> str:
    """Return who takes part, in which version."""
    rows = [["peer", "package", "version", "speaks"]]
    rows += [
        [f"server {each.name}", f"`{each.package}`", each.version, each.era] for each in SERVERS
    ]
    rows += [
        [f"client {each.name}", f"`{each.package}`", each.version, each.told] for each in CLIENTS
    ]
    return _drawn(rows)


def _features(
    kind: str,
    who: Sequence[Peer],
    features: Sequence[str],
    marks: Mapping[tuple[str, str, str], str],
) -> str:
    rows = [[kind if kind != "pair" else "server", *features]]
    rows += [
        [peer.name, *(marks.get((kind, peer.name, each), NONE) for each in features)]
        for peer in who
    ]
    return _drawn(rows)


def _drawn(rows: Sequence[Sequence[str]]) -> str:
    head, *rest = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([head, "|" + "---|" * len(rows[0]), *rest])


def write(found: Mapping[str, str], page: Path = PAGE) -> None:
    """Put the tables between their marks on the page."""
    text = page.read_text(encoding="utf-8")
    for name, table in found.items():
        text = _between(name).sub(lambda _, table=table: table, text)  # type: ignore[misc]
    page.write_text(text, encoding="utf-8")


def read(page: Path = PAGE) -> dict[str, str]:
    """Return the tables that are on the page."""
    text = page.read_text(encoding="utf-8")
    found = {}
    for name in ("peers", "servers", "clients", "pairs"):
        [table] = _between(name).findall(text)
        found[name] = table
    return found


def _between(name: str) -> re.Pattern[str]:
    return re.compile(rf"(?<=<!-- {name} -->\n\n).*?(?=\n\n<!-- /{name} -->)", re.DOTALL)
