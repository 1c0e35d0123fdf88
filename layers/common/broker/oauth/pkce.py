"""Proof Key for Code Exchange (RFC 7636), method S256 only."""

import base64
import hashlib
import secrets

from broker.model import Secret


def new_code_verifier() -> Secret:
    """Make a ``code_verifier``: 32 random bytes as 43 characters (RFC 7636 §4.1)."""
    return Secret(secrets.token_urlsafe(32))


def code_challenge(verifier: Secret) -> str:
    """Return the ``code_challenge`` of a verifier by S256 (RFC 7636 §4.2)."""
    digest = hashlib.sha256(verifier.reveal().encode("ascii")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")
