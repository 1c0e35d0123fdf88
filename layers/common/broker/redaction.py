"""Take a secret out of what a stranger says back.

A server that is sent a token may echo it: in a result, a tool's description, a scope. Whoever
reads that answer was not meant to have the token. What this does NOT find: a secret that was cut
into pieces, encrypted, or encoded in another way than those below.
"""

import base64
import re
from urllib.parse import quote, quote_plus

from broker.model import Secret

REDACTED = "[redacted]"
_SHORTEST = 6
"""Shorter secrets stand in ordinary words, and are no secrets."""


class Redactor:
    """Knows some secrets in every form in which they are likely to be echoed."""

    def __init__(self, *secrets: Secret | None) -> None:
        texts = {secret.reveal() for secret in secrets if secret is not None}
        forms = {form for text in texts if len(text) >= _SHORTEST for form in _forms(text)}
        longest_first = sorted(forms, key=len, reverse=True)
        pattern = "|".join(map(re.escape, longest_first))
        self._pattern = re.compile(pattern, re.IGNORECASE) if pattern else None

    def holds(self, text: str) -> bool:
        """Return whether a secret stands in the text."""
        return self._pattern is not None and self._pattern.search(text) is not None

    def text(self, text: str) -> str:
        """Return the text without the secrets."""
        return text if self._pattern is None else self._pattern.sub(REDACTED, text)

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
        return cleaned  # type: ignore[return-value] # the same shape as what came in


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
