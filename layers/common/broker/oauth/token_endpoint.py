"""The token endpoint (RFC 6749 §3.2): one request, sent once, one answer."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from broker.clock import Clock
from broker.diagnosis import Evidence, Kind, Step
from broker.errors import OutboundError
from broker.model import Credentials, Method, ResourceIn, Secret, Server
from broker.outbound import Outbound

from .client_authentication import (
    ClientRequest,
    CredentialMissing,
    anonymous_request,
    as_query,
    client_request,
)
from .failures import ClientRefused
from .introspection import introspected_expiry
from .token_answer import TokenAnswer, unanswered
from .token_response import TokenResponse, Unusable, read_token_response

CAP = 64 * 1024
"""Bytes of an answer, at most."""
_OURS = frozenset(
    {
        "grant_type",
        "code",
        "redirect_uri",
        "client_id",
        "client_secret",
        "client_assertion",
        "client_assertion_type",
        "code_verifier",
        "refresh_token",
    }
)


@dataclass(frozen=True, slots=True)
class TokenEndpoint:
    """Redeems codes and refreshes token sets.

    Each request goes out once, over a connection of its own: no retry, no redirect. Methods raise
    GrantRefused, ClientRefused, RequestRefused or NoUsableAnswer.
    """

    outbound: Outbound
    clock: Clock

    def exchange(
        self,
        server: Server,
        client_secret: Secret | None,
        *,
        code: Secret,
        code_verifier: Secret | None,
        redirect_uri: str,
        deadline: float,
    ) -> TokenResponse:
        """Redeem an authorization code (RFC 6749 §4.1.3, RFC 7636 §4.5).

        ``redirect_uri`` is the one of the authorization request, byte for byte; ``deadline`` is in
        seconds of ``Clock.monotonic()``.
        """
        parameters = {
            "grant_type": "authorization_code",
            "code": code.reveal(),
            "redirect_uri": redirect_uri,
        }
        if code_verifier is not None:
            parameters["code_verifier"] = code_verifier.reveal()
        secrets = [secret for secret in (code, code_verifier, client_secret) if secret]
        request = _Request(Step.EXCHANGE, server, server.token_endpoint, secrets, self.clock.now)
        extra = server.extra_token_params
        return self._send(request, _with_extra(parameters, extra, server), client_secret, deadline)

    def refresh(
        self,
        server: Server,
        client_secret: Secret | None,
        *,
        refresh_token: Secret,
        deadline: float,
        now: Callable[[], datetime] | None = None,
    ) -> TokenResponse:
        """Get the next token set (RFC 6749 §6).

        A response without a refresh token has None there: the old one stays in use. ``now`` tells
        a better time than the container's clock, if there is one.
        """
        asked = server.quirks.refresh_request
        parameters = {"grant_type": asked.grant_type, asked.parameter: refresh_token.reveal()}
        secrets = [secret for secret in (refresh_token, client_secret) if secret]
        url, time = server.refresh_endpoint or server.token_endpoint, now or self.clock.now
        how = asked.method, asked.credentials
        request = _Request(Step.REFRESH, server, url, secrets, time, *how)
        extra = server.extra_refresh_params
        return self._send(request, _with_extra(parameters, extra, server), client_secret, deadline)

    def prolong(
        self, server: Server, client_secret: Secret | None, response: TokenResponse, deadline: float
    ) -> TokenResponse:
        """Exchange the token of a code for one that lives longer, where the service has that.

        Whatever became of it, the code is spent.
        """
        asked = server.quirks.long_lived_exchange
        if asked is None:
            return response
        token = response.token_set.access_token
        parameters = {"grant_type": asked.grant_type, asked.parameter: token.reveal()}
        secrets = [secret for secret in (token, client_secret) if secret]
        how = asked.method, asked.credentials
        request = _Request(Step.EXCHANGE, server, asked.endpoint, secrets, self.clock.now, *how)
        return response.prolonged(self._send(request, parameters, client_secret, deadline))

    def dated(
        self, server: Server, client_secret: Secret | None, response: TokenResponse, deadline: float
    ) -> TokenResponse:
        """Return a response with its end as introspection tells it, where nothing else did."""
        if response.lifetime_told:
            return response
        token = response.token_set.access_token
        ends = introspected_expiry(
            self.outbound, server, client_secret, token, now=self.clock.now(), deadline=deadline
        )
        return response.ending(ends) if ends else response

    def _send(
        self,
        request: "_Request",
        parameters: Mapping[str, str],
        client_secret: Secret | None,
        deadline: float,
    ) -> TokenResponse:
        url, sent = request.prepared(parameters, client_secret)
        sent_at = request.now()
        try:
            answer = self.outbound.send(
                request.method.value,
                url,
                headers=sent.headers,
                content=sent.content or None,
                deadline=deadline,
                cap=CAP,
                fresh=True,
            )
        except OutboundError as exc:
            raise unanswered(request.step, exc) from exc
        hidden, field = request.hidden(sent), request.server.quirks.error_field
        judged = TokenAnswer(request.step, answer, request.now(), hidden, field)
        try:
            response = read_token_response(judged.granted(), request.server, sent_at)
        except Unusable as exc:
            raise judged.failure(unusable=exc) from None
        return response.with_scope_free_of(*request.secrets)


@dataclass(frozen=True, slots=True)
class _Request:
    """Where a token request goes, which secrets its answer must not quote, and what time it is."""

    step: Step
    server: Server
    url: str | None
    secrets: list[Secret]
    now: Callable[[], datetime]
    method: Method = Method.POST
    credentials: Credentials = Credentials.SAME

    def prepared(
        self, parameters: Mapping[str, str], client_secret: Secret | None
    ) -> tuple[str, ClientRequest]:
        """Authenticate; a configuration that lacks something is refused before it is sent."""
        if not self.url:
            raise self._incomplete("token_endpoint")
        try:
            request = self._request(parameters, client_secret)
        except CredentialMissing as exc:
            raise self._incomplete(str(exc)) from None
        return as_query(self.url, request) if self.method is Method.GET else (self.url, request)

    def _request(
        self, parameters: Mapping[str, str], client_secret: Secret | None
    ) -> ClientRequest:
        if self.credentials is Credentials.OMITTED:
            return anonymous_request(parameters)
        return client_request(
            parameters,
            style=self.server.token_request_style,
            client_id=self.server.client_id,
            client_secret=client_secret,
            client_id_parameter=self.server.client_id_parameter,
            basic_encoding=self.server.quirks.basic_encoding,
        )

    def hidden(self, request: ClientRequest) -> list[str]:
        """Return the texts that the answer's evidence must not quote."""
        basic = request.headers.get("Authorization", "").removeprefix("Basic ")
        return [basic, *(secret.reveal() for secret in self.secrets)]

    def _incomplete(self, name: str) -> ClientRefused:
        owner = "stack" if name == "signing_key" else "server"
        description = f"The {owner} has no {name}."
        error = f"{name}_missing"
        return ClientRefused(
            Evidence(self.step, Kind.NOT_SENT, error=error, description=description)
        )


def _with_extra(
    parameters: Mapping[str, str], extra: Mapping[str, str], server: Server
) -> dict[str, str]:
    """Add the builder's parameters and ``resource`` (RFC 8707 §2.2); ours win."""
    added = {name: value for name, value in extra.items() if name not in _OURS}
    sent = server.quirks.resource_in in (ResourceIn.BOTH, ResourceIn.TOKEN)
    resource = {"resource": server.resource} if server.resource and sent else {}
    return {**added, **resource, **parameters}
