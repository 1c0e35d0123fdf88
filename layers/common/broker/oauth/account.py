"""Whose account a token set is for: for display, and to notice another account."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import quote

from broker.clock import Clock
from broker.diagnosis import Evidence, Kind, Step
from broker.errors import OutboundError
from broker.model import TOKEN, Account, Secret, Server
from broker.outbound import Answer, Outbound
from broker.redaction import Redactor
from broker.templates import filled, gaps

from .answer_body import Members, NotMembers, read_members
from .claims import as_label, at_path, named, subject
from .failures import NonceMismatch
from .jwt_claims import unverified_claims
from .token_response import TokenResponse

_CAP = 64 * 1024
_LEEWAY = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class AccountFinder:
    """Finds out whose account it is; not knowing never fails a connection."""

    outbound: Outbound
    clock: Clock

    def find(
        self, response: TokenResponse, server: Server, *, nonce: str | None, deadline: float
    ) -> Account:
        """Return the account's label and a hash of its subject, each None if nobody says.

        The id_token's claims, else the userinfo endpoint, else the token response, in that order;
        a later source is asked only while there is no name yet. Raises NonceMismatch, and nothing
        else: an id_token with another nonce than ours answers somebody else's request, so the
        tokens that came with it must not be used either. One that fails any other check is
        ignored.
        """
        redactor = Redactor(*response.secrets)
        label: str | None = None
        who: tuple[str, str] | None = None
        for source in self._sources(response, server, nonce, deadline):
            label = label or source.label
            if who is None and source.sub:
                who = (source.iss, source.sub)
            if label:
                break
        shown = label or (as_label(who[1]) if who else None)
        if shown and redactor.holds(shown):
            shown = None  # a service that calls its user by our token
        return Account(shown, subject_hash(who))

    def _sources(
        self, response: TokenResponse, server: Server, nonce: str | None, deadline: float
    ) -> Iterator["_Source"]:
        """Yield what each source says, asking the next one only when it is wanted."""
        issuer = server.issuer or server.token_endpoint or ""
        claims = _checked_claims(response, server, nonce, self.clock.now())
        if claims:
            yield _Source(str(claims["iss"]), subject(claims), named(claims))
        members = self._userinfo(response, server, deadline)
        if members and _same_user(claims, members):
            yield _Source(issuer, subject(members), _chosen(members, server) or named(members))
        # A token response's own "id" may be the token's, new each time.
        told = {name: value for name, value in response.members.items() if name != "id"}
        label = _chosen(response.members, server)
        yield _Source(issuer, subject(told), label or named(told))

    def _userinfo(self, response: TokenResponse, server: Server, deadline: float) -> Members | None:
        """Ask the userinfo endpoint (OpenID Connect Core §5.3); None for any failure."""
        if not server.userinfo_endpoint:
            return None
        try:
            answer = ask_userinfo(self.outbound, server, response.token_set.access_token, deadline)
            return read_members(answer.body) if answer.status == 200 else None
        except (OutboundError, NotMembers):
            return None


def ask_userinfo(
    outbound: Outbound, server: Server, access_token: Secret, deadline: float
) -> Answer:
    """Ask the userinfo endpoint, the token where the service wants it; raise OutboundError.

    In the gap ``{token}`` of its URL, if there is one, and then nowhere else.
    """
    quirks, endpoint = server.quirks, server.userinfo_endpoint or ""
    token, headers = access_token.reveal(), {"Accept": "application/json"}
    if TOKEN in gaps(endpoint):
        endpoint = filled(endpoint, {TOKEN: quote(token, safe="")})
    else:
        headers[quirks.userinfo_header] = f"{quirks.userinfo_scheme} {token}".strip()
    method = quirks.userinfo_method.value
    return outbound.send(method, endpoint, headers=headers, deadline=deadline, cap=_CAP)


def _chosen(members: Members, server: Server) -> str | None:
    """Return what stands where the builder says that the account's name lies."""
    return at_path(members, server.account_field) if server.account_field else None


@dataclass(frozen=True, slots=True)
class _Source:
    """What one source says of the account."""

    iss: str
    sub: str | None
    label: str | None


def subject_hash(who: tuple[str, str] | None) -> str | None:
    """Hash (``iss``, ``sub``) as a JSON array, so that no two pairs are written alike."""
    return hashlib.sha256(json.dumps(who).encode("ascii")).hexdigest() if who else None


def _checked_claims(
    response: TokenResponse, server: Server, nonce: str | None, now: datetime
) -> Members | None:
    """Return the id_token's claims if they are for us (OpenID Connect Core §3.1.3.7).

    Does NOT check the signature: the token came from the token endpoint over TLS (item 6).
    """
    if response.id_token is None:
        return None
    claims = unverified_claims(response.id_token.reveal())
    if claims is None:
        return None
    if nonce is not None and claims.get("nonce", nonce) != nonce:
        raise NonceMismatch(Evidence(Step.ACCOUNT, Kind.REFUSED, error="nonce_mismatch"))
    present = nonce is None or "nonce" in claims
    ours = present and _is_issued_to(claims, server) and _is_timely(claims, now)
    return claims if ours else None


def _same_user(claims: Members | None, userinfo: Members) -> bool:
    """Compare the two ``sub`` (OpenID Connect Core §5.3.2), where both are there."""
    expected = (claims or {}).get("sub")
    return expected is None or userinfo.get("sub", expected) == expected


def _is_issued_to(claims: Members, server: Server) -> bool:
    """Check ``iss``, ``aud`` and, with several audiences, ``azp`` (items 2 to 5)."""
    iss, aud, azp = claims.get("iss"), claims.get("aud"), claims.get("azp")
    audiences = aud if isinstance(aud, list) else [aud]
    if not isinstance(iss, str) or (server.issuer is not None and iss != server.issuer):
        return False
    if server.client_id is None or server.client_id not in audiences:
        return False
    return len(audiences) == 1 or azp == server.client_id


def _is_timely(claims: Members, now: datetime) -> bool:
    """Check ``exp`` with five minutes for clocks that differ (item 9)."""
    exp = claims.get("exp")
    if isinstance(exp, bool) or not isinstance(exp, int | float):
        return False
    return now.timestamp() < exp + _LEEWAY.total_seconds()
