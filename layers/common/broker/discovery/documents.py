"""The metadata documents, as far as they are read; what is not of the right type is refused."""

import re
import unicodedata
from typing import Annotated

from pydantic import ConfigDict, Field

from broker.oauth.client_assertion import ALGORITHM
from broker.wire import Wire

_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,256}")  # RFC 6749 §3.3
_MOST_SCOPES = 100
_NAME = 80

type _Url = Annotated[str, Field(min_length=1, max_length=2048)]
type _Words = Annotated[list[Annotated[str, Field(max_length=2048)]], Field(max_length=1000)]


class _Document(Wire):
    model_config = ConfigDict(strict=True)


class ResourceMetadata(_Document):
    """Protected resource metadata (RFC 9728 §2)."""

    resource: _Url
    authorization_servers: _Words | None = None
    scopes_supported: _Words | None = None
    resource_name: str | None = None

    @property
    def scopes(self) -> tuple[str, ...]:
        """Return the scopes, those that are some."""
        return known_scopes(self.scopes_supported)

    @property
    def name(self) -> str | None:
        """Return a name fit to be shown: printable, in one direction, ≤ 80 characters."""
        shown = "".join(c for c in self.resource_name or "" if _is_shown(c))
        return " ".join(shown.split())[:_NAME].strip() or None


class ServerMetadata(_Document):
    """Authorization server metadata (RFC 8414 §2; OpenID Connect Discovery 1.0 §3)."""

    issuer: _Url
    authorization_endpoint: _Url | None = None
    token_endpoint: _Url | None = None
    registration_endpoint: _Url | None = None
    revocation_endpoint: _Url | None = None
    userinfo_endpoint: _Url | None = None
    scopes_supported: _Words | None = None
    response_types_supported: _Words | None = None
    grant_types_supported: _Words | None = None
    token_endpoint_auth_methods_supported: _Words | None = None
    token_endpoint_auth_signing_alg_values_supported: _Words | None = None
    code_challenge_methods_supported: _Words | None = None
    authorization_response_iss_parameter_supported: bool | None = None
    client_id_metadata_document_supported: bool | None = None
    prompt_values_supported: _Words | None = None

    @property
    def scopes(self) -> tuple[str, ...]:
        """Return the scopes, those that are some."""
        return known_scopes(self.scopes_supported)

    @property
    def is_openid_provider(self) -> bool:
        """Say whether it speaks OpenID Connect: it has the scope, or values of ``prompt``.

        Who lists scopes at all must list ``openid`` (OpenID Connect Discovery 1.0 §3).
        """
        return "openid" in (self.scopes_supported or ()) or bool(self.prompt_values_supported)

    @property
    def takes_prompt_consent(self) -> bool:
        """Say whether ``prompt=consent`` can be sent: to OpenID providers that do not exclude it.

        Only some say which values they take (Initiating User Registration via OpenID Connect 1.0
        §4); the others take every one of OpenID Connect Core 1.0 §3.1.2.1.
        """
        values = self.prompt_values_supported
        return self.is_openid_provider and (values is None or "consent" in values)

    @property
    def has_pkce(self) -> bool:
        """Say whether S256 is confirmed; a document that does not speak of it does not."""
        return "S256" in (self.code_challenge_methods_supported or ())

    @property
    def has_code_flow(self) -> bool:
        """Say whether it has the authorization code grant (absent: it has, RFC 8414 §2)."""
        types, grants = self.response_types_supported, self.grant_types_supported
        return (types is None or "code" in types) and (
            grants is None or "authorization_code" in grants
        )

    @property
    def auth_methods(self) -> tuple[str, ...]:
        """Return how clients may authenticate (absent: client_secret_basic, RFC 8414 §2)."""
        return tuple(self.token_endpoint_auth_methods_supported or ("client_secret_basic",))

    @property
    def takes_our_signature(self) -> bool:
        """Say whether it takes assertions signed as ours are (absent: which is not said)."""
        algorithms = self.token_endpoint_auth_signing_alg_values_supported
        signed = "private_key_jwt" in self.auth_methods
        return signed and (algorithms is None or ALGORITHM in algorithms)


def known_scopes(said: list[str] | None) -> tuple[str, ...]:
    """Return what is a scope (RFC 6749 §3.3) of a list, once each, at most a hundred."""
    names = dict.fromkeys(name for name in said or () if _SCOPE.fullmatch(name))
    return tuple(names)[:_MOST_SCOPES]


def _is_shown(character: str) -> bool:
    return unicodedata.category(character)[0] != "C" and character not in "\u2028\u2029<>"
