"""When a token ends, from whatever a service says of it."""

import math
import re
from datetime import UTC, datetime, timedelta

from .answer_body import Members
from .jwt_claims import unverified_claims
from .retry_after import http_date

_OF_ACCESS = (
    "expires_in_sec",
    "expires_in",
    "expires",
    "expires_at",
    "expires_on",
    "expiresIn",
    "expiresAt",
)
REFRESH_EXPIRY = (
    "refresh_token_expires_in",
    "refresh_expires_in",
    "x_refresh_token_expires_in",
    "refresh_token_expires_at",
    "refresh_expires_at",
)
# No lifetime reaches 31 years; no time of day since 2001 is below it. So one number tells them
# apart, and thousands tell seconds from milliseconds, micro- and nanoseconds.
_EPOCH = 1e9
_SECONDS = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*(?:s|secs?|seconds?)\s*", re.ASCII)
_ZONE = re.compile(r"\s+(?:UTC|GMT|Z|([+-][0-9]{2}:?[0-9]{2}))$", re.ASCII)
_EPOCH_UNITS = ((1e11, 1.0), (1e14, 1e3), (1e17, 1e6), (1e20, 1e9))


def access_expiry(members: Members, access_token: str, now: datetime) -> datetime | None:
    """Return when the access token ends; None if nothing says so, which is not 'for ever'.

    ``expires_in`` (RFC 6749 §5.1) or a member like it, else the token's own ``exp`` if it is a
    JWT. ``now`` is when the request was sent: the token cannot have been issued before.
    """
    return _first(members, _OF_ACCESS, now) or _own_expiry(access_token, now)


def refresh_expiry(members: Members, now: datetime) -> datetime | None:
    """Return when the refresh token ends, where a service says so."""
    return _first(members, REFRESH_EXPIRY, now)


def _first(members: Members, names: tuple[str, ...], now: datetime) -> datetime | None:
    moments = (_moment(members.get(name), now) for name in names)
    return next((moment for moment in moments if moment), None)


def _moment(value: object, now: datetime) -> datetime | None:
    """Read seconds from now, an epoch time, an ISO 8601 time or a date of RFC 9110 §5.6.7.

    A number may be text, seconds may say so (``3600s``), a time may have a blank before its zone.

    Zero, negative, past, and what cannot be read are no statement: services send 0 and -1 for
    'does not expire', and a token that was issued this moment is not taken for expired.
    """
    number = _number(value)
    if number is None:
        return _later(_time(value.strip()), now) if isinstance(value, str) else None
    if number <= 0:
        return None
    if number < _EPOCH:
        return now + timedelta(seconds=number)
    return _later(_epoch_time(number), now)


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, str) and (seconds := _SECONDS.fullmatch(value)):
        value = seconds[1]
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _epoch_time(number: float) -> datetime | None:
    for limit, unit in _EPOCH_UNITS:
        if number < limit:
            return datetime.fromtimestamp(number / unit, UTC)
    return None


def _time(text: str) -> datetime | None:
    iso = _ZONE.sub(lambda zone: zone[1] or "+00:00", text)
    return _iso_time(iso) or _utc(http_date(text))


def _iso_time(text: str) -> datetime | None:
    try:
        return _utc(datetime.fromisoformat(text))
    except ValueError:
        return None


def _utc(moment: datetime | None) -> datetime | None:
    try:
        return moment and moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    except OverflowError:
        return None


def _later(moment: datetime | None, now: datetime) -> datetime | None:
    return moment if moment and moment > now else None


def _own_expiry(access_token: str, now: datetime) -> datetime | None:
    return numeric_date((unverified_claims(access_token) or {}).get("exp"), now)


def numeric_date(exp: object, now: datetime) -> datetime | None:
    """Read an ``exp`` (RFC 7519 §2, RFC 7662 §2.2) that lies ahead; None for anything else."""
    number = None if isinstance(exp, str) else _number(exp)
    if number is None or number < _EPOCH:
        return None
    return _later(_epoch_time(number), now)
