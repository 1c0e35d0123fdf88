"""What a token endpoint may answer to a refresh, and what becomes of it: one row for each.

Those that bring a new set are here, all others in ``token_failures``. The rows are run against the
product (``test_token_answers``) and shown in ``docs/refresh.md``.
"""

import base64
import gzip
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

ACCESS, REFRESH, WORDS = "canary-new-access", "canary-new-refresh", "canary-words"
HOUR = 3600.0
OLD_SCOPE = ("read", "write")


class Ends(StrEnum):
    """What an answer amounts to."""

    RENEWED = "renewed"
    NOT_NOW = "not now"
    OPEN = "open"
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
    Ends.REFUSED: "A no that is neither the grant's nor the client's. As *not now*, and counted:"
    " the fifth in a row asks the user to reconnect.",
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
    scope: tuple[str, ...] = OLD_SCOPE
    waits: float = 0.0
    """Seconds before which nothing is sent again."""

    @property
    def cells(self) -> tuple[str, ...]:
        """Return the row as the documentation shows it."""
        if self.ends is not Ends.RENEWED:
            return (self.title, self.ends.value)
        ends = "unknown" if self.lasts is None else f"{self.lasts:,} s".replace(".0 s", " s")
        kept = {None: "the old one", REFRESH: "the new one"}
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


FORM = f"access_token={ACCESS}&refresh_token={REFRESH}&expires_in=3600&scope=read+write"
LONG = "canary-long-" + "x" * 20_000
WHOLE = json.dumps(tokens()).encode()
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
_SIZE = f"Content-Length: {len(WHOLE)}\r\n\r\n".encode()

RENEWALS: tuple[Row, ...] = (
    Row("as RFC 6749 §5.1 has it", Ends.RENEWED, tokens()),
    # How long
    lifetime('"3600"', HOUR),
    lifetime("3600.5", 3600.5),
    lifetime('"3600.5"', 3600.5),
    lifetime("1", 1),
    lifetime("0", None),
    lifetime("-1", None),
    lifetime("null", None),
    lifetime("NaN", None),
    lifetime('"NaN"', None),
    lifetime("Infinity", None),
    lifetime("1e400", None),
    lifetime("1" + "0" * 30, None, '`"expires_in":` 10³⁰'),
    lifetime("9" * 5000, None, '`"expires_in":` 5,000 digits'),
    lifetime('""', None),
    lifetime('"soon"', None),
    lifetime("true", None),
    lifetime("[3600]", None),
    lifetime('{"seconds": 3600}', None),
    lifetime("946080000", 946_080_000, '`"expires_in":` thirty years'),
    until('`"expires_in":` seconds since 1970', "expires_in", lambda end: int(end.timestamp())),
    until(
        '`"expires_in":` milliseconds since 1970',
        "expires_in",
        lambda end: int(end.timestamp() * 1000),
    ),
    until('`"expires_in":` an ISO 8601 time', "expires_in", lambda end: end.isoformat()),
    until(
        '`"expires_at":` an ISO 8601 time', "expires_at", lambda end: f"{end:%Y-%m-%dT%H:%M:%SZ}"
    ),
    until('`"expires_on":` seconds, as text', "expires_on", lambda end: f"{int(end.timestamp())}"),
    Row(
        '`"expires_at":` a time that is over',
        Ends.RENEWED,
        tokens(expires_in=..., expires_at="2001-01-01T00:00:00Z"),
        lasts=None,
    ),
    Row("no lifetime", Ends.RENEWED, tokens(expires_in=...), lasts=None),
    Row(
        "no lifetime, and the access token is a JWT with `exp`",
        Ends.RENEWED,
        jwt,
        lasts=HOUR / 2,
        access_token=None,
    ),
    # The refresh token
    Row("no `refresh_token`", Ends.RENEWED, tokens(refresh_token=...), refresh_token=None),
    *(
        Row(
            f'`"refresh_token": {json.dumps(value).replace(REFRESH, "…")}`',
            Ends.RENEWED,
            tokens(refresh_token=value),
            refresh_token=None,
        )
        for value in (
            "",
            None,
            " ",
            12345,
            0,
            True,
            [REFRESH],
            {"token": REFRESH},
            "a\nb",
            "\ud800",
        )
    ),
    Row(
        "`refresh_token` equal to the old one",
        Ends.RENEWED,
        tokens(refresh_token="canary-refresh-1"),
        refresh_token=None,
    ),
    Row(
        "`refresh_token` with blanks at its ends",
        Ends.RENEWED,
        tokens(refresh_token=" canary-blank "),
        refresh_token=" canary-blank ",
    ),
    # The access token
    Row(
        "`access_token` equal to the old one",
        Ends.RENEWED,
        tokens(access_token="canary-access-1"),
        access_token="canary-access-1",
    ),
    Row(
        "`access_token` of 20,000 characters",
        Ends.RENEWED,
        tokens(access_token=LONG),
        access_token=LONG,
    ),
    # Type and scope
    Row("no `token_type`", Ends.RENEWED, tokens(token_type=...)),
    *(
        Row(f'`"token_type": {json.dumps(value)}`', Ends.RENEWED, tokens(token_type=value))
        for value in ("BEARER", "user", "bot", "", None, 7)
    ),
    Row("scope narrowed", Ends.RENEWED, tokens(scope="read"), scope=("read",)),
    Row(
        "scope widened",
        Ends.RENEWED,
        tokens(scope="read write admin"),
        scope=("read", "write", "admin"),
    ),
    Row("scope with commas", Ends.RENEWED, tokens(scope="write,read"), scope=("write", "read")),
    Row("scope as a list", Ends.RENEWED, tokens(scope=["read"]), scope=("read",)),
    Row("no scope", Ends.RENEWED, tokens(scope=...)),
    Row('`"scope": ""`', Ends.RENEWED, tokens(scope="")),
    Row('`"scope": {}`', Ends.RENEWED, tokens(scope={})),
    Row(
        "scope that quotes the new refresh token",
        Ends.RENEWED,
        tokens(scope=f"x {REFRESH}"),
        scope=("x",),
    ),
    # The form of the answer
    Row("201", Ends.RENEWED, tokens(), status=201),
    Row("a form body", Ends.RENEWED, FORM),
    Row(
        "JSON that calls itself HTML", Ends.RENEWED, tokens(), headers={"content-type": "text/html"}
    ),
    Row("a byte order mark before the JSON", Ends.RENEWED, b"\xef\xbb\xbf" + WHOLE),
    Row("a name in another charset beside the tokens", Ends.RENEWED, WHOLE[:-1] + b',"n":"J\xf6"}'),
    Row("a lone surrogate beside the tokens", Ends.RENEWED, WHOLE[:-1] + rb',"n":"\ud800"}'),
    Row(
        "a member twice, alike", Ends.RENEWED, WHOLE[:-1] + f',"access_token":"{ACCESS}"}}'.encode()
    ),
    Row("tokens one level down, in `data`", Ends.RENEWED, {"data": tokens(), "message": "success"}),
    Row('`"error": null`', Ends.RENEWED, tokens(error=None)),
    Row('`"error": "none"`', Ends.RENEWED, tokens(error="none")),
    Row('`"error": {"code": "ok"}`', Ends.RENEWED, tokens(error={"code": "ok", "message": ""})),
    Row("`Retry-After` on a success", Ends.RENEWED, tokens(), headers={"retry-after": "600"}),
    Row(
        "gzip, though it was not asked for",
        Ends.RENEWED,
        wire=(
            OK + b"Content-Encoding: gzip\r\n\r\n",
            gzip.compress(WHOLE),
        ),
    ),
    Row(
        "in pieces of one byte",
        Ends.RENEWED,
        wire=(
            OK + _SIZE,
            *(bytes([byte]) for byte in WHOLE),
        ),
    ),
    Row(
        "in chunks",
        Ends.RENEWED,
        wire=(
            OK + b"Transfer-Encoding: chunked\r\n\r\n",
            f"{len(WHOLE):x}\r\n".encode() + WHOLE + b"\r\n0\r\n\r\n",
        ),
    ),
    Row("no length, the connection closed at the end", Ends.RENEWED, wire=(OK + b"\r\n", WHOLE)),
)
