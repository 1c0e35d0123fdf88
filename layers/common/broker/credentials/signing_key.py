"""The stack's signing key: an RSA key in KMS, which signs there and never leaves it."""

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from broker.clock import Clock
from broker.oauth.client_assertion import ALGORITHM, base64url
from broker.vault import asking

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient

_WHAT = "signing"


class SigningKey:
    """Signs with RS256, and shows its public half; both may raise TemporarilyUnavailable."""

    def __init__(self, kms: "KMSClient", arn: str, clock: Clock) -> None:
        self._kms = kms
        self._arn = arn
        self._clock = clock
        self._jwk: Mapping[str, str] | None = None

    @property
    def kid(self) -> str:
        """Name the key (RFC 7517 §4.5) by a hash of its ARN, which every function knows.

        A name of the public key (RFC 7638) would have each that signs read that key first.
        """
        return base64url(hashlib.sha256(self._arn.encode()).digest())

    def sign(self, message: bytes) -> bytes:
        """Sign up to 4,096 bytes (kms:Sign)."""
        with asking(self._clock, _WHAT):
            answer = self._kms.sign(
                KeyId=self._arn,
                Message=message,
                MessageType="RAW",
                SigningAlgorithm="RSASSA_PKCS1_V1_5_SHA_256",
            )
        return bytes(answer["Signature"])

    def public_jwk(self) -> Mapping[str, str]:
        """Return the public key as a JWK (kms:GetPublicKey; RFC 7517 §4, RFC 7518 §6.3.1).

        KMS is asked once for each container: strangers may ask us as often as the gateway lets
        them, and a key never becomes another one.
        """
        if self._jwk is None:
            self._jwk = self._read()
        return self._jwk

    def _read(self) -> Mapping[str, str]:
        with asking(self._clock, _WHAT):
            answer = self._kms.get_public_key(KeyId=self._arn)
        key = load_der_public_key(bytes(answer["PublicKey"]))
        if not isinstance(key, RSAPublicKey):
            raise TypeError("The signing key is no RSA key.")
        numbers = key.public_numbers()
        return {
            "kty": "RSA",
            "use": "sig",
            "alg": ALGORITHM,
            "kid": self.kid,
            "n": _base64url_uint(numbers.n),
            "e": _base64url_uint(numbers.e),
        }


def _base64url_uint(number: int) -> str:
    """Encode big-endian, in as few bytes as it takes (RFC 7518 §2)."""
    return base64url(number.to_bytes((number.bit_length() + 7) // 8))
