"""The answers to a refresh that bring no new set; see ``token_answers``."""

import gzip
import json

from tests.integration.token_answers import OK, WHOLE
from tests.integration.token_rows import ACCESS, OLD_REFRESH, REFRESH, WORDS, Ends, Row, tokens

_NEW = {"refresh_token": REFRESH, "expires_in": 3600}
_PAGE = f"<!doctype html><title>{WORDS}</title>"
_TRUNCATED = OK + f"Content-Length: {len(WHOLE)}\r\n\r\n".encode() + WHOLE[:-20]
_LARGE = OK + b"Content-Length: 10000000\r\n\r\n"
_ZEROS = gzip.compress(bytes(50_000_000), 9)


def _says(error: str) -> dict[str, str]:
    return {"error": error, "error_description": WORDS}


def _nested(depth: int) -> str:
    inner = '{"a":' * depth + "1" + "}" * depth
    return f'{{"access_token":"{ACCESS}","refresh_token":"{REFRESH}","x":{inner}}}'


def _twice(name: str) -> str:
    return json.dumps(tokens())[:-1] + f', "{name}": "canary-another"}}'


_UNUSABLE: tuple[Row, ...] = (
    # A success that cannot be used
    Row("200, empty", Ends.OPEN),
    Row("204", Ends.OPEN, status=204),
    Row("200 with `{}`", Ends.OPEN, {}),
    Row("200 with `null`", Ends.OPEN, "null"),
    Row("200 with a JSON list", Ends.OPEN, [tokens()]),
    Row("200 with text", Ends.OPEN, "OK"),
    Row("200 with HTML", Ends.OPEN, _PAGE),
    Row("200 with JSON that ends too early", Ends.OPEN, WHOLE[:-1]),
    Row("200 with an `id_token` alone", Ends.OPEN, {"id_token": ACCESS, "expires_in": 3600}),
    Row("200 without `access_token`", Ends.HALF, _NEW),
    *(
        Row(
            f'200 with `"access_token": {json.dumps(value)}`',
            Ends.HALF,
            _NEW | {"access_token": value},
        )
        for value in ("", None, True, -1, ["a"], "a\nb", "\ud800", "é")
    ),
    Row("200 with a token bound to a key (`DPoP`)", Ends.HALF, tokens(token_type="DPoP")),
    Row(
        "200 without `access_token`, `Retry-After: 600`",
        Ends.HALF,
        _NEW,
        headers={"retry-after": "600"},
        waits=600,
    ),
    Row(
        "200 without `access_token`, the refresh token the old one",
        Ends.OPEN,
        {"refresh_token": OLD_REFRESH},
    ),
    Row("200 without `access_token`, the refresh token empty", Ends.OPEN, {"refresh_token": ""}),
    Row(
        "200 without `access_token`, the refresh token a list",
        Ends.OPEN,
        {"refresh_token": [REFRESH]},
    ),
    Row(
        "200 with two tokens in places of no known name", Ends.OPEN, {"a": tokens(), "b": tokens()}
    ),
    Row("200 with two different values of `access_token`", Ends.OPEN, _twice("access_token")),
    Row("200 with two different values of `refresh_token`", Ends.OPEN, _twice("refresh_token")),
    Row("200, nested 30 deep", Ends.OPEN, _nested(30)),
    Row("200, nested 5,000 deep", Ends.OPEN, _nested(5_000)),
    Row("200 with tokens of 70,000 characters", Ends.OPEN, tokens(access_token="x" * 70_000)),
    Row(
        "200, `Retry-After: 600`, no token",
        Ends.OPEN,
        {},
        headers={"retry-after": "600"},
        waits=600,
    ),
    # On the wire
    Row("200 of 10 MB", Ends.OPEN, wire=(_LARGE, *[b" " * 1_000_000] * 10)),
    Row(
        "200 of 10 MB, its length not said",
        Ends.OPEN,
        wire=(OK + b"\r\n", *[b" " * 1_000_000] * 10),
    ),
    Row("a gzip bomb of 50 MB", Ends.OPEN, wire=(OK + b"Content-Encoding: gzip\r\n\r\n", _ZEROS)),
    Row("gzip that is none", Ends.OPEN, wire=(OK + b"Content-Encoding: gzip\r\n\r\n", WHOLE)),
    Row(
        "an encoding nobody asked for",
        Ends.OPEN,
        wire=(OK + b"Content-Encoding: br\r\n\r\n", WHOLE),
    ),
    Row("a connection closed before the whole body came", Ends.OPEN, wire=(_TRUNCATED,)),
    Row("a connection closed without an answer", Ends.OPEN, wire=()),
    Row("what is no HTTP", Ends.OPEN, wire=(b"220 mail.example.com ESMTP\r\n",)),
)

_OUTAGES: tuple[Row, ...] = (
    Row("500, empty", Ends.OPEN, status=500),
    Row("502 with HTML", Ends.OPEN, _PAGE, status=502),
    Row(
        "503 with `temporarily_unavailable`",
        Ends.OPEN,
        _says("temporarily_unavailable"),
        status=503,
    ),
    Row(
        "503, `Retry-After: 120`", Ends.OPEN, status=503, headers={"retry-after": "120"}, waits=120
    ),
    Row("500 with `invalid_grant`", Ends.OPEN, _says("invalid_grant"), status=500),
    Row("500 with tokens", Ends.OPEN, tokens(), status=500),
    Row(
        "302 to somewhere",
        Ends.OPEN,
        status=302,
        headers={"location": f"https://x.example/?{WORDS}"},
    ),
    Row("401 with HTML: a firewall's", Ends.OPEN, _PAGE, status=401),
    Row("403 with HTML", Ends.OPEN, _PAGE, status=403),
    Row("404 with HTML", Ends.OPEN, _PAGE, status=404),
    Row("400, empty", Ends.OPEN, status=400),
    Row("400 with tokens", Ends.OPEN, tokens(), status=400),
    Row(
        '200 with `"ok": false, "error": "internal_error"`',
        Ends.OPEN,
        {"ok": False, "error": "internal_error"},
    ),
    Row("200 with tokens and an error of no known meaning", Ends.OPEN, tokens() | _says("x_y")),
    Row('200 with tokens and `"ok": false`', Ends.OPEN, tokens(ok=False)),
    Row("429", Ends.NOT_NOW, status=429),
    Row(
        "429, `Retry-After: 120`",
        Ends.NOT_NOW,
        status=429,
        headers={"retry-after": "120"},
        waits=120,
    ),
    Row(
        "429, `Retry-After: 99999999`",
        Ends.NOT_NOW,
        status=429,
        headers={"retry-after": "9" * 8},
        waits=3600,
    ),
    Row("429, `Retry-After: soon`", Ends.NOT_NOW, status=429, headers={"retry-after": "soon"}),
    Row("429, `Retry-After: -120`", Ends.NOT_NOW, status=429, headers={"retry-after": "-120"}),
    Row("429 with `invalid_grant`", Ends.NOT_NOW, _says("invalid_grant"), status=429),
    Row(
        '200 with `"ok": false, "error": "ratelimited"`',
        Ends.NOT_NOW,
        {"ok": False, "error": "ratelimited"},
    ),
    Row(
        "403 with another error, `Retry-After: 120`",
        Ends.NOT_NOW,
        _says("access_denied"),
        status=403,
        headers={"retry-after": "120"},
        waits=120,
    ),
)

_REFUSALS: tuple[Row, ...] = (
    Row("400 with `invalid_request`", Ends.REFUSED, _says("invalid_request"), status=400),
    Row("400 with `invalid_scope`", Ends.REFUSED, _says("invalid_scope"), status=400),
    Row("400 with a code of its own", Ends.REFUSED, _says("something_new"), status=400),
    Row("403 with `access_denied`", Ends.OPEN, _says("access_denied"), status=403),
    Row("401 with `invalid_token`", Ends.REFUSED, _says("invalid_token"), status=401),
    Row("200 with an error of no known meaning", Ends.REFUSED, _says("something_new")),
    Row("400 with `invalid_grant`", Ends.GRANT_GONE, _says("invalid_grant"), status=400),
    Row("403 with `invalid_grant`", Ends.GRANT_GONE, _says("invalid_grant"), status=403),
    Row("200 with `invalid_grant`", Ends.GRANT_GONE, _says("invalid_grant")),
    Row(
        "200 with `invalid_grant`, as a form",
        Ends.GRANT_GONE,
        f"error=invalid_grant&error_description={WORDS}",
    ),
    Row("200 with tokens and `invalid_grant`", Ends.GRANT_GONE, tokens() | _says("invalid_grant")),
    Row(
        "400 with `interaction_required`",
        Ends.GRANT_GONE,
        _says("interaction_required"),
        status=400,
    ),
    Row(
        "400 with a sentence: `Invalid refresh token`",
        Ends.GRANT_GONE,
        {"status": 400, "message": "Invalid refresh token"},
        status=400,
    ),
    Row("401 with `invalid_client`", Ends.CLIENT_WRONG, _says("invalid_client"), status=401),
    Row(
        "400 with `unauthorized_client`",
        Ends.CLIENT_WRONG,
        _says("unauthorized_client"),
        status=400,
    ),
    Row("200 with `invalid_client`", Ends.CLIENT_WRONG, _says("invalid_client")),
    Row("401, empty", Ends.CLIENT_WRONG, status=401),
)

FAILURES = _UNUSABLE + _OUTAGES + _REFUSALS
