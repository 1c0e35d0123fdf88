"""The customer's own authorization server: its metadata and keys, fetched and kept for a while."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from broker.clock import Clock
from broker.endpoint_errors import InvalidToken
from broker.errors import OutboundError, TemporarilyUnavailable
from broker.model import Secret
from broker.outbound import Outbound

from .access_jwt import Granted, Jwk, Jws

_CAP = 256 * 1024
_FRESH = 600.0
"""Seconds that a set of keys serves; a withdrawn key is taken no longer than that."""
_PAUSE = 60.0
"""Seconds between fetches for a key that is not in the set: who invents ``kid`` makes no flood."""
_PATIENCE = 5.0


@dataclass(slots=True)
class _Kept:
    keys: Sequence[Jwk] = ()
    fetched_at: float | None = None
    tried_at: float | None = None


@dataclass(frozen=True, slots=True)
class TrustedIssuer:
    """Verifies access tokens of one issuer; its keys are held by the container."""

    outbound: Outbound
    clock: Clock
    issuer: str
    _kept: _Kept = field(default_factory=_Kept, repr=False)

    def verify(self, token: Secret, *, audience: str, deadline: float) -> Granted:
        """Return whom a token lets in; raise InvalidToken, TemporarilyUnavailable (no keys)."""
        jws = Jws.parse(token.reveal())
        # Before anything is fetched: a token that cannot be good costs no request.
        granted = jws.granted(issuer=self.issuer, audience=audience, now=self.clock.now())
        key = jws.key_among(self._keys(deadline))
        if key is None:
            key = jws.key_among(self._keys(deadline, anew=True))
        if key is None:
            raise InvalidToken
        jws.verify(key)
        return granted

    def _keys(self, deadline: float, *, anew: bool = False) -> Sequence[Jwk]:
        now, kept = self.clock.monotonic(), self._kept
        if kept.fetched_at is not None and now - kept.fetched_at < _FRESH and not anew:
            return kept.keys
        if kept.tried_at is not None and now - kept.tried_at < _PAUSE:
            return self._known()
        kept.tried_at = now
        try:
            kept.keys = self._fetch(min(deadline - 1, now + _PATIENCE))
        except (OutboundError, ValueError, TypeError, KeyError):
            return self._known()
        kept.fetched_at = now
        return kept.keys

    def _known(self) -> Sequence[Jwk]:
        """Return the last good keys: an issuer that is away for a while locks nobody out."""
        if self._kept.fetched_at is None:
            message = "The authorization server of MCP clients does not answer just now."
            raise TemporarilyUnavailable(message, retry_after=int(_PAUSE))
        return self._kept.keys

    def _fetch(self, deadline: float) -> Sequence[Jwk]:
        keys = self._get(self._jwks_uri(deadline), deadline)["keys"]
        if not isinstance(keys, list):
            raise TypeError("keys")
        return [key for key in keys if isinstance(key, dict)]

    def _jwks_uri(self, deadline: float) -> str:
        """Find the set in the issuer's metadata, whose ``issuer`` must be identical (RFC 8414)."""
        for url in metadata_urls(self.issuer):
            try:
                found = self._get(url, deadline)
            except (OutboundError, ValueError, TypeError):
                continue
            if found.get("issuer") == self.issuer and isinstance(found.get("jwks_uri"), str):
                return str(found["jwks_uri"])
        raise ValueError("no metadata")

    def _get(self, url: str, deadline: float) -> dict[str, Any]:
        accept = {"Accept": "application/json"}
        answer = self.outbound.send("GET", url, headers=accept, deadline=deadline, cap=_CAP)
        if answer.status != 200:
            raise ValueError(answer.status)
        try:
            found = json.loads(answer.body)
        except RecursionError as exc:
            raise ValueError(url) from exc
        if not isinstance(found, dict):
            raise TypeError(url)
        return found


def metadata_urls(issuer: str) -> tuple[str, ...]:
    """Return where an issuer's metadata may lie, in order (RFC 8414 §3.1, OpenID Discovery §4)."""
    parts = urlsplit(issuer)
    origin, path = f"{parts.scheme}://{parts.netloc}", parts.path.rstrip("/")
    oauth, openid = "/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"
    urls = (f"{origin}{oauth}{path}", f"{origin}{openid}{path}", f"{origin}{path}{openid}")
    return tuple(dict.fromkeys(urls))
