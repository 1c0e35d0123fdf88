"""Take a secret out of what a stranger says back.

A server that is sent a token may echo it: in a result, a tool's description, a scope. Whoever
reads that answer was not meant to have the token. What this does NOT find: a secret that was cut
into pieces, encrypted, or encoded in another way than those below.
"""

import base64
import string
from typing import cast
from urllib.parse import quote, quote_plus

from broker.model import Secret

REDACTED = "[redacted]"
_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_SHORTEST = 6
"""Shorter secrets stand in ordinary words, and are no secrets."""


class Redactor:
    """Knows some secrets in every form in which they are likely to be echoed."""

    def __init__(self, *secrets: Secret | None) -> None:
        texts = {secret.reveal() for secret in secrets if secret is not None}
        forms = {form for text in texts if len(text) >= _SHORTEST for form in _forms(text)}
        # Not a regular expression: the re module would keep the secrets in its cache.
        self._forms = sorted({form.translate(_LOWER) for form in forms}, key=len, reverse=True)

    def holds(self, text: str) -> bool:
        """Return whether a secret stands in the text, in whatever case."""
        lowered = text.translate(_LOWER)
        return any(form in lowered for form in self._forms)

    def text(self, text: str) -> str:
        """Return the text without the secrets."""
        lowered = text.translate(_LOWER)
        for form in self._forms:
            if form in lowered:
                text = _cut(text, lowered, form)
                lowered = text.translate(_LOWER)
        return text

    def without(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """Return the names that hold no secret."""
        return tuple(name for name in names if not self.holds(name))

    def value[Json](self, value: Json) -> Json:
        """Return a JSON value without the secrets, in its keys as well; it is not changed."""
        cleaned: object = value
        match value:
            case str():
                cleaned = self.text(value)
            case dict():
                cleaned = {self.text(str(key)): self.value(inner) for key, inner in value.items()}
            case list() | tuple():
                cleaned = [self.value(inner) for inner in value]
        return cast("Json", cleaned)  # the same shape as what came in


def _cut(text: str, lowered: str, form: str) -> str:
    pieces, start = [], 0
    while (at := lowered.find(form, start)) >= 0:
        pieces += [text[start:at], REDACTED]
        start = at + len(form)
    return "".join([*pieces, text[start:]])


def _forms(text: str) -> set[str]:
    raw = text.encode()
    plain = {text, quote(text, safe=""), quote_plus(text), raw.hex()}
    return plain | {form for form in _base64_forms(raw) if len(form) >= _SHORTEST}


def _base64_forms(raw: bytes) -> set[str]:
    """Return what stands in a base64 text that holds the bytes, wherever in it they begin."""
    forms = set()
    for before in range(3):
        encoded = base64.b64encode(bytes(before) + raw).decode().rstrip("=")
        first = -(-before * 8 // 6)
        last = (before + len(raw)) * 8 // 6
        inner = encoded[first:last]
        forms |= {inner, inner.replace("+", "-").replace("/", "_")}
    return forms
