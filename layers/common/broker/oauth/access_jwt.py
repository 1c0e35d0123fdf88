"""A JWT access token of the customer's own authorization server, verified (RFC 7519, RFC 9068).

RS256 and ES256 alone (RFC 7518 §3.1), by a key of the issuer's own set; ``iss`` and ``aud`` are
compared exactly. Does NOT check the token's ``typ``, scopes or client, nor whether it was revoked:
it is good until it expires.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from broker.endpoint_errors import InvalidToken

LEEWAY = timedelta(seconds=60)
"""By how much the issuer's clock may be wrong."""
LONGEST_LIFE = timedelta(hours=24)
"""From ``iat`` to ``exp``: the mark that a user was erased is kept longer than any token lives."""
_LONGEST = 8192
_RSA_BITS = range(2048, 8193)
_HALF = 32
"""Bytes of each half of an ES256 signature (RFC 7518 §3.4)."""
_KEY_TYPES = {"RS256": "RSA", "ES256": "EC"}
_LATEST = 253_402_300_000
"""Seconds since the epoch that a date can still hold."""

type Jwk = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Granted:
    """Whom a token lets in; times are aware UTC."""

    sub: str
    issued_at: datetime
    """At the earliest: what ``iat`` says by a clock that is as far ahead as it may be."""
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Jws:
    """A JWS in compact form (RFC 7515 §3.1), taken apart and not yet believed."""

    alg: str
    kid: str | None
    signed: bytes
    signature: bytes
    claims: Mapping[str, Any]

    @classmethod
    def parse(cls, token: str) -> "Jws":
        """Take a token apart; raise InvalidToken."""
        parts = token.split(".")
        if len(token) > _LONGEST or len(parts) != 3:
            raise InvalidToken
        header, claims = _object(parts[0]), _object(parts[1])
        alg, kid = header.get("alg"), header.get("kid")
        # Extensions that must be understood are none that we understand (RFC 7515 §4.1.11).
        if not isinstance(alg, str) or alg not in _KEY_TYPES or "crit" in header:
            raise InvalidToken
        if not isinstance(kid, str | None):
            raise InvalidToken
        signed = f"{parts[0]}.{parts[1]}".encode()
        return cls(alg, kid, signed, _decoded(parts[2]), claims)

    def key_among(self, keys: Sequence[Jwk]) -> Jwk | None:
        """Return the one key that this may be signed by; without ``kid``, only if it is alone."""
        fitting = [
            key
            for key in keys
            if key.get("kty") == _KEY_TYPES[self.alg]
            and key.get("use", "sig") == "sig"
            and key.get("alg", self.alg) == self.alg
            and (self.kid is None or key.get("kid") == self.kid)
        ]
        return fitting[0] if len(fitting) == 1 else None

    def verify(self, key: Jwk) -> None:
        """Check the signature; raise InvalidToken."""
        try:
            if self.alg == "RS256":
                _rsa_key(key).verify(
                    self.signature, self.signed, padding.PKCS1v15(), hashes.SHA256()
                )
            else:
                der = _der(self.signature)
                _ec_key(key).verify(der, self.signed, ec.ECDSA(hashes.SHA256()))
        except (InvalidSignature, ValueError, TypeError, KeyError) as exc:
            raise InvalidToken from exc

    def granted(self, *, issuer: str, audience: str, now: datetime) -> Granted:
        """Check the claims (RFC 7519 §4.1) and return whom they let in; raise InvalidToken.

        ``iat`` is required (RFC 9068 §2.2): without it nobody knows whether the user was erased
        since.
        """
        named = self.claims.get("aud")
        audiences = named if isinstance(named, list) else [named]
        sub = self.claims.get("sub")
        if self.claims.get("iss") != issuer or audience not in audiences:
            raise InvalidToken
        if not isinstance(sub, str) or not 0 < len(sub) <= 256 or not sub.isprintable():
            raise InvalidToken
        expires_at = _moment(self.claims.get("exp"))
        issued_at = _moment(self.claims.get("iat"))
        not_before = _moment(self.claims.get("nbf", issued_at.timestamp()))
        if expires_at <= now - LEEWAY or max(issued_at, not_before) > now + LEEWAY:
            raise InvalidToken
        if expires_at - issued_at > LONGEST_LIFE:
            raise InvalidToken
        return Granted(sub, issued_at - LEEWAY, expires_at)


def _object(part: str) -> Mapping[str, Any]:
    try:
        value = json.loads(_decoded(part))
    except (ValueError, RecursionError) as exc:
        raise InvalidToken from exc
    if not isinstance(value, dict):
        raise InvalidToken
    return value


def _decoded(part: str) -> bytes:
    try:
        return base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
    except ValueError as exc:
        raise InvalidToken from exc


def _number(key: Jwk, name: str) -> int:
    value = key[name]
    if not isinstance(value, str):
        raise TypeError(name)
    return int.from_bytes(_decoded(value))


def _rsa_key(key: Jwk) -> rsa.RSAPublicKey:
    found = rsa.RSAPublicNumbers(_number(key, "e"), _number(key, "n")).public_key()
    if found.key_size not in _RSA_BITS:
        raise ValueError(found.key_size)
    return found


def _ec_key(key: Jwk) -> ec.EllipticCurvePublicKey:
    if key["crv"] != "P-256":
        raise ValueError(key["crv"])
    x, y = _number(key, "x"), _number(key, "y")
    return ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()


def _der(signature: bytes) -> bytes:
    if len(signature) != 2 * _HALF:
        raise ValueError(len(signature))
    r, s = signature[:_HALF], signature[_HALF:]
    return encode_dss_signature(int.from_bytes(r), int.from_bytes(s))


def _moment(claim: object) -> datetime:
    if not isinstance(claim, int | float) or isinstance(claim, bool) or not 0 <= claim < _LATEST:
        raise InvalidToken
    return datetime.fromtimestamp(claim, UTC)
