"""The control interface for tests, under ``/control/{tenant}``; bodies are JSON.

========================  ======================================================================
``GET``, ``PATCH          see ``switches``; both answer with all of them
/switches``
``GET``, ``DELETE         ``{"requests": […]}``, the log, see ``messages``: never a token
/requests``
``POST                    lose the open sessions, as a server that restarts does
/forget-sessions``        → ``{"forgotten": n}``
========================  ======================================================================
"""

from dataclasses import dataclass

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .switches import Switches
from .tenants import Tenant, Tenants


@dataclass(frozen=True, slots=True)
class Control:
    """The routes under /control."""

    tenants: Tenants

    def routes(self) -> list[Route]:
        """Return them."""
        prefix = "/control/{tenant}"
        return [
            Route(f"{prefix}/switches", self.switches, methods=["GET", "PATCH"]),
            Route(f"{prefix}/requests", self.requests, methods=["GET", "DELETE"]),
            Route(f"{prefix}/forget-sessions", self.forget_sessions, methods=["POST"]),
        ]

    async def switches(self, request: Request) -> Response:
        """Show the switches; PATCH changes the named ones first."""
        tenant = await self._tenant(request)
        if request.method == "PATCH":
            changes = await request.json()
            try:
                tenant.flip(Switches.model_validate(tenant.switches.model_dump() | changes))
            except ValidationError as error:
                return JSONResponse({"error": "invalid_request", "detail": str(error)}, 400)
        return JSONResponse(tenant.switches.model_dump())

    async def requests(self, request: Request) -> Response:
        """Show the log; DELETE clears it."""
        tenant = await self._tenant(request)
        shown = list(tenant.requests)
        if request.method == "DELETE":
            tenant.requests.clear()
        return JSONResponse({"requests": shown})

    async def forget_sessions(self, request: Request) -> Response:
        """Lose the open sessions."""
        tenant = await self._tenant(request)
        return JSONResponse({"forgotten": tenant.forget_sessions()})

    async def _tenant(self, request: Request) -> Tenant:
        return await self.tenants.get(request.path_params["tenant"])
