"""Seal and open secrets, bound to what they belong to.

Envelope encryption: a data key from KMS for each context, AES-256-GCM (NIST SP 800-38D) under
it, the wrapped key stored beside the ciphertext. The encryption context (kind, server, user or
flow) binds the data key; the associated data binds the ciphertext to the same context *and* to
grant and generation, so a row copied elsewhere does not open.

What this does NOT check: whether the caller may open the secret at all. IAM does, by the
``kind`` in the encryption context; and the routes do, by who asks.
"""

import hashlib
import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from broker.clock import Clock
from broker.errors import SealBroken, TemporarilyUnavailable
from broker.metrics import KEY_REFUSED, VAULT_LATENCY
from broker.model import Sealed, Secret, Server
from broker.telemetry import count, logger, timed

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient

KEY_LIFETIME = 300.0
"""Seconds that a plaintext data key stays in a container's memory, at most."""
KEYS_HELD = 1024
_NONCE_BYTES = 12
_REFUSALS = frozenset(
    {
        "AccessDeniedException",  # no policy allows it, or one denies it
        "DisabledException",
        "IncorrectKeyException",  # sealed under another key
        "InvalidKeyUsageException",
        "KMSInvalidStateException",  # pending deletion
        "NotFoundException",
    }
)
"""What KMS says of the key itself; waiting does not help, a person must."""


class Kind(StrEnum):
    """What a secret is; IAM policies condition on it."""

    ACCESS = "access"
    REFRESH = "refresh"
    CLIENT_SECRET = "client_secret"
    BEARER = "bearer"
    CODE = "code"
    VERIFIER = "verifier"
    TEST = "test"


@dataclass(frozen=True, slots=True)
class Context:
    """What a data key is for. It appears in CloudTrail, so it holds no raw user id."""

    kind: Kind
    server_id: str
    user_id: str | None = None
    pending: str | None = None

    def encryption_context(self) -> dict[str, str]:
        """Return the KMS encryption context."""
        context = {"kind": self.kind.value, "server_id": self.server_id}
        if self.user_id is not None:
            context["user"] = hashlib.sha256(self.user_id.encode()).hexdigest()
        if self.pending is not None:
            context["pending"] = self.pending
        return context


@dataclass(frozen=True, slots=True)
class Place:
    """Context, and the grant and generation a ciphertext belongs to."""

    context: Context
    grant_id: str = ""
    generation: int = 0
    purpose: str = ""
    """Tells apart ciphertexts under one key; empty for the token itself."""

    def associated_data(self) -> bytes:
        """Encode unambiguously everything that the ciphertext is bound to."""
        bound = {
            **self.context.encryption_context(),
            "grant_id": self.grant_id,
            "generation": self.generation,
            "purpose": self.purpose,
        }
        return json.dumps(bound, sort_keys=True, separators=(",", ":")).encode()


@dataclass(frozen=True, slots=True)
class DataKey:
    """An open data key and its wrapped form; sealing and opening under it needs no network."""

    wrapped: bytes = field(repr=False)
    _plain: bytes = field(repr=False)

    def seal(self, place: Place, secret: Secret) -> Sealed:
        """Encrypt under a fresh nonce."""
        nonce = os.urandom(_NONCE_BYTES)
        text = secret.reveal().encode()
        ciphertext = AESGCM(self._plain).encrypt(nonce, text, place.associated_data())
        return Sealed(self.wrapped, nonce, ciphertext)

    def open(self, place: Place, sealed: Sealed) -> Secret:
        """Decrypt; raise SealBroken if it was altered or belongs elsewhere."""
        try:
            plain = AESGCM(self._plain).decrypt(
                sealed.nonce, sealed.ciphertext, place.associated_data()
            )
        except InvalidTag as exc:
            raise SealBroken from exc
        return Secret(plain.decode())


@contextmanager
def asking(clock: Clock, what: str) -> Iterator[None]:
    """Time a request to KMS about ``what``, and turn the SDK's exceptions into ours.

    Raises TemporarilyUnavailable, and SealBroken for a ciphertext that KMS did not make.
    """
    try:
        with timed(VAULT_LATENCY, clock):
            yield
    except ClientError as exc:
        code = exc.response.get("Error", {}).get("Code", "")
        if code == "InvalidCiphertextException":
            raise SealBroken from exc
        if code in _REFUSALS:
            logger().error("key_refused", extra={"code": code, "kind": str(what)})
            count(KEY_REFUSED)
        raise _unavailable() from exc
    except BotoCoreError as exc:
        raise _unavailable() from exc


class Vault:
    """Data keys from KMS, held open for at most five minutes."""

    def __init__(self, kms: "KMSClient", key_id: str, clock: Clock) -> None:
        self._kms = kms
        self._key_id = key_id
        self._clock = clock
        self._open: dict[tuple[bytes, bytes], tuple[DataKey, float]] = {}
        self._lock = threading.Lock()

    def new_key(self, context: Context) -> DataKey:
        """Make a data key (kms:GenerateDataKey); raise TemporarilyUnavailable."""
        with asking(self._clock, context.kind):
            answer = self._kms.generate_data_key(
                KeyId=self._key_id,
                KeySpec="AES_256",
                EncryptionContext=context.encryption_context(),
            )
        key = DataKey(bytes(answer["CiphertextBlob"]), bytes(answer["Plaintext"]))
        self._hold(context, key)
        return key

    def open_key(self, context: Context, wrapped: bytes) -> DataKey:
        """Open a wrapped data key (kms:Decrypt unless held); raise TemporarilyUnavailable."""
        held = self._held(context, wrapped)
        if held:
            return held
        with asking(self._clock, context.kind):
            answer = self._kms.decrypt(
                KeyId=self._key_id,
                CiphertextBlob=wrapped,
                EncryptionContext=context.encryption_context(),
            )
        key = DataKey(wrapped, bytes(answer["Plaintext"]))
        self._hold(context, key)
        return key

    def seal(self, place: Place, secret: Secret) -> Sealed:
        """Seal under a new data key of its own."""
        return self.new_key(place.context).seal(place, secret)

    def open(self, place: Place, sealed: Sealed) -> Secret:
        """Open; raise SealBroken where the place does not fit, TemporarilyUnavailable."""
        return self.open_key(place.context, sealed.wrapped_key).open(place, sealed)

    def client_secret_of(self, server: Server) -> Secret | None:
        """Open a server's client secret, if it has one."""
        place = client_secret_place(server.server_id)
        return server.client_secret and self.open(place, server.client_secret)

    def bearer_token_of(self, server: Server) -> Secret | None:
        """Open the key that all users of a server share, if it has one."""
        place = bearer_token_place(server.server_id)
        return server.bearer_token and self.open(place, server.bearer_token)

    def _hold(self, context: Context, key: DataKey) -> None:
        with self._lock:
            self._forget_old()
            while len(self._open) >= KEYS_HELD:
                del self._open[next(iter(self._open))]
            held_as = _held_as(context, key.wrapped)
            self._open.pop(held_as, None)  # so that the oldest stay in front
            self._open[held_as] = (key, self._clock.monotonic() + KEY_LIFETIME)

    def _held(self, context: Context, wrapped: bytes) -> DataKey | None:
        with self._lock:
            self._forget_old()
            key, _ = self._open.get(_held_as(context, wrapped), (None, 0.0))
        return key

    def _forget_old(self) -> None:
        now = self._clock.monotonic()
        while self._open:
            oldest, (_, until) = next(iter(self._open.items()))
            if until > now:
                return
            del self._open[oldest]


def seal_under(handle: Secret, name: str, secret: Secret) -> Sealed:
    """Seal under a random handle that only its holder knows, without KMS.

    Good for what the holder alone brings back: who has the row has no key. ``name`` binds it.
    """
    nonce = os.urandom(_NONCE_BYTES)
    text = AESGCM(_key_of(handle)).encrypt(nonce, secret.reveal().encode(), name.encode())
    return Sealed(b"", nonce, text)


def open_under(handle: Secret, name: str, sealed: Sealed) -> Secret:
    """Open what was sealed under a handle; raise SealBroken."""
    try:
        plain = AESGCM(_key_of(handle)).decrypt(sealed.nonce, sealed.ciphertext, name.encode())
    except InvalidTag as exc:
        raise SealBroken from exc
    return Secret(plain.decode())


def _key_of(handle: Secret) -> bytes:
    return hashlib.sha256(f"handle-key:{handle.reveal()}".encode()).digest()


def client_secret_place(server_id: str) -> Place:
    """Return where a server's client secret belongs."""
    return Place(Context(Kind.CLIENT_SECRET, server_id))


def bearer_token_place(server_id: str) -> Place:
    """Return where a server's shared key belongs."""
    return Place(Context(Kind.BEARER, server_id))


def verifier_place(server_id: str, state_id: str) -> Place:
    """Return where a pending authorization's code_verifier belongs."""
    return Place(Context(Kind.VERIFIER, server_id, pending=state_id))


def code_place(server_id: str, state_id: str) -> Place:
    """Return where a pending authorization's code belongs."""
    return Place(Context(Kind.CODE, server_id, pending=state_id))


def test_place(server_id: str, test_id: str) -> Place:
    """Return where a test's tokens belong."""
    return Place(Context(Kind.TEST, server_id, pending=test_id))


def _held_as(context: Context, wrapped: bytes) -> tuple[bytes, bytes]:
    return Place(context).associated_data(), wrapped


def _unavailable() -> TemporarilyUnavailable:
    return TemporarilyUnavailable("The key service is not available just now.", retry_after=5)
