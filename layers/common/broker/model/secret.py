"""Secrets in the clear, which never print, and sealed ones, which may be stored."""

import hmac
from dataclasses import dataclass, field
from typing import final


@final
class Secret:
    """A secret in the clear: kept out of every repr, log line and comparison message.

    Not a dataclass: test runners print the fields of those when two differ.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the text, at the one place that sends or seals it."""
        return self._value

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._value.encode(), other._value.encode())

    def __hash__(self) -> int:
        return hash(self._value)

    def __repr__(self) -> str:
        return "Secret(…)"


@final
@dataclass(frozen=True, slots=True)
class Sealed:
    """A secret as it is stored: AES-256-GCM under a data key that KMS wrapped."""

    wrapped_key: bytes = field(repr=False)
    nonce: bytes = field(repr=False)
    ciphertext: bytes = field(repr=False)
