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
        ("Sun, 06 Nov 1994 08:49:37 GMT", 0.0),
        ("Wed, 21 Oct 2026 09:28:00 +0200", 60.0),
        ("Wed, 21 Oct 2026 07:28:00", 60.0),
        ("000000120", 120.0),
        ("\t120 ", 120.0),
    ],
)
def test_both_forms_of_rfc_9110_are_read(value: str, expected: float) -> None:
    assert retry_after(value, NOW) == expected


@pytest.mark.parametrize(
    "value",
    [
        "3601",
        "1792567740",
        "9" * 10,
        "9" * 5000,
        "Wed, 21 Oct 2099 07:28:00 GMT",
        "Fri, 31 Dec 9999 23:59:59 -1200",
    ],
)
def test_nobody_makes_us_wait_longer_than_an_hour(value: str) -> None:
    assert retry_after(value, NOW) == 3600.0


@pytest.mark.parametrize(
    "value",
    [
        *(None, "", " ", "-5", "-0", "+5", "1.5", "1e3", "1e400", "0x10", "1_000", "²", "١٢"),
        *("NaN", "Infinity", "soon", "120, 60", "120;q=1", "07:28", "2026-10-21T07:28:00Z"),
        *("Wed, 32 Oct 2026 07:28:00 GMT", "Wed, 21 Oct 2026 25:28:00 GMT", "21 Oct 2026"),
        *("Wed, 21 Oct 2026 07:28:00 +9999", "Wed, 21 Oct 99999 07:28:00 GMT"),
    ],
)
def test_garbage_says_nothing(value: str | None) -> None:
    assert retry_after(value, NOW) is None


@given(st.datetimes(), st.integers(-9999, 9999), st.sampled_from(["GMT", "", "zone"]))
def test_any_date_is_clamped(moment: datetime, offset: int, zone: str) -> None:
    text = moment.strftime("%a, %d %b %Y %H:%M:%S ") + (f"{offset:+05}" if zone == "zone" else zone)
    waited = retry_after(text, NOW)
    assert waited is None or 0 <= waited <= 3600


@given(st.text())
def test_any_text_is_survived(value: str) -> None:
    waited = retry_after(value, NOW)
    assert waited is None or 0 <= waited <= 3600
