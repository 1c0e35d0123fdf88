"""The MCP endpoint of the tenants: log, mood, door, era, and then the SDK."""

from dataclasses import dataclass
from typing import Any

from mcp.server.auth.middleware.auth_context import AuthContextMiddleware
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from .challenges import Door
from .eras import is_modern, refuse_modern, without_version
from .event_stream import EventStream
from .messages import SESSION_HEADER, Inbound
from .moods import answer_in
from .tenants import Tenant, Tenants


@dataclass(frozen=True, slots=True)
class Endpoint:
    """``/{tenant}/mcp``, an ASGI application."""

    tenants: Tenants
    door: Door
    old_era: bool

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        inbound = await Inbound.read(Request(scope, receive))
        tenant = await self.tenants.get(scope["path_params"]["tenant"])
        entry = inbound.log_entry()
        tenant.requests.append(entry)
        watched = _watch(tenant, entry, send)
        entry["mood"] = mood = tenant.take_mood(inbound.method)
        if mood != "normal":
            await answer_in(mood, inbound, tenant.switches)(scope, receive, watched)
            return
        refusal = await self._refusal(tenant, inbound)
        entry["sub"] = _subject(scope)
        if refusal is not None:
            await refusal(scope, receive, watched)
            return
        await self._pass_on(tenant, inbound, watched)

    async def _refusal(self, tenant: Tenant, inbound: Inbound) -> Response | None:
        if refusal := await self.door.refusal(inbound, tenant.switches):
            return refusal
        if self.old_era and is_modern(inbound):
            return refuse_modern(inbound, tenant.switches, stateless=self.tenants.stateless)
        return None

    async def _pass_on(self, tenant: Tenant, inbound: Inbound, send: Send) -> None:
        scope = inbound.request.scope
        if self.old_era and is_modern(inbound):
            scope = without_version(scope)
        headers = MutableHeaders(scope=scope)
        if headers.get(SESSION_HEADER) in tenant.forgotten:
            headers[SESSION_HEADER] = "forgotten"
        if tenant.switches.answer_form == "sse":
            send = EventStream(send)
        application = AuthContextMiddleware(tenant.manager.handle_request)
        await application(scope, inbound.replayed(), send)


def _watch(tenant: Tenant, entry: dict[str, Any], send: Send) -> Send:
    """Note the status and the session of the answer."""

    async def watched(message: Message) -> None:
        if message["type"] == "http.response.start":
            entry["status"] = message["status"]
            headers = {name.lower(): value for name, value in message["headers"]}
            session = headers.get(SESSION_HEADER.encode())
            if session and message["status"] < 400:
                tenant.sessions.add(session.decode())
        await send(message)

    return watched


def _subject(scope: Scope) -> str | None:
    user = scope.get("user")
    return user.access_token.subject if isinstance(user, AuthenticatedUser) else None
