"""One answer of a token endpoint to a refresh, and what becomes of it, as a row of a table."""

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

ACCESS, REFRESH, WORDS = "canary-new-access", "canary-new-refresh", "canary-words"
OLD_REFRESH = "canary-refresh-1"
HOUR = 3600.0
OLD_SCOPE = ("read", "write")


class Ends(StrEnum):
    """What an answer amounts to."""

    RENEWED = "renewed"
    NOT_NOW = "not now"
    OPEN = "open"
    HALF = "half"
    REFUSED = "refused"
    GRANT_GONE = "grant gone"
    CLIENT_WRONG = "client wrong"


STATED: Mapping[Ends, str] = {
    Ends.RENEWED: "The new set is stored whole in one write, as the next generation, and the call"
    " uses its access token.",
    Ends.NOT_NOW: "Nothing was done. The old set stays as it was; its access token serves while it"
    " is valid, then calls get 503. Sent again after the backoff, not before `Retry-After`.",
    Ends.OPEN: "Nobody knows what was done: the connection is *ambiguous*. The old set stays as it"
    " was; its access token serves while it is valid, then calls get 503. Sent again once the"
    " access token has run out and the backoff, or `Retry-After`, is over; within"
    " `reuse_grace_seconds` after the backoff alone.",
    Ends.HALF: "The new refresh token is stored as the next generation, beside the old access"
    " token: that serves while it is valid, then calls get 503. The new refresh token is sent after"
    " the backoff; the fifth in a row, refused or half, asks the user to reconnect.",
    Ends.REFUSED: "A no that is neither the grant's nor the client's. As *not now*, and counted:"
    " the fifth in a row, a quarter of an hour after the first or later, asks the user to"
    " reconnect.",
    Ends.GRANT_GONE: "The user is asked to reconnect, and nothing is sent any more. The old set"
    " lies there until then.",
    Ends.CLIENT_WRONG: "The server is flagged as misconfigured, no connection is. The old set stays"
    " as it was; its access token serves while it is valid, then calls get 424. Sent again after"
    " five minutes.",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One answer, and what is there afterwards."""

    title: str
    """As the documentation names it."""
    ends: Ends
    body: object = b""
    """Text and bytes as they are, anything else as JSON; what is callable is given the time."""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    wire: tuple[bytes, ...] | None = None
    """The bytes of the whole answer, sent over a socket, in place of all the above."""
    lasts: float | None = HOUR
    """Seconds from sending until the new access token ends; None: unknown."""
    access_token: str | None = ACCESS
    """The new one; None: as the answer has it."""
    refresh_token: str | None = REFRESH
    """The refresh token that is stored; None: the old one."""
    doubtful: bool = False
    """Whether the old refresh token may be spent."""
    scope: tuple[str, ...] = OLD_SCOPE
    waits: float = 0.0
    """Seconds before which nothing is sent again."""

    @property
    def cells(self) -> tuple[str, ...]:
        """Return the row as the documentation shows it."""
        if self.ends is not Ends.RENEWED:
            return (self.title, self.ends.value)
        ends = "unknown" if self.lasts is None else f"{self.lasts:,} s".replace(".0 s", " s")
        old = "the old one, *ambiguous*" if self.doubtful else "the old one"
        kept = {None: old, REFRESH: "the new one", "12345": "its digits"}
        scope = "as before" if self.scope == OLD_SCOPE else " ".join(self.scope)
        return (self.title, ends, kept.get(self.refresh_token, "the new one, to the blank"), scope)


def tokens(**members: object) -> dict[str, object]:
    """Return a whole success, some members changed; ``...`` leaves one out."""
    whole = {
        "access_token": ACCESS,
        "token_type": "Bearer",
        "expires_in": 3600,
        "refresh_token": REFRESH,
        "scope": "read write",
    }
    return {name: value for name, value in {**whole, **members}.items() if value is not ...}


def lifetime(text: str, lasts: float | None, title: str = "") -> Row:
    """Return the row of a success that says its lifetime that way; ``text`` need not be JSON."""
    body = (
        f'{{"access_token":"{ACCESS}","token_type":"Bearer","refresh_token":"{REFRESH}",'
        f'"expires_in":{text},"scope":"read write"}}'
    )
    return Row(title or f'`"expires_in": {text}`', Ends.RENEWED, body, lasts=lasts)


def until(title: str, name: str, write: Callable[[datetime], object]) -> Row:
    """Return the row of a success that says when the access token ends: in half an hour."""

    def body(now: datetime) -> object:
        return tokens(expires_in=...) | {name: write(now + timedelta(minutes=30))}

    return Row(title, Ends.RENEWED, body, lasts=HOUR / 2)


def jwt(now: datetime) -> object:
    """Return a success without a lifetime whose access token says when it ends."""
    claims = {"exp": int((now + timedelta(minutes=30)).timestamp())}
    parts = [base64.urlsafe_b64encode(json.dumps(p).encode()) for p in ({"alg": "none"}, claims)]
    token = b".".join([*(part.rstrip(b"=") for part in parts), b"c2ln"]).decode()
    return tokens(access_token=token, expires_in=...)
