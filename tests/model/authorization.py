"""The authorization server: what it holds of a user's grants, and what each request does to it.

Refresh token ``r0.2`` is the third of grant 0. What it remembers besides of its tokens (which were
presented, which answers got lost) is for the invariants alone.
"""

import json
from enum import Enum
from typing import NamedTuple

from tests.model.told import Reply

EXPIRES_IN = 600
GRACE = 30


class Kind(Enum):
    """How refresh tokens behave."""

    STRICT = "a refresh token used twice ends its grant"
    GRACE = "within a grace period, a refresh token used twice gives the same set again"
    STATIC = "refresh tokens stay"


class Grant(NamedTuple):
    """One consent and the chain of its refresh tokens; bit n of a mask is token n."""

    newest: int = 0
    alive: bool = True
    presented: int = 0
    lost: int = 0
    """Tokens whose answer got lost by a fault, so that they may come again."""
    rotated_at: int = 0
    left: bool = False
    """Its user disconnected."""
    withdrawn: bool = False
    """Its user withdrew it at the service."""


type Grants = tuple[Grant, ...]


class Processed(NamedTuple):
    """The grants after a request, the answer, and whether a spent token was used without cause."""

    grants: Grants
    reply: Reply
    reused: bool = False


_REFUSED = Reply(400, '{"error": "invalid_grant"}')
_DONE = Reply(200, "{}")


def token_of(text: str) -> tuple[int, int]:
    """Return grant and number of a token."""
    grant, _, number = text[1:].partition(".")
    return int(grant), int(number)


def changed(grants: Grants, which: int, **values: object) -> Grants:
    """Return the grants with one of them changed."""
    new = grants[which]._replace(**values)  # type: ignore[arg-type] # checked by the tuple itself
    return (*grants[:which], new, *grants[which + 1 :])


def lost(grants: Grants, refresh_token: str) -> Grants:
    """Note that the answer to this token got lost."""
    which, number = token_of(refresh_token)
    return changed(grants, which, lost=grants[which].lost | 1 << number)


def consent(grants: Grants) -> Processed:
    """Give a new grant for a code."""
    which = len(grants)
    return Processed((*grants, Grant()), _set(which, 0, with_refresh=True))


def refresh(grants: Grants, kind: Kind, refresh_token: str, time: int) -> Processed:
    """Answer a refresh request."""
    which, number = token_of(refresh_token)
    grant = grants[which]
    if kind is Kind.STATIC:
        if not grant.alive:
            return Processed(grants, _REFUSED)
        return Processed(grants, _set(which, number, with_refresh=False))
    bit = 1 << number
    reused = bool(grant.presented & bit and not grant.lost & bit)
    grants = changed(grants, which, presented=grant.presented | bit)
    if not grant.alive:
        return Processed(grants, _REFUSED, reused)
    if number == grant.newest:
        rotated_at = time if kind is Kind.GRACE else 0
        grants = changed(grants, which, newest=number + 1, rotated_at=rotated_at)
        return Processed(grants, _set(which, number + 1, with_refresh=True), reused)
    if kind is Kind.GRACE and number + 1 == grant.newest and time <= grant.rotated_at + GRACE:
        return Processed(grants, _set(which, grant.newest, with_refresh=True), reused)
    return Processed(changed(grants, which, alive=False), _REFUSED, reused)


def revoke(grants: Grants, token: str, *, all_of_user: bool) -> tuple[Grants, tuple[int, ...]]:
    """End the token's grant, or all of the user's; return those that were alive."""
    which, _ = token_of(token)
    ended = tuple(
        n for n, grant in enumerate(grants) if grant.alive and (all_of_user or n == which)
    )
    for n in ended:
        grants = changed(grants, n, alive=False)
    return grants, ended


def revoked() -> Reply:
    """Answer a revocation (RFC 7009 §2.2)."""
    return _DONE


def _set(which: int, number: int, *, with_refresh: bool) -> Reply:
    body: dict[str, object] = {"access_token": f"a{which}.{number}", "token_type": "Bearer"}
    body["expires_in"] = EXPIRES_IN
    if with_refresh:
        body["refresh_token"] = f"r{which}.{number}"
    return Reply(200, json.dumps(body))
