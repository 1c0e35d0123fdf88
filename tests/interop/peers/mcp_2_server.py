"""A server of the `mcp` SDK 2.x, behind the SDK's own door."""

import asyncio
from typing import Annotated, Any

from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.auth.provider import AccessToken
from mcp.server.auth.settings import AuthSettings
from mcp.server.elicitation import AcceptedElicitation, ElicitationResult
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.resolve import Elicit, Resolve
from mcp_types import Completion
from pydantic import BaseModel, Field

from tests.interop.peers.introspection import READ, introspect
from tests.interop.peers.serving import ISSUER, RESOURCE, serve

NAMES = ["Ada", "Ari", "Bea"]


class Consent(BaseModel):
    """What a person is asked."""

    sure: bool


class Verifier:
    """Asks the authorization server."""

    async def verify_token(self, token: str) -> AccessToken | None:
        """Return what a token stands for."""
        about = await asyncio.to_thread(introspect, token)
        if about is None:
            return None
        return AccessToken(
            token=token,
            client_id=about["client_id"],
            scopes=about.get("scope", "").split(),
            resource=about.get("aud"),
            subject=about["sub"],
            claims={"username": about["username"]},
        )


server = MCPServer(
    "Notes",
    log_level="ERROR",
    token_verifier=Verifier(),
    auth=AuthSettings.model_validate(
        {
            "issuer_url": ISSUER,
            "resource_server_url": RESOURCE,
            "required_scopes": [READ],
            "validate_token_resource": True,
        }
    ),
)


@server.tool()
def whoami() -> str:
    """Say whose token this is."""
    token = get_access_token()
    return str(((token and token.claims) or {}).get("username"))


@server.tool()
def add(first: int, second: int) -> int:
    """Add two numbers."""
    return first + second


@server.tool()
def day_in(region: Annotated[str, Field(json_schema_extra={"x-mcp-header": "Region"})]) -> str:
    """Say what is to be done in a region, whose name a header mirrors."""
    return f"Nothing in {region}."


@server.tool()
async def count(to: int, context: Context) -> str:
    """Count, and report every step."""
    for step in range(1, to + 1):
        await context.report_progress(step, to)
    return f"Counted to {to}."


def ask(question: str) -> Elicit[Consent]:
    """Put the question to the person."""
    return Elicit(question, Consent)


@server.tool(structured_output=False)
def confirm(question: str, answer: Annotated[ElicitationResult[Consent], Resolve(ask)]) -> str:
    """Ask the person before answering."""
    sure = isinstance(answer, AcceptedElicitation) and answer.data.sure
    return f"{question} {'Yes' if sure else 'No'}."


@server.completion()  # type: ignore[no-untyped-call]
async def complete(ref: Any, argument: Any, context: Any) -> Completion:
    """Complete a name."""
    return Completion(values=[name for name in NAMES if name.startswith(argument.value)])


@server.prompt()
def greeting(name: str) -> str:
    """Greet somebody."""
    return f"Say hello to {name}."


@server.resource("note://today")
def today() -> str:
    """What is to be done today."""
    return "Paint the boat."


@server.resource("note://day/{day}")
def of_day(day: str) -> str:
    """What is to be done on a day."""
    return f"Nothing on {day}."


serve(server.streamable_http_app())
