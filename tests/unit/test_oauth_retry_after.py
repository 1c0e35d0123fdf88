from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.oauth import retry_after

NOW = datetime(2026, 10, 21, 7, 27, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("120", 120.0),
        (" 0 ", 0.0),
        ("Wed, 21 Oct 2026 07:28:00 GMT", 60.0),
        ("Wednesday, 21-Oct-26 07:28:00 GMT", 60.0),
        ("Wed Oct 21 07:28:00 2026", 60.0),
        ("Wed, 21 Oct 2026 07:00:00 GMT", 0.0),
    ],
)
def test_both_forms_of_rfc_9110_are_read(value: str, expected: float) -> None:
    assert retry_after(value, NOW) == expected


@pytest.mark.parametrize("value", ["3601", "9" * 5000, "Wed, 21 Oct 2099 07:28:00 GMT"])
def test_nobody_makes_us_wait_longer_than_an_hour(value: str) -> None:
    assert retry_after(value, NOW) == 3600.0


@pytest.mark.parametrize("value", [None, "", "-5", "1.5", "soon", "120, 60", "١٢", "NaN", "1e3"])
def test_garbage_says_nothing(value: str | None) -> None:
    assert retry_after(value, NOW) is None


@given(st.text())
def test_any_text_is_survived(value: str) -> None:
    waited = retry_after(value, NOW)
    assert waited is None or 0 <= waited <= 3600
