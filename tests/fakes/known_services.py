"""How services that MCP servers use describe themselves, as far as discovery meets it.

Each as its documentation has it, with accounts that are nobody's.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.fakes.strangers import Strangers

_BOTH = ["client_secret_basic", "client_secret_post"]
_OPENID = ["openid", "profile", "email", "offline_access"]
_RESOURCE, _SERVER = (
    ".well-known/oauth-protected-resource",
    ".well-known/oauth-authorization-server",
)
_PROVIDER = ".well-known/openid-configuration"


@dataclass(frozen=True, slots=True)
class Service:
    """An MCP server and its authorization server, and what is to come of it."""

    mcp_url: str
    server: Mapping[str, Any]
    server_at: str
    client: str
    """How a client is found."""
    style: str = "form_post"
    resource: Mapping[str, Any] | None = None
    """Of the protected resource, without `resource` itself; None: there is no such document."""
    resource_at: str = ""
    challenge: str = "Bearer"
    registers: Mapping[str, Any] = field(default_factory=dict)
    status: int = 201
    problems: tuple[str, ...] = ()
    tells: str = ""
    """What a problem says."""

    def strangers(self, strangers: Strangers) -> None:
        """Have them answer as this service does."""
        answers = {"WWW-Authenticate": self.challenge}
        strangers.answers[self.mcp_url] = httpx.Response(401, headers=answers)
        if self.resource is not None:
            strangers.says(self.resource_at, {"resource": self.mcp_url, **self.resource})
        strangers.says(self.server_at, self.server)
        if endpoint := self.server.get("registration_endpoint"):
            strangers.says(endpoint, self.registers, self.status)


def _described(issuer: str, **more: Any) -> dict[str, Any]:
    root = issuer.rstrip("/")
    about = {
        "issuer": issuer,
        "authorization_endpoint": f"{root}/authorize",
        "token_endpoint": f"{root}/token",
        "response_types_supported": ["code"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": _BOTH,
    } | more
    return {name: value for name, value in about.items() if value is not ...}


_MCP = "https://mcp.example.com/mcp"
_AT = f"https://mcp.example.com/{_RESOURCE}/mcp"
_REALM = "https://keycloak.example.com/realms/crew"
_REALMS = f"{_REALM}/protocol/openid-connect"
_AUTH0 = "https://crew.eu.auth0.com/"
_OKTA = "https://crew.okta.com/oauth2/default"
_AUTHKIT = "https://crew-12.authkit.app"
_DESCOPE = "https://api.descope.com/v1/apps/agentic/P2crew/MS3crew"
_STYTCH = "https://crew.customers.stytch.com"
_WORKER = "https://crew.workers.dev"
_GOOGLE = "https://accounts.google.com"
_ENTRA = "https://login.microsoftonline.com/8f0e2c1a-crew/v2.0"
_GITHUB = "https://github.com/login/oauth"
_KEYCLOAK: dict[str, Any] = {
    "mcp_url": _MCP,
    "resource": {"authorization_servers": [_REALM], "scopes_supported": ["tools"]},
    "resource_at": _AT,
    "server_at": f"https://keycloak.example.com/{_SERVER}/realms/crew",
    "server": _described(
        _REALM,
        authorization_endpoint=f"{_REALMS}/auth",
        token_endpoint=f"{_REALMS}/token",
        userinfo_endpoint=f"{_REALMS}/userinfo",
        revocation_endpoint=f"{_REALMS}/revoke",
        registration_endpoint=f"{_REALM}/clients-registrations/openid-connect",
        scopes_supported=["openid", "tools", "offline_access", "profile"],
        prompt_values_supported=["none", "login", "consent"],
        token_endpoint_auth_methods_supported=["private_key_jwt", *_BOTH, "tls_client_auth"],
    ),
}
_NOBODY: dict[str, Any] = {
    "problems": ("registration_refused", "registration_needed"),
    "client": "builder",
}

SERVICES: Mapping[str, Service] = {
    "keycloak that lets nobody register": Service(
        **_KEYCLOAK,
        **_NOBODY,
        registers={"error": "insufficient_scope", "error_description": "Policy 'Trusted Hosts'"},
        status=403,
        tells="gave a token",
    ),
    "keycloak that wants a token": Service(
        **_KEYCLOAK, **_NOBODY, registers={"error": "invalid_token"}, status=401, tells="by hand"
    ),
    "keycloak that lets everybody register": Service(
        **_KEYCLOAK,
        client="dynamic",
        registers={
            "client_id": "9f0a",
            "client_secret": "canary-keycloak",
            "client_secret_expires_at": 0,
            "token_endpoint_auth_method": "client_secret_post",
            "registration_client_uri": f"{_REALM}/clients-registrations/openid-connect/9f0a",
            "registration_access_token": "canary-keycloak-token",
        },
    ),
    "auth0 without registration": Service(
        _MCP,
        _described(
            _AUTH0,
            token_endpoint=f"{_AUTH0}oauth/token",
            userinfo_endpoint=f"{_AUTH0}userinfo",
            registration_endpoint=f"{_AUTH0}oidc/register",
            scopes_supported=_OPENID,
        ),
        f"{_AUTH0}{_SERVER}",
        resource={"authorization_servers": [_AUTH0]},
        resource_at=_AT,
        registers={"statusCode": 404, "error": "Not Found", "message": "Not Found"},
        status=404,
        tells="switched off",
        **_NOBODY,
    ),
    "okta": Service(
        _MCP,
        _described(
            _OKTA,
            authorization_endpoint=f"{_OKTA}/v1/authorize",
            token_endpoint=f"{_OKTA}/v1/token",
            registration_endpoint="https://crew.okta.com/oauth2/v1/clients",
            scopes_supported=_OPENID,
        ),
        f"https://crew.okta.com/{_SERVER}/oauth2/default",
        resource={"authorization_servers": [_OKTA], "scopes_supported": ["openid", "tools"]},
        resource_at=_AT,
        registers={"errorCode": "E0000005", "errorSummary": "Invalid session"},
        status=401,
        tells="gave a token",
        **_NOBODY,
    ),
    "workos authkit": Service(
        _MCP,
        _described(
            _AUTHKIT,
            authorization_endpoint=f"{_AUTHKIT}/oauth2/authorize",
            token_endpoint=f"{_AUTHKIT}/oauth2/token",
            userinfo_endpoint=f"{_AUTHKIT}/oauth2/userinfo",
            registration_endpoint=f"{_AUTHKIT}/oauth2/register",
            scopes_supported=_OPENID,
            token_endpoint_auth_methods_supported=["none", *_BOTH],
            client_id_metadata_document_supported=True,
        ),
        f"{_AUTHKIT}/{_SERVER}",
        client="client_id_metadata_document",
        style="none",
        resource={"authorization_servers": [_AUTHKIT], "bearer_methods_supported": ["header"]},
        resource_at=_AT,
        challenge=f'Bearer error="unauthorized", resource_metadata="{_AT}"',
    ),
    "descope": Service(
        _MCP,
        _described(
            _DESCOPE,
            registration_endpoint=f"{_DESCOPE}/register",
            scopes_supported=["openid", "tools"],
            token_endpoint_auth_methods_supported=["client_secret_post", "none"],
        ),
        f"{_DESCOPE}/{_PROVIDER}",
        client="dynamic",
        resource={"authorization_servers": [_DESCOPE], "scopes_supported": ["tools"]},
        resource_at=_AT,
        registers={"client_id": "UDcrew", "client_secret": "canary-descope"},
    ),
    "stytch, whose consent page is the app's own": Service(
        _MCP,
        _described(
            _STYTCH,
            authorization_endpoint="https://app.example.com/oauth/authorize",
            token_endpoint=f"{_STYTCH}/v1/oauth2/token",
            registration_endpoint=f"{_STYTCH}/v1/oauth2/register",
            scopes_supported=_OPENID,
            token_endpoint_auth_methods_supported=["none", *_BOTH],
        ),
        f"{_STYTCH}/{_SERVER}",
        client="dynamic",
        style="none",
        resource={"authorization_servers": [_STYTCH], "scopes_supported": ["openid", "email"]},
        resource_at=_AT,
        registers={"client_id": "connected-app-1", "token_endpoint_auth_method": "none"},
        problems=("endpoints_apart",),
    ),
    "a worker at cloudflare": Service(
        f"{_WORKER}/mcp",
        _described(
            _WORKER,
            registration_endpoint=f"{_WORKER}/register",
            revocation_endpoint=f"{_WORKER}/token",
            code_challenge_methods_supported=["plain", "S256"],
            token_endpoint_auth_methods_supported=[*_BOTH, "none"],
        ),
        f"{_WORKER}/{_SERVER}",
        client="dynamic",
        challenge='Bearer realm="OAuth", error="invalid_token"',
        registers={
            "client_id": "kX0Crew",
            "client_secret": "canary-worker",
            "token_endpoint_auth_method": "client_secret_post",
            "registration_client_uri": "/register/kX0Crew",
            "client_id_issued_at": 1750000000,
        },
    ),
    "google": Service(
        _MCP,
        _described(
            _GOOGLE,
            authorization_endpoint=f"{_GOOGLE}/o/oauth2/v2/auth",
            token_endpoint="https://oauth2.googleapis.com/token",
            revocation_endpoint="https://oauth2.googleapis.com/revoke",
            userinfo_endpoint="https://openidconnect.googleapis.com/v1/userinfo",
            scopes_supported=["openid", "email", "profile"],
        ),
        f"{_GOOGLE}/{_PROVIDER}",
        client="builder",
        resource={"authorization_servers": [_GOOGLE], "scopes_supported": ["openid", "email"]},
        resource_at=_AT,
        problems=("endpoints_apart", "registration_needed"),
        tells="by hand",
    ),
    "microsoft entra, which is silent about PKCE": Service(
        _MCP,
        _described(
            _ENTRA,
            authorization_endpoint=f"{_ENTRA.removesuffix('v2.0')}oauth2/v2.0/authorize",
            token_endpoint=f"{_ENTRA.removesuffix('v2.0')}oauth2/v2.0/token",
            scopes_supported=_OPENID,
            grant_types_supported=...,
            code_challenge_methods_supported=...,
        ),
        f"{_ENTRA}/{_PROVIDER}",
        client="builder",
        resource={"authorization_servers": [_ENTRA], "scopes_supported": ["api://crew/tools"]},
        resource_at=_AT,
        problems=("pkce_not_confirmed",),
        tells="set by hand",
    ),
    "github": Service(
        "https://api.githubcopilot.com/mcp/",
        _described(
            _GITHUB,
            token_endpoint=f"{_GITHUB}/access_token",
            token_endpoint_auth_methods_supported=...,
        ),
        f"https://github.com/{_SERVER}/login/oauth",
        client="builder",
        resource={"authorization_servers": [_GITHUB], "scopes_supported": ["repo", "read:org"]},
        resource_at=f"https://api.githubcopilot.com/{_RESOURCE}/mcp/",
        challenge=(
            'Bearer error="invalid_request", error_description="No access token was provided", '
            f'resource_metadata="https://api.githubcopilot.com/{_RESOURCE}/mcp/"'
        ),
        problems=("registration_needed",),
        tells="by hand",
    ),
}
