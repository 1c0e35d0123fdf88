"""What a stand-in remembers: codes, and the tokens of each grant."""

import secrets
from dataclasses import dataclass, field

from .dialect import Refused, Tokens


@dataclass(eq=False)
class Grant:
    """What one user granted, and what came of it."""

    scopes: tuple[str, ...]
    offline: bool
    alive: bool = True
    access: set[str] = field(default_factory=set)
    refresh: str | None = None
    spent: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Opened:
    """A code's grant, and what its redemption must show."""

    grant: Grant
    redirect_uri: str
    challenge: str | None


@dataclass
class Grants:
    """All of one service's; the caller holds its lock."""

    every: list[Grant] = field(default_factory=list)
    codes: dict[str, Opened] = field(default_factory=dict)

    def open(self, grant: Grant, redirect_uri: str, challenge: str | None) -> str:
        """Remember a grant; return its code."""
        self.every.append(grant)
        code = secrets.token_urlsafe(24)
        self.codes[code] = Opened(grant, redirect_uri, challenge)
        return code

    def take(self, code: str) -> Opened:
        """Return what a code stands for, once; raise Refused."""
        opened = self.codes.pop(code, None)
        if opened is None:
            raise Refused("invalid_grant", "the code is unknown or spent")
        return opened

    def refreshed(self, token: str, *, rotates: bool) -> Grant:
        """Return the grant of a refresh token; one that was spent ends its grant."""
        grant = next((each for each in self.every if token in {each.refresh} | each.spent), None)
        if grant is None or not grant.alive:
            raise Refused("invalid_grant", "the refresh token is unknown or dead")
        if token in grant.spent:
            grant.alive = False
            raise Refused("invalid_grant", "the refresh token was spent before")
        if rotates:
            grant.spent.add(token)
            grant.refresh = None
        return grant

    def issue(self, grant: Grant, *, refreshable: bool) -> Tokens:
        """Issue tokens; the earlier access tokens serve no longer."""
        access, fresh = f"at-{secrets.token_urlsafe(24)}", None
        grant.access = {access}
        if refreshable and grant.refresh is None:
            fresh = grant.refresh = f"rt-{secrets.token_urlsafe(24)}"
        return Tokens(access, fresh, grant.scopes)

    def serves(self, token: str) -> bool:
        """Say whether an access token is alive."""
        return self.of_access(token) is not None

    def of_access(self, token: str) -> Grant | None:
        """Return the living grant of an access token."""
        return next((each for each in self.every if each.alive and token in each.access), None)

    def check_kind(self, token: str, only: str | None) -> None:
        """Raise Refused for a token that is not of the one kind that is taken."""
        if only == "access" and not self.serves(token):
            raise Refused("invalid_request", "that is no access token")
        if only == "refresh" and token not in {each.refresh for each in self.every}:
            raise Refused("invalid_request", "that is no refresh token")

    def end(self, token: str) -> None:
        """End the grant of any of its tokens (RFC 7009 §2.1)."""
        for grant in self.every:
            if token in {grant.refresh} | grant.access:
                grant.alive = False

    def expire(self) -> None:
        """Let all access tokens end."""
        for grant in self.every:
            grant.access = set()

    def end_all(self) -> None:
        """End every grant, as users do in the service's own settings."""
        for grant in self.every:
            grant.alive = False

    @property
    def living(self) -> int:
        """How many grants are alive."""
        return sum(grant.alive for grant in self.every)
