"""What an authorization server can do wrong with a request, by name."""

from collections.abc import Callable

from tests.faults import wire
from tests.faults.authorization_server import refusing
from tests.faults.families import Misbehaviour
from tests.faults.simulated import SharedTime


def lost() -> Misbehaviour:
    """Process, and close without an answer."""
    return Misbehaviour(silent=True, loses=True)


def late(time: SharedTime, seconds: float) -> Misbehaviour:
    """Process, and answer when so much time has passed."""
    return Misbehaviour(during=lambda: time.passes(seconds), loses=True)


def cut() -> Misbehaviour:
    """Process, and end in the middle of the answer."""
    return Misbehaviour(cut=True, loses=True)


def broken_after() -> Misbehaviour:
    """Process, and answer with a 502 of a proxy in between."""
    return Misbehaviour(answer=wire.reply(502, b"<html>bad gateway</html>"), loses=True)


def half() -> Misbehaviour:
    """Process, and answer with a refresh token alone."""
    return Misbehaviour(without="access_token")


def closed() -> Misbehaviour:
    """Close before anything is processed."""
    return Misbehaviour(processes=False, silent=True)


def hanging(time: SharedTime, seconds: float = 9.0) -> Misbehaviour:
    """Process nothing, and close when the client's patience is over."""
    return Misbehaviour(before=lambda: time.passes(seconds), processes=False, silent=True)


def busy(seconds: int) -> Misbehaviour:
    """Refuse for a while, unprocessed (RFC 6585 §4)."""
    answer = refusing(429, "slow_down", ("Retry-After", str(seconds)))
    return Misbehaviour(processes=False, answer=answer)


def broken() -> Misbehaviour:
    """Answer with a 500, unprocessed."""
    return Misbehaviour(processes=False, answer=wire.reply(500, b"broken"))


def page() -> Misbehaviour:
    """Answer with a page of a firewall, unprocessed."""
    kind = ("Content-Type", "text/html")
    return Misbehaviour(processes=False, answer=wire.reply(200, b"<html>Hold on</html>", kind))


def client_refused() -> Misbehaviour:
    """Refuse the client, unprocessed (RFC 6749 §5.2)."""
    return Misbehaviour(processes=False, answer=refusing(401, "invalid_client"))


def meanwhile(act: Callable[[], object]) -> Misbehaviour:
    """Let something happen between processing and the answer."""
    return Misbehaviour(during=act)


def killed_before(kill: Callable[[], object]) -> Misbehaviour:
    """Kill the client as its request arrives, before it is processed."""
    return Misbehaviour(before=kill, processes=False, silent=True)


def killed_after(kill: Callable[[], object]) -> Misbehaviour:
    """Kill the client when its request was processed, before the answer."""
    return Misbehaviour(during=kill, silent=True, loses=True)
