"""The composition root: one Starlette application per process."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from mcp.server.auth.provider import TokenVerifier
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .challenges import Door
from .control import Control
from .endpoint import Endpoint
from .tenants import HOSTS, Tenants


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What the command line decides."""

    verifier: TokenVerifier | None
    issuer: str | None
    old_era: bool
    stateless: bool


def create_application(behaviour: Behaviour, ready: Callable[[], None]) -> Starlette:
    """Build the server; ``ready`` is called once it can answer."""
    tenants = Tenants(behaviour.stateless)
    door = Door(behaviour.verifier, behaviour.issuer)
    endpoint = Endpoint(tenants, door, behaviour.old_era)

    async def metadata(request: Request) -> Response:
        tenant = await tenants.get(request.path_params["tenant"])
        return door.metadata(request, tenant.switches)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        async with tenants.running():
            ready()
            yield

    return Starlette(
        routes=[
            Route("/.well-known/oauth-protected-resource/{tenant}/mcp", metadata),
            *Control(tenants).routes(),
            Route("/{tenant}/mcp", endpoint, methods=["GET", "POST", "DELETE"]),
        ],
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=HOSTS)],
        lifespan=lifespan,
    )
