"""When a token is fresh, when it is due, and how long to back off: pure rules."""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta

from broker.model import Connection, SealedTokens, Server

CLOCK_SKEW = timedelta(seconds=5)
"""A token this close to its end may be dead by the time it arrives."""
_AHEAD = timedelta(seconds=120)
_JITTER = 0.25
_LONGEST_BACKOFF = timedelta(minutes=15)
_FIRST_BACKOFF = timedelta(seconds=2)
_IDLE_MARGIN = 0.1
_LAST_CALL = 0.05
_JUST_NOW = timedelta(seconds=3)
"""As long as a refresh usually takes, from the request on, and who waits for it sleeps."""
_GRACE_MARGIN = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class RefreshPolicy:
    """The stack's choices: how early before a call, and how long an unused one is kept warm."""

    buffer: timedelta = timedelta(seconds=300)
    keep_warm: timedelta = timedelta(hours=24)

    def buffer_of(self, tokens: SealedTokens) -> timedelta:
        """Return the time left at which a call refreshes first: at most half the lifetime."""
        if tokens.expires_at is None:
            return timedelta(0)
        return min(self.buffer, (tokens.expires_at - tokens.obtained_at) / 2)

    def fresh(self, tokens: SealedTokens, now: datetime) -> bool:
        """Return whether a call may use the token as it is; unknown expiry counts as fresh."""
        if tokens.expires_at is None:
            return True
        return tokens.expires_at - now > self.buffer_of(tokens)

    def due_at(
        self, tokens: SealedTokens, server: Server, used_at: datetime | None, now: datetime
    ) -> datetime | None:
        """Return when the worker should look; None: never.

        Shortly before expiry while the connection is in use, else before the refresh token dies
        of idleness.
        """
        if tokens.refresh is None:
            return None
        moments = [self._expiry_moment(tokens, used_at, now), idle_moment(tokens, server)]
        return min((m for m in moments if m is not None), default=None)

    def ahead_of_expiry(
        self, tokens: SealedTokens, used_at: datetime | None, now: datetime
    ) -> bool:
        """Return whether the worker should refresh now rather than at the next tick."""
        if tokens.expires_at is None or not self._in_use(used_at, now):
            return False
        return tokens.expires_at - now <= self.buffer_of(tokens) + _lead(tokens) * (1 + _JITTER)

    def worth_touching(self, connection: Connection, now: datetime) -> bool:
        """Return whether the stored last use is old enough to write a new one."""
        if connection.tokens.refresh is None or not self.keep_warm:
            return False
        used_at = connection.used_at or connection.connected_at
        return now - used_at > self.keep_warm / 4

    def _in_use(self, used_at: datetime | None, now: datetime) -> bool:
        return used_at is not None and used_at + self.keep_warm > now

    def _expiry_moment(
        self, tokens: SealedTokens, used_at: datetime | None, now: datetime
    ) -> datetime | None:
        if tokens.expires_at is None or not self._in_use(used_at, now):
            return None
        lead = _lead(tokens) * random.uniform(1, 1 + _JITTER)  # noqa: S311 - spreads load
        return tokens.expires_at - self.buffer_of(tokens) - lead


def idle_moment(tokens: SealedTokens, server: Server) -> datetime | None:
    """Return when a refresh token must be used lest it die of idleness; None: not known to."""
    life = _unused_life(tokens, server)
    return None if life is None else tokens.obtained_at + life * (1 - _IDLE_MARGIN)


def _unused_life(tokens: SealedTokens, server: Server) -> timedelta | None:
    """Return how long what renews the set lives unused: an access token, until it runs out."""
    days = server.refresh_idle_days
    lives = [timedelta(days=days)] if days is not None else []
    if server.quirks.renews_itself and tokens.expires_at is not None:
        lives.append(tokens.expires_at - tokens.obtained_at)
    return min(lives, default=None)


@dataclass(frozen=True, slots=True)
class HeldBack:
    """A refresh that would be due, and is not to be sent yet."""

    until: datetime | None
    """None: not before somebody needs it."""


def held_back(connection: Connection, server: Server, now: datetime) -> HeldBack | None:
    """Return until when nobody sends who has a token that serves; None: it may be sent.

    After a failure not before its backoff is over. After a request without an answer, which may
    have spent the token, not before nothing is left to lose, unless the service forgives it still:
    when the access token has run out, or shortly before the refresh token dies of idleness.
    """
    tokens, moments = connection.tokens, [connection.retry_at or now]
    if connection.ambiguous and grace_left(connection, server, now) is None:
        ends = [tokens.expires_at, _last_call(tokens, server)]
        known = [end for end in ends if end is not None]
        if not known:
            return HeldBack(None)
        moments.append(min(known))
    latest = max(moments)
    return HeldBack(latest) if latest > now else None


def _last_call(tokens: SealedTokens, server: Server) -> datetime | None:
    life = _unused_life(tokens, server)
    return None if life is None else tokens.obtained_at + life * (1 - _LAST_CALL)


def still_valid(tokens: SealedTokens, now: datetime) -> bool:
    """Return whether the access token has not run out, as far as is known, nor is about to."""
    if tokens.expires_at is None:
        return True
    return tokens.expires_at - now > min(CLOCK_SKEW, (tokens.expires_at - tokens.obtained_at) / 4)


def just_obtained(tokens: SealedTokens, now: datetime) -> bool:
    """Return whether the set is as new as one that a call waited for, and has not run out.

    It is used however short it lives: else each of those who waited would renew it once more.
    """
    ended = tokens.expires_at is not None and tokens.expires_at <= now
    return not ended and now - tokens.obtained_at < _JUST_NOW


def grace_left(connection: Connection, server: Server, now: datetime) -> timedelta | None:
    """Return for how long the service still takes a refresh token that it may have replaced.

    None: no longer, or not known to. Only where its builder says so (``reuse_grace_seconds``),
    counted from the first request that brought no answer.
    """
    if not connection.ambiguous or connection.ambiguous_at is None:
        return None
    grace = timedelta(seconds=server.reuse_grace_seconds or 0)
    left = connection.ambiguous_at + grace - _GRACE_MARGIN - now
    return left if left > timedelta(0) else None


def backoff(attempts: int, retry_after: float | None) -> timedelta:
    """Return how long nobody sends after the ``attempts``-th failure.

    Full jitter, on top of what the server asked for (seconds): it asks everybody for the same.
    """
    ceiling = min(_LONGEST_BACKOFF, _FIRST_BACKOFF * (1 << min(attempts, 10)))
    jittered = ceiling * random.random()  # noqa: S311 - spreads load
    return timedelta(seconds=retry_after or 0) + jittered


def whole_second_after(moment: datetime) -> datetime:
    """Return the moment as it is stored, and never earlier than asked for."""
    return moment.replace(microsecond=0) + timedelta(seconds=1 if moment.microsecond else 0)


def _lead(tokens: SealedTokens) -> timedelta:
    if tokens.expires_at is None:
        return _AHEAD
    return min(_AHEAD, (tokens.expires_at - tokens.obtained_at) / 4)
