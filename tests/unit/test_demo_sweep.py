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
