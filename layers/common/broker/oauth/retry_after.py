"""When to come back (RFC 9110 §10.2.3)."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

LONGEST = 3600.0
"""Seconds: nobody makes us wait longer than an hour."""


def retry_after(value: str | None, now: datetime) -> float | None:
    """Read Retry-After, as seconds or as an HTTP date; 0 to 3,600, None if it says nothing."""
    text = (value or "").strip()
    if text.isascii() and text.isdigit():
        return LONGEST if len(text) > 9 else min(float(text), LONGEST)
    moment = http_date(text)
    if moment is None:
        return None
    return min(max((moment - now).total_seconds(), 0.0), LONGEST)


def http_date(text: str) -> datetime | None:
    """Read a date in any of the forms of RFC 9110 §5.6.7."""
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return moment.replace(tzinfo=moment.tzinfo or UTC)
