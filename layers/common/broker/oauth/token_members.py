"""What of a token response is secret, chosen or not: a service may send more than one token."""

from collections.abc import Iterator, Mapping

from broker.model import Secret

_ENDINGS = ("token", "secret", "assertion", "jwt")
"""Of names such as ``access_token``, ``botToken``, ``client_secret``; not ``token_type``."""


def secrets_in(members: object) -> tuple[Secret, ...]:
    """Return each text, at any depth, whose name says that it is a secret.

    What a configuration takes for a token may be another member, so that these would be shown.
    """
    return tuple(Secret(text) for text in _found(members))


def _found(value: object) -> Iterator[str]:
    if isinstance(value, list):
        for inner in value:
            yield from _found(inner)
    if not isinstance(value, Mapping):
        return
    for name, inner in value.items():
        if isinstance(inner, str) and str(name).lower().endswith(_ENDINGS):
            yield inner
        yield from _found(inner)
