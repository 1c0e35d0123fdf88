"""Client assertions: JWTs by which a client proves who it is without a secret (RFC 7523 §2.2, §3).

Knows no key: what signs is handed in.
"""

import base64
import json
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from broker.model import Credentials, Secret, Server

ALGORITHM = "RS256"
"""RSASSA-PKCS1-v1_5 with SHA-256 (RFC 7518 §3.3)."""
LIFETIME = timedelta(minutes=2)
"""Good for one request that is sent at once, with clocks that differ a little."""
MOST_BYTES = 4096
"""What KMS signs as it is (Sign, ``MessageType`` ``RAW``)."""


def client_assertion(
    client_id: str, audience: str, *, kid: str, sign: Callable[[bytes], bytes], now: datetime
) -> Secret:
    """Return a new assertion in compact form (RFC 7515 §3.1), for exactly one request.

    ``sign`` signs bytes with RS256; what it raises is passed on. ``aud`` is one text, as
    RFC 7523bis asks for: an assertion for several parties is one that each could use at the others.
    """
    issued_at = int(now.timestamp())
    claims = {
        "iss": client_id,
        "sub": client_id,
        "aud": audience,
        "jti": secrets.token_urlsafe(32),
        "iat": issued_at,
        "exp": issued_at + int(LIFETIME.total_seconds()),
    }
    signed = f"{_encoded({'alg': ALGORITHM, 'typ': 'JWT', 'kid': kid})}.{_encoded(claims)}"
    return Secret(f"{signed}.{base64url(sign(signed.encode('ascii')))}")


def is_signable(client_id: str, audience: str) -> bool:
    """Say whether an assertion of these stays within what is signed in one piece."""
    sample = client_assertion(
        client_id, audience, kid="-" * 43, sign=lambda _: b"", now=datetime.now(UTC)
    )
    return len(sample.reveal()) <= MOST_BYTES


def astray(server: Server) -> str | None:
    """Name an endpoint that would be handed assertions meant for another host; None: there is none.

    The stack has one key. Whoever gets an assertion may use it where it is meant for, so it is
    never sent anywhere else: a registration could otherwise have one made for the client of
    another.
    """
    meant_for, exchange = _place(server.assertion_audience), server.quirks.long_lived_exchange
    signed = exchange is not None and exchange.credentials is Credentials.SAME
    urls = {
        "token_endpoint": server.token_endpoint,
        "refresh_endpoint": server.refresh_endpoint,
        "revocation_endpoint": server.revocation_endpoint,
        "introspection_endpoint": server.quirks.introspection_endpoint,
        "long_lived_exchange": exchange.endpoint if exchange and signed else None,
    }
    return next((name for name, url in urls.items() if url and _place(url) != meant_for), None)


def base64url(data: bytes) -> str:
    """Encode without padding (RFC 7515 §2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _encoded(part: object) -> str:
    return base64url(json.dumps(part, separators=(",", ":")).encode("ascii"))


def _place(url: str | None) -> tuple[str, int]:
    """Return host and port: another port may be somebody else's."""
    parts = urlsplit(url or "")
    return (parts.hostname or "").lower(), parts.port or (80 if parts.scheme == "http" else 443)
