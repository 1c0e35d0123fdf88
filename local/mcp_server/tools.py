"""The tools: some answer with the caller's data, some are there to be awkward."""

from typing import Annotated

import anyio
from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.elicitation import AcceptedElicitation, ElicitationResult
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.resolve import Elicit, Resolve
from mcp.types import ToolAnnotations
from pydantic import BaseModel, Field

from .contacts import Contact, contacts_of

READ = "contacts.read"
WRITE = "contacts.write"
NEEDS = {"delete_contact": WRITE}
"""The scope that a tool cannot be called without."""

Region = Annotated[str, Field(json_schema_extra={"x-mcp-header": "Region"})]


class Consent(BaseModel):
    """What ``confirm`` asks the person."""

    sure: bool


def add_tools(server: MCPServer) -> None:
    """Register every tool."""
    for with_structure in (list_contacts, find_contacts, contact_card):
        server.add_tool(with_structure)
    reads = ToolAnnotations(read_only_hint=True)
    server.add_tool(whoami, annotations=reads, structured_output=False)
    for text_only in (add_numbers, delete_contact, slow, big, fail, confirm):
        server.add_tool(text_only, structured_output=False)


def caller() -> str:
    """Return the name of the person that the bearer belongs to."""
    token = get_access_token()
    claims = (token and token.claims) or {}
    return str(claims.get("username", "nobody"))


def whoami() -> str:
    """Say whose token this request carries."""
    return caller()


def list_contacts() -> list[Contact]:
    """List the caller's contacts."""
    return contacts_of(caller())


def find_contacts(region: Region) -> list[Contact]:
    """List the caller's contacts of a region: north, south or west."""
    return [contact for contact in contacts_of(caller()) if contact["region"] == region]


def contact_card(name: str) -> Contact:
    """Return one of the caller's contacts as structured content."""
    for contact in contacts_of(caller()):
        if contact["name"] == name:
            return contact
    raise ToolError(f"{caller()} has no contact of that name.")


def delete_contact(name: str) -> str:
    """Pretend to delete a contact; needs the scope contacts.write."""
    return f"{caller()} would have deleted {name}."


def add_numbers(first: float, second: float) -> str:
    """Add two numbers; nobody's data."""
    return f"{first + second:g}"


async def slow(seconds: float, context: Context) -> str:
    """Take a while, reporting progress ten times to who asks for it."""
    for step in range(10):
        await context.report_progress(step, 10)
        await anyio.sleep(seconds / 10)
    return f"That took {seconds:g} s."


def big(size: int) -> str:
    """Return that many characters."""
    return "x" * size


def fail() -> str:
    """Fail as a tool does: with isError."""
    raise ToolError("The harbor is closed.")


def ask(question: str) -> Elicit[Consent]:
    """Put the question to the person."""
    return Elicit(question, Consent)


def confirm(question: str, answer: Annotated[ElicitationResult[Consent], Resolve(ask)]) -> str:
    """Ask the person something before answering (an MCP multi-round-trip)."""
    if isinstance(answer, AcceptedElicitation):
        return f"{question} {'Yes' if answer.data.sure else 'No'}, says {caller()}."
    return f"{question} No answer ({answer.action})."
