"""The demo's sweep finds a secret however a row holds it."""

import base64
import gzip

import pytest

from local.demo.sweep import _leaves, marks

SECRET = "a-canary-of-many-characters"


@pytest.mark.parametrize(
    "row",
    [
        {"name": {"S": f"x{SECRET}"}},
        {"list": {"L": [{"S": SECRET}]}},
        {"content": {"B": gzip.compress(f'[{{"name": "{SECRET}"}}]'.encode())}},
        {"text": {"S": base64.b64encode(f"ab{SECRET}c".encode()).decode()}},
    ],
)
def test_a_secret_in_a_row_is_found(row: dict[str, object]) -> None:
    held = b"\n".join(_leaves(row))
    assert any(mark in held for mark in marks(SECRET))


def test_what_begins_like_gzip_and_is_not_is_looked_at_as_it_is() -> None:
    nonce = b"\x1f\x8bw\x07M\x12\xb7\xa0.7\xdc\xe7"
    assert list(_leaves({"B": nonce})) == [b"B", nonce, b""]
