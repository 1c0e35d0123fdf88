"""Secrets in the clear, which never print, and sealed ones, which may be stored."""

from dataclasses import dataclass, field
from typing import final


@final
@dataclass(frozen=True, slots=True)
class Secret:
    """A secret in the clear: kept out of every repr, log line and comparison message."""

    _value: str = field(repr=False)

    def reveal(self) -> str:
        """Return the text, at the one place that sends or seals it."""
        return self._value

    def __str__(self) -> str:
        """Never print the text."""
        return "Secret(…)"


@final
@dataclass(frozen=True, slots=True)
class Sealed:
    """A secret as it is stored: AES-256-GCM under a data key that KMS wrapped."""

    wrapped_key: bytes = field(repr=False)
    nonce: bytes = field(repr=False)
    ciphertext: bytes = field(repr=False)
