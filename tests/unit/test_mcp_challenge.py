"""WWW-Authenticate (RFC 9110 §11.6.1, RFC 6750 §3, RFC 9728 §5.1)."""

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.mcp import Challenge
from broker.mcp.challenge import _challenges

METADATA = "https://mcp.example.com/.well-known/oauth-protected-resource"


def read(*values: str, body: bytes = b"", name: str = "WWW-Authenticate") -> Challenge:
    headers = httpx.Headers([(name, value) for value in values])
    return Challenge.read(headers, body)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], Challenge()),
        (["Bearer"], Challenge()),
        (["bearer"], Challenge()),
        # RFC 6750 §3
        (['Bearer realm="example"'], Challenge()),
        (
            ['Bearer realm="example",error="invalid_token",error_description="It expired"'],
            Challenge("invalid_token"),
        ),
        # RFC 9728 §5.1
        ([f'Bearer resource_metadata="{METADATA}"'], Challenge(None, (), METADATA)),
        # MCP, Authorization
        (
            [
                (
                    f'Bearer error="insufficient_scope", scope="files:read files:write",\t'
                    f'resource_metadata="{METADATA}", error_description="more, please"'
                )
            ],
            Challenge("insufficient_scope", ("files:read", "files:write"), METADATA),
        ),
        # several challenges, in one header and in two (RFC 9110 §11.6.1)
        (
            ['Newauth realm="apps", type=1, title="Login to \\"apps\\"", Bearer scope="a"'],
            Challenge(None, ("a",)),
        ),
        (["Negotiate abc==, Bearer error=invalid_token"], Challenge("invalid_token")),
        (['Basic realm="Bearer scope=x"', 'Bearer scope="a"'], Challenge(None, ("a",))),
        (["Basic, Bearer error=invalid_token"], Challenge("invalid_token")),
        (['Basic realm="x"'], Challenge()),
        # in the wild
        (['BEARER Error = "invalid_token" , Scope = "a"'], Challenge("invalid_token", ("a",))),
        (['Bearer error="invalid_token" scope="a"'], Challenge("invalid_token", ("a",))),
        ([',, Bearer error="invalid_token",'], Challenge("invalid_token")),
        (['Bearer scope="a  b a"'], Challenge(None, ("a", "b"))),
        (['Bearer scope="a", scope="b"'], Challenge(None, ("a",))),
        # what is not ours to repeat
        (['Bearer error="<script>"'], Challenge()),
        (['Bearer error="at_12345_secret"'], Challenge()),
        (['Bearer scope="a\\"b c"'], Challenge(None, ("c",))),
        (['Bearer resource_metadata="javascript:alert(1)"'], Challenge()),
        (['Bearer error="unfinished'], Challenge()),
        (["Bearer =, ="], Challenge()),
        (["error=invalid_token"], Challenge()),
    ],
)
def test_a_challenge_is_read(values: list[str], expected: Challenge) -> None:
    assert read(*values) == expected


def test_a_challenge_is_read_where_api_gateway_puts_it() -> None:
    renamed = read('Bearer scope="a"', name="x-amzn-Remapped-WWW-Authenticate")
    assert renamed == Challenge(None, ("a",))


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"error": "invalid_token", "error_description": "x"}', Challenge("invalid_token")),
        (
            b'{"error": "insufficient_scope", "scope": "a b"}',
            Challenge("insufficient_scope", ("a", "b")),
        ),
        (b'{"jsonrpc": "2.0", "error": {"code": 1}}', Challenge()),
        (b'{"error": ["insufficient_scope"], "scope": {}}', Challenge()),
        (b'["error"]', Challenge()),
        (b"<html>", Challenge()),
        (b"[" * 100_000, Challenge()),
    ],
)
def test_an_oauth_style_body_says_what_the_header_does_not(
    body: bytes, expected: Challenge
) -> None:
    assert read(body=body) == expected


def test_the_header_is_believed_before_the_body() -> None:
    body = b'{"error": "invalid_token", "scope": "b"}'
    said = read('Bearer error="insufficient_scope"', body=body)
    assert said == Challenge("insufficient_scope", ("b",))


def test_the_number_and_length_of_scopes_is_limited() -> None:
    said = read(f'Bearer scope="{" ".join(map(str, range(1000)))} {"x" * 300}"')
    assert said.scopes == tuple(map(str, range(64)))


@given(st.text(st.sampled_from('Bearer scope="=, \\\t?aé'), max_size=60))
def test_no_header_breaks_the_reading(value: str) -> None:
    Challenge.read(httpx.Headers([(b"www-authenticate", value.encode("latin-1"))]), b"")


LONG = 2_000_000
"""Read once, that is a moment; read again for each character of it, it is days."""
ENDLESS = {
    "blanks after a scheme": "Bearer" + " " * LONG + "=",
    "blanks and tabs": "Bearer" + " \t" * LONG + "=x",
    "blanks before no value": "Bearer a" + " " * LONG + "x",
    "blanks after the equals sign": "Bearer a=" + " " * LONG + "(",
    "blanks after a token68": "Bearer a==" + " " * LONG + "(",
    "signs after a token68": "Bearer a" + "=" * LONG + "(",
    "a long scheme": "B" * LONG + "=",
    "a long name": "Bearer " + "a" * LONG + "(",
    "a text without an end": 'Bearer a="' + "\\x" * LONG,
    "commas": "," * LONG + "(",
    "schemes": "a, " * (LONG // 20),
    "blanks in between": ("a" + " " * 1000 + "=") * (LONG // 1000),
}


@pytest.mark.parametrize("text", ENDLESS.values(), ids=ENDLESS)
def test_a_header_without_an_end_is_read_once(text: str) -> None:
    assert all(parameters == {} for _, parameters in _challenges(text))
    whole = Challenge.read(httpx.Headers({"WWW-Authenticate": text[:65_536]}), b"")
    assert whole == Challenge()
