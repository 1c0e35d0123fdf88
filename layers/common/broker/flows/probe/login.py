"""A look at the authorization endpoint as a stranger, before any browser goes there."""

import secrets
from dataclasses import dataclass, replace

from broker.clock import Clock
from broker.credentials import ClientCredentials
from broker.diagnosis import Evidence, Kind, Step
from broker.model import Secret, Server, unconnected
from broker.oauth import (
    TokenEndpoint,
    TokenRequestFailed,
    authorization_url,
    new_code_verifier,
)
from broker.outbound import Answer, Outbound

from .sightings import is_no_page, of_login_page

_SECONDS = 5.0
_CAP = 256 * 1024


@dataclass(frozen=True, slots=True)
class Login:
    """What a service that refuses redirect URI or client says there, and nowhere else."""

    clock: Clock
    credentials: ClientCredentials
    outbound: Outbound
    endpoint: TokenEndpoint

    def seen(self, server: Server, redirect_uri: str, deadline: float) -> Evidence | None:
        """Ask for the login page; None: it has nothing against the request, as far as is seen.

        Raises OutboundError where the endpoint is not reached from here; a browser may reach it.
        """
        answer = self._ask(server, redirect_uri, deadline)
        seen = of_login_page(answer, redirect_uri)
        if is_no_page(answer) and self._token_endpoint_is_a_page(server, redirect_uri, deadline):
            found = seen or Evidence(Step.AUTHORIZATION, Kind.UNUSABLE, status=answer.status)
            return replace(found, facts={**found.facts, "swapped": True})
        return seen

    def tried(
        self, server: Server, redirect_uri: str, deadline: float, secret: Secret | None = None
    ) -> TokenRequestFailed | None:
        """Send a token request with an invented code, which no user loses; return the refusal.

        With ``secret`` in place of the server's own, if there is one. None: the code was taken,
        so nothing can be learned there.
        """
        try:
            self.endpoint.exchange(
                unconnected(server),
                secret or self.credentials.of(server),
                code=Secret(secrets.token_urlsafe(24)),
                code_verifier=new_code_verifier() if server.pkce else None,
                redirect_uri=redirect_uri,
                deadline=min(deadline, self.clock.monotonic() + _SECONDS),
            )
        except TokenRequestFailed as exc:
            return exc
        return None

    def _ask(self, server: Server, redirect_uri: str, deadline: float) -> Answer:
        url = authorization_url(
            server,
            redirect_uri=redirect_uri,
            state=Secret(secrets.token_urlsafe(32)),
            code_verifier=new_code_verifier() if server.pkce else None,
            nonce=None,
            scopes=server.scopes,
        )
        return self.outbound.send(
            "GET",
            url,
            headers={"Accept": "text/html"},
            deadline=min(deadline, self.clock.monotonic() + _SECONDS),
            cap=_CAP,
        )

    def _token_endpoint_is_a_page(self, server: Server, redirect_uri: str, deadline: float) -> bool:
        failure = self.tried(server, redirect_uri, deadline)
        return failure is not None and failure.evidence.facts.get("html") is True
