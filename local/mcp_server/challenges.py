"""Who may pass: the 401 and 403 of a protected MCP server (RFC 6750 §3, RFC 9728 §5.1)."""

from dataclasses import dataclass
from typing import Any

import httpx
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser, BearerAuthBackend
from mcp.server.auth.provider import TokenVerifier
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from .messages import Inbound
from .switches import Switches
from .tools import NEEDS, READ, WRITE


@dataclass(frozen=True, slots=True)
class Door:
    """Lets a request pass with a bearer that is good for this resource, or anyone if there is none.

    ``verifier`` is None for a server without authorization; ``issuer`` is None for one with a
    shared key, which has no metadata to point to.
    """

    verifier: TokenVerifier | None
    issuer: str | None

    async def refusal(self, inbound: Inbound, switches: Switches) -> Response | None:
        """Return the refusal of a request; None lets it pass, its user in the scope."""
        if self.verifier is None:
            return None
        request = inbound.request
        try:
            found = await BearerAuthBackend(self.verifier).authenticate(request)
        except httpx.HTTPError:
            return JSONResponse({"error": "temporarily_unavailable"}, 503)
        if found is None or switches.reject_tokens or not _is_for(request, found[1], switches):
            return self._unauthorized(request, switches)
        request.scope["auth"], request.scope["user"] = found
        needed = NEEDS.get(inbound.tool or "")
        if needed and needed not in found[1].scopes:
            return self._forbidden(request, needed)
        return None

    def metadata(self, request: Request, switches: Switches) -> Response:
        """Serve the protected resource metadata (RFC 9728 §2)."""
        if self.issuer is None:
            return Response(status_code=404)
        tenant = request.path_params["tenant"]
        return JSONResponse(
            {
                "resource": f"{request.base_url}{tenant}/mcp",
                "authorization_servers": [f"{self.issuer}{switches.issuer_path}"],
                "scopes_supported": [READ, WRITE],
                "bearer_methods_supported": ["header"],
                "resource_name": f"Address book of {tenant}",
            }
        )

    def _unauthorized(self, request: Request, switches: Switches) -> Response:
        about = {"error": "invalid_token", "error_description": "The access token is not valid."}
        if "authorization" not in request.headers:
            about = {}
        headers = {} if switches.bare_401 else self._challenge(request, READ, about)
        body = about or {"error": "invalid_token", "error_description": "A bearer is required."}
        return JSONResponse(body, 401, headers)

    def _forbidden(self, request: Request, needed: str) -> Response:
        about = {
            "error": "insufficient_scope",
            "error_description": f"The tool needs the scope {needed}.",
        }
        return JSONResponse(about, 403, self._challenge(request, needed, about))

    def _challenge(self, request: Request, scope: str, about: dict[str, Any]) -> dict[str, str]:
        parameters = dict(about)
        if self.issuer is not None:
            metadata = f".well-known/oauth-protected-resource{request.url.path}"
            parameters["resource_metadata"] = f"{request.base_url}{metadata}"
            parameters["scope"] = scope
        quoted = ", ".join(f'{name}="{value}"' for name, value in parameters.items())
        return {"WWW-Authenticate": f"Bearer {quoted}".strip()}


def _is_for(request: Request, user: AuthenticatedUser, switches: Switches) -> bool:
    resource = user.access_token.resource
    if resource is None:
        return not switches.require_audience
    return resource.rstrip("/") == str(request.url).rstrip("/")
