"""The client's side of OAuth: requests, their answers, and what the answers mean. Knows no AWS."""

from .account import AccountFinder
from .authorization import authorization_url, check_issuer, public_error
from .client_authentication import ClientRequest, CredentialMissing, client_request
from .client_metadata import client_metadata
from .failures import (
    ClientRefused,
    ForeignResponse,
    GrantRefused,
    IssuerMismatch,
    NonceMismatch,
    NoUsableAnswer,
    RequestRefused,
    TokenRequestFailed,
)
from .kept import (
    PlaceRefused,
    check_kept,
    kept_of_callback,
    kept_of_response,
    place_refused,
    scopes_of_callback,
)
from .pkce import code_challenge, new_code_verifier
from .retry_after import http_date, retry_after
from .revocation import RevocationAnswer, RevocationOutcome, Revoker
from .token_endpoint import TokenEndpoint
from .token_response import TokenResponse

__all__ = [
    "AccountFinder",
    "ClientRefused",
    "ClientRequest",
    "CredentialMissing",
    "ForeignResponse",
    "GrantRefused",
    "IssuerMismatch",
    "NoUsableAnswer",
    "NonceMismatch",
    "PlaceRefused",
    "RequestRefused",
    "RevocationAnswer",
    "RevocationOutcome",
    "Revoker",
    "TokenEndpoint",
    "TokenRequestFailed",
    "TokenResponse",
    "authorization_url",
    "check_issuer",
    "check_kept",
    "client_metadata",
    "client_request",
    "code_challenge",
    "http_date",
    "kept_of_callback",
    "kept_of_response",
    "new_code_verifier",
    "place_refused",
    "public_error",
    "retry_after",
    "scopes_of_callback",
]
