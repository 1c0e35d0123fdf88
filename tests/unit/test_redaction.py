"""What a stranger echoes, without the secrets it was sent."""

import base64
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.model import Secret
from broker.redaction import REDACTED, Redactor

TOKEN = "ya29.a0Af/token+with~marks=="
REDACTOR = Redactor(Secret(TOKEN), None)


@pytest.mark.parametrize(
    "echoed",
    [
        TOKEN,
        TOKEN.lower(),
        f"Bearer {TOKEN}.",
        quote(TOKEN, safe=""),
        TOKEN.encode().hex(),
        base64.b64encode(f"x{TOKEN}y".encode()).decode(),
        base64.urlsafe_b64encode(f"xy{TOKEN}".encode()).decode(),
        base64.b64encode(f"{TOKEN}".encode()).decode(),
    ],
)
def test_an_echo_is_taken_out_in_every_likely_form(echoed: str) -> None:
    assert REDACTOR.holds(echoed)
    cleaned = REDACTOR.text(echoed)
    assert REDACTED in cleaned
    assert not REDACTOR.holds(cleaned)


def test_values_are_cleaned_in_depth_and_in_their_keys() -> None:
    value = {"a": [{TOKEN: f"<{TOKEN}>"}], "n": 1, "f": 1.5, "t": True, "z": None}
    assert REDACTOR.value(value) == {
        "a": [{REDACTED: f"<{REDACTED}>"}],
        "n": 1,
        "f": 1.5,
        "t": True,
        "z": None,
    }


def test_names_that_hold_a_secret_are_dropped() -> None:
    assert REDACTOR.without(("read", TOKEN, "write")) == ("read", "write")


def test_without_secrets_nothing_changes() -> None:
    assert Redactor(None).text(TOKEN) == TOKEN
    assert not Redactor(Secret("abc")).holds("abcdef")  # too short to be a secret


@given(st.binary(max_size=7), st.binary(max_size=7), st.text("abcXYZ019-._~", min_size=9))
def test_base64_is_found_wherever_the_secret_begins(before: bytes, after: bytes, text: str) -> None:
    encoded = base64.b64encode(before + text.encode() + after).decode()
    assert Redactor(Secret(text)).holds(encoded)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(_JSON)
def test_what_holds_no_secret_stays_as_it_is(value: object) -> None:
    assert Redactor(Secret("a-secret-that-nobody-says")).value(value) == value
