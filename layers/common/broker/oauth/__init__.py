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
    "RequestRefused",
    "RevocationAnswer",
    "RevocationOutcome",
    "Revoker",
    "TokenEndpoint",
    "TokenRequestFailed",
    "TokenResponse",
    "authorization_url",
    "check_issuer",
    "client_metadata",
    "client_request",
    "code_challenge",
    "http_date",
    "new_code_verifier",
    "public_error",
    "retry_after",
]
