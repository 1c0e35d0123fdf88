"""Who an account is, from whatever members a service gives: a label, and a subject."""

from collections.abc import Iterator
from typing import cast

from broker.diagnosis import printable

from .answer_body import Members, value_at

LONGEST_LABEL = 128
# Each slot in the order of the names: OpenID Connect Core §5.1, then what others call it.
_NAMES = (
    ("email", "mail", "emailAddress", "email_address", "userPrincipalName"),
    ("preferred_username", "username", "user_name", "handle"),
    ("name", "display_name", "displayName", "full_name"),
    ("login",),
)
_SUBJECTS = ("sub", "id", "user_id", "account_id")
_VERIFIED = ("email_verified", "verified_email")
_WRAPPERS = ("data", "user", "profile", "account", "authed_user", "athlete", "owner", "result")


def named(members: Members) -> str | None:
    """Return the first of e-mail address, user name, name and login that is there."""
    return next((label for level in _levels(members) for label in _labels(level)), None)


def subject(members: Members) -> str | None:
    """Return what the service says never changes about the account."""
    found = (_text(level.get(name)) for level in _levels(members) for name in _SUBJECTS)
    return next((text for text in found if text), None)


def at_path(members: Members, path: str) -> str | None:
    """Return the text at a dotted path such as ``authed_user.id``."""
    return as_label(value_at(members, path))


def as_label(value: object) -> str | None:
    """Make text or a number fit to be shown: printable, at most 128 characters."""
    text = _text(value)
    shown = printable(text)[:LONGEST_LABEL].strip() if text else ""
    return shown or None


def _labels(level: Members) -> Iterator[str]:
    for names in _NAMES:
        for name in names:
            if name == "email" and _unverified(level):
                continue
            if label := as_label(level.get(name)):
                yield label


def _unverified(level: Members) -> bool:
    said = [level[name] for name in _VERIFIED if name in level]
    return any(value in (False, 0, "false", "False", "0") for value in said)


def _levels(members: Members) -> Iterator[Members]:
    """Yield the members, then the objects in the usual wrappers, one level down.

    A list of one (Twitch's ``data``) counts as its item.
    """
    yield members
    for name in _WRAPPERS:
        value = members.get(name)
        inner = value[0] if isinstance(value, list) and len(value) == 1 else value
        if isinstance(inner, dict):
            yield cast("Members", inner)


def _text(value: object) -> str | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    return str(value).strip() or None
