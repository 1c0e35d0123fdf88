"""Read the claims of a JWT (RFC 7519 §3) without checking its signature."""

import base64
import binascii

from .answer_body import Members, NotMembers, read_object

_LONGEST = 64 * 1024


def unverified_claims(token: str) -> Members | None:
    """Return the payload of a signed JWT; None for any other text, an encrypted JWT too.

    Does NOT check the signature, or any claim. Only for a token that came straight from the token
    endpoint over TLS (OpenID Connect Core §3.1.3.7, item 6).
    """
    parts = token.split(".")
    if len(parts) != 3 or len(token) > _LONGEST:
        return None
    try:
        read_object(_decoded(parts[0]))
        return read_object(_decoded(parts[1]))
    except (NotMembers, binascii.Error, ValueError):
        return None


def _decoded(part: str) -> bytes:
    return base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
