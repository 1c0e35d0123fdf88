"""What a token endpoint may answer to a refresh, and what becomes of it: one row for each.

Those that bring a new set are here, all others in ``token_failures``. The rows are run against the
product (``test_token_answers``) and shown in ``docs/refresh.md``.
"""

import gzip
import json

from tests.integration.token_rows import (
    ACCESS,
    HOUR,
    OLD_REFRESH,
    REFRESH,
    Ends,
    Row,
    jwt,
    lifetime,
    tokens,
    until,
)

FORM = f"access_token={ACCESS}&refresh_token={REFRESH}&expires_in=3600&scope=read+write"
LONG = "canary-long-" + "x" * 20_000
WHOLE = json.dumps(tokens()).encode()
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
_SIZE = f"Content-Length: {len(WHOLE)}\r\n\r\n".encode()

_ABSENT: tuple[object, ...] = ("", None, " ", 0, False, [])
_UNREADABLE: tuple[object, ...] = (True, -1, [REFRESH], {"token": REFRESH}, "a\nb", "\ud800")

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
        for value in _ABSENT
    ),
    *(
        Row(
            f'`"refresh_token": {json.dumps(value).replace(REFRESH, "…")}`',
            Ends.RENEWED,
            tokens(refresh_token=value),
            refresh_token=None,
            doubtful=True,
        )
        for value in _UNREADABLE
    ),
    Row(
        '`"refresh_token": 12345`',
        Ends.RENEWED,
        tokens(refresh_token=12345),
        refresh_token="12345",
    ),
    Row(
        "`refresh_token` equal to the old one",
        Ends.RENEWED,
        tokens(refresh_token=OLD_REFRESH),
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
    Row(
        '`"access_token": 12345`',
        Ends.RENEWED,
        tokens(access_token=12345),
        access_token="12345",
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
