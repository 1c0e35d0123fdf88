"""How the broker proves to an authorization server whose client it is (RFC 6749 §2.3)."""

from .credentials import ClientCredentials
from .signing_key import SigningKey

__all__ = ["ClientCredentials", "SigningKey"]
