"""How a request to an authorization server fails.

    TokenRequestFailed
    ├── GrantRefused      the code or refresh token is no longer (or never was) good
    ├── ClientRefused     the builder's configuration: client id, secret, or how they are sent
    ├── RequestRefused    any other error that the authorization server put in words
    └── NoUsableAnswer    nothing came back that says what happened

    ForeignResponse       a 502 authorization_server_error, should nobody catch it
    ├── IssuerMismatch    the authorization response names another issuer (RFC 9207)
    └── NonceMismatch     the id_token answers another request (OpenID Connect Core §3.1.3.7)

Each carries evidence, which is scrubbed. None holds a secret, or a text of the service's in its
message.
"""

from typing import ClassVar

from broker.diagnosis import Evidence
from broker.errors import AuthorizationServerError
from broker.model import Secret


class TokenRequestFailed(Exception):
    """A token request brought no token set."""

    outcome: ClassVar[str]
    """The class in a word, as it is counted."""

    def __init__(self, evidence: Evidence) -> None:
        """Take what was seen."""
        super().__init__(f"{evidence.step}: {evidence.error or evidence.kind}")
        self.evidence = evidence


class GrantRefused(TokenRequestFailed):
    """``invalid_grant`` (RFC 6749 §5.2) or what a service says instead: the grant is gone."""

    outcome = "grant_refused"


class ClientRefused(TokenRequestFailed):
    """``invalid_client`` or ``unauthorized_client`` (RFC 6749 §5.2): no user can help."""

    outcome = "client_refused"


class RequestRefused(TokenRequestFailed):
    """An OAuth error that is neither about the grant nor about the client."""

    outcome = "request_refused"


class NoUsableAnswer(TokenRequestFailed):
    """No token set and no OAuth error: the request may be tried again, with care."""

    outcome = "no_usable_answer"

    def __init__(
        self,
        evidence: Evidence,
        *,
        ambiguous: bool,
        retry_after: float | None = None,
        refresh_token: Secret | None = None,
    ) -> None:
        """Take what was seen, whether the request may have had its effect, seconds to wait."""
        super().__init__(evidence)
        self.ambiguous = ambiguous
        """False only when nothing was sent, or the service says it did not look now."""
        self.retry_after = retry_after
        self.refresh_token = refresh_token
        """The refresh token of a success whose access token cannot be used."""


class ForeignResponse(AuthorizationServerError):
    """The response does not belong to our request: nothing in it may be used."""

    def __init__(self, evidence: Evidence) -> None:
        """Take what was seen."""
        super().__init__("The service's response does not belong to this authorization request.")
        self.evidence = evidence


class IssuerMismatch(ForeignResponse):
    """``iss`` of the authorization response is not the server's issuer (RFC 9207 §2.4)."""


class NonceMismatch(ForeignResponse):
    """The id_token carries another ``nonce`` than the one sent."""
