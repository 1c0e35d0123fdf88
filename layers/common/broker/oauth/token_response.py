"""The answer of a token endpoint → a token set (RFC 6749 §5.1) or a failure."""

import re
from collections import ChainMap
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Self, cast

from broker.diagnosis import Fact
from broker.model import Secret, Server, TokenSet
from broker.redaction import Redactor

from .answer_body import Members, value_at
from .lifetime import REFRESH_EXPIRY, access_expiry, refresh_expiry
from .token_members import secrets_in

# Bound to a key that we do not hold (RFC 9449, RFC 7800), or no access token (RFC 8693): as a
# bearer it is refused at best. Any other type is taken: services send 'user', 'bot' or nothing.
_UNUSABLE_TYPES = frozenset({"dpop", "mac", "pop", "n_a"})
_VISIBLE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")  # RFC 6749 App. A.12, A.17
_REFRESH = re.compile(r"[\x20-\x7e]*[\x21-\x7e][\x20-\x7e]*")  # A.17; blanks at its ends, too
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")  # RFC 6749 §3.3
_WRAPPERS = ("authed_user", "data", "token", "tokens", "result", "response")


class Unusable(Exception):
    """The members hold no access token that can be used, though maybe a refresh token."""

    def __init__(self, member: str, refresh_token: Secret | None) -> None:
        """Take the name of the member at fault."""
        super().__init__(member)
        self.member = member
        self.refresh_token = refresh_token


@dataclass(frozen=True, slots=True)
class TokenResponse:
    """A token set, and what came with it."""

    token_set: TokenSet
    id_token: Secret | None
    members: Mapping[str, object] = field(repr=False)
    """All that the answer held, tokens included: not for logs."""
    lifetime_told: bool = True
    """Whether the service, or the token itself, says when the access token ends."""
    refresh_token_lost: bool = False
    """Whether a refresh token came in a form that cannot be read: the old one may be spent."""
    kept: Mapping[str, str] = field(default_factory=dict)
    """What the connection keeps of this consent, for the gaps of its URLs."""

    @property
    def facts(self) -> Mapping[str, Fact]:
        """Say what is worth knowing of it, without a secret."""
        tokens = self.token_set
        known: dict[str, Fact] = {
            "refresh_token": tokens.refresh_token is not None,
            "id_token": self.id_token is not None,
            "expiry_known": tokens.expires_at is not None,
        }
        if tokens.expires_at:
            known["expires_in"] = round((tokens.expires_at - tokens.obtained_at).total_seconds())
        if tokens.scope is not None:
            known["scope"] = " ".join(tokens.scope)
        return known

    def ending(self, expires_at: datetime) -> Self:
        """Return it with an end that was found out since."""
        token_set = replace(self.token_set, expires_at=expires_at)
        return replace(self, token_set=token_set, lifetime_told=True)

    def prolonged(self, longer: "TokenResponse") -> Self:
        """Return it with the token that this one was exchanged for; what that lacks stays."""
        tokens, old = longer.token_set, self.token_set
        token_set = replace(
            tokens,
            refresh_token=tokens.refresh_token or old.refresh_token,
            scope=old.scope if tokens.scope is None else tokens.scope,
            refresh_expires_at=old.refresh_expires_at
            if tokens.refresh_token is None
            else tokens.refresh_expires_at,
        )
        return replace(self, token_set=token_set, lifetime_told=longer.lifetime_told)

    @property
    def secrets(self) -> tuple[Secret | None, ...]:
        """Return its tokens, and what else in it is one by its name: none of it is to be shown."""
        tokens = self.token_set
        used = (tokens.access_token, tokens.refresh_token, self.id_token)
        return (*used, *secrets_in(self.members))

    def with_scope_free_of(self, *sent: Secret) -> Self:
        """Return it without scopes that are made of our own secrets or of these tokens."""
        tokens = self.token_set
        if tokens.scope is None:
            return self
        redactor = Redactor(*sent, *self.secrets)
        scope = redactor.without(tokens.scope) or None
        return replace(self, token_set=replace(tokens, scope=scope))


def read_token_response(members: Members, server: Server, sent_at: datetime) -> TokenResponse:
    """Make a token set of the members; raise Unusable.

    An omitted, empty or null refresh token is None (the caller keeps the old one), an omitted or
    empty scope too. Lifetimes count from ``sent_at``, so that an error makes them shorter.
    """
    found = _named(members, server.access_token_field) or _holding_token(members)
    found = _declared(found, members, server.quirks.token_response_fields)
    access_token = _token(found.get("access_token"))
    refresh_token = _token(found.get("refresh_token"), _REFRESH)
    if server.quirks.renews_itself:
        found, refresh_token = _renewing_itself(found), access_token
    if access_token is None:
        raise Unusable("access_token", refresh_token)
    if str(found.get("token_type")).lower() in _UNUSABLE_TYPES:
        raise Unusable("token_type", refresh_token)
    expires_at = access_expiry(found, access_token.reveal(), sent_at)
    told = expires_at is not None
    if expires_at is None and server.default_expires_in:
        expires_at = sent_at + timedelta(seconds=server.default_expires_in)
    token_set = TokenSet(
        access_token=access_token,
        refresh_token=refresh_token,
        expires_at=expires_at,
        obtained_at=sent_at,
        scope=read_scope(found.get("scope"), server.scope_separator),
        refresh_expires_at=refresh_expiry(found, sent_at),
    )
    lost = refresh_token is None and _says_something(found.get("refresh_token"))
    id_token = _token(found.get("id_token"))
    return TokenResponse(token_set, id_token, members, told, lost)


def _declared(found: Members, members: Members, fields: Mapping[str, str]) -> Members:
    """Put what lies where the builder says in the place of its member; what does not stays."""
    values = {name: value_at(members, path) for name, path in fields.items()}
    there = {name: value for name, value in values.items() if value is not None}
    return {**found, **there} if there else found


def _renewing_itself(found: Members) -> Members:
    """Leave out the refresh token: the access token takes its place, its end included."""
    ends = {"refresh_token", *REFRESH_EXPIRY}
    return {name: value for name, value in found.items() if name not in ends}


def holds_token(members: Members) -> bool:
    """Tell whether an access token stands anywhere in the answer, fit for use or not."""
    return bool(_holding_token(members).get("access_token"))


def _named(members: Members, field: str | None) -> Members | None:
    """Return the object in which the named access token lies, that token as ``access_token``.

    What it lacks is looked up in the answer itself, unless that has another token of its own,
    whose lifetime, scope and refresh token it tells then. None: nothing lies there.
    """
    *way, name = (field or "").split(".")
    holder: object = members
    for step in way:
        holder = holder.get(step) if isinstance(holder, dict) else None
    if not isinstance(holder, Mapping) or not holder.get(name):
        return None
    found = {**holder, "access_token": holder[name]}
    return found if members.get("access_token") else ChainMap(found, dict(members))


def _holding_token(members: Members) -> Members:
    """Return the object with the access token: the answer itself, else one inside it.

    Inside, a known wrapper comes first (Slack's ``authed_user``), else the only one that has
    any. What it lacks is looked up in the answer itself.
    """
    if members.get("access_token"):
        return members
    inside = _inside(members)
    found = [inner for inner in inside.values() if inner.get("access_token")]
    known = [inside[name] for name in _WRAPPERS if inside.get(name, {}).get("access_token")]
    if not known and len(found) != 1:
        return members
    return ChainMap(dict([*known, *found][0]), dict(members))


def _inside(members: Members) -> Mapping[str, Members]:
    """Return the objects one level down by name, those two levels down by dotted name."""
    outer = _objects(members)
    inner = ((f"{name}.{key}", v) for name in outer for key, v in _objects(outer[name]).items())
    return outer | dict(inner)


def _objects(members: Members) -> dict[str, Members]:
    """Return the objects by name; a list of one (Instagram's ``data``) counts as its item."""
    items = {
        name: v[0] if isinstance(v, list) and len(v) == 1 else v for name, v in members.items()
    }
    return {name: cast("Members", v) for name, v in items.items() if isinstance(v, dict)}


def _token(value: object, grammar: re.Pattern[str] = _VISIBLE) -> Secret | None:
    """Read a token; one that came as a number is its digits."""
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        value = str(value)
    return Secret(value) if isinstance(value, str) and grammar.fullmatch(value) else None


def _says_something(value: object) -> bool:
    return bool(value.strip() if isinstance(value, str) else value)


def read_scope(value: object, separator: str) -> tuple[str, ...] | None:
    """Read a scope as text (blanks, commas or the server's own separator) or as a list."""
    listed = value if isinstance(value, list) else [value]
    text = " ".join(part for part in listed if isinstance(part, str))
    scopes = re.split(rf"[\s,{re.escape(separator)}]+", text)
    return tuple(dict.fromkeys(scope for scope in scopes if _SCOPE.fullmatch(scope))) or None
