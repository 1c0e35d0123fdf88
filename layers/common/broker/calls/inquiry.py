"""One question to a server, whatever its method."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from broker.endpoint_errors import McpRefusal
from broker.errors import InvalidRequest
from broker.mcp import FORMS, Called, McpClient, disagreeing
from broker.model import NOTHING, Connection, Hearing, Server
from broker.model.mcp import HEADER_MISMATCH

from .as_user import Line

type Claim = Callable[[Server, Connection | None], str | None]
"""Says which ``requestState`` goes along, when all else is ready to be sent to a server as a
connection (None: as nobody's); asked again where the request goes out again, after a 401. What it
raises ends the errand, and nothing is sent."""


@dataclass(frozen=True, slots=True)
class Inquiry:
    """What is asked, and what whoever asks can be asked and told in return."""

    method: str
    params: Mapping[str, object] = field(repr=False)
    input_responses: Mapping[str, object] | None = field(default=None, repr=False)
    request_state: str | None = field(default=None, repr=False)
    capabilities: Mapping[str, object] = field(default_factory=lambda: FORMS)
    hearing: Hearing = NOTHING
    mirrored: Mapping[str, str | None] | None = field(default=None, repr=False)
    """The ``Mcp-Param-…`` headers of whoever asks, if that is a client of ours."""

    @property
    def tool(self) -> str | None:
        """The tool, if one is called; raise InvalidRequest where its name is none."""
        if self.method != "tools/call":
            return None
        name = self.params.get("name")
        if not isinstance(name, str):
            raise InvalidRequest("tools/call takes the name of a tool.")
        return name

    @property
    def arguments(self) -> Mapping[str, object]:
        """The tool's arguments; raise InvalidRequest where they are none."""
        arguments = self.params.get("arguments", {})
        if not isinstance(arguments, Mapping):
            raise InvalidRequest("The arguments of a tool are an object.")
        return arguments

    def put(
        self, client: McpClient, line: Line, input_schema: Mapping[str, object] | None
    ) -> Called:
        """Put it to the server, once."""
        tool = self.tool
        if tool is None:
            return client.ask(
                line.target,
                self.method,
                self.params,
                deadline=line.deadline,
                input_responses=self.input_responses,
                request_state=self.request_state,
                capabilities=self.capabilities,
                hearing=self.hearing,
            )
        return client.call_tool(
            line.target,
            tool,
            self.arguments,
            deadline=line.deadline,
            input_schema=input_schema,
            input_responses=self.input_responses,
            request_state=self.request_state,
            capabilities=self.capabilities,
            hearing=self.hearing,
        )

    def claimed(
        self, claim: Claim | None, server: Server, connection: Connection | None
    ) -> "Inquiry":
        """Return it with the ``requestState`` that goes along now; raise what the claim raises."""
        if claim is None:
            return self
        return replace(self, request_state=claim(server, connection))

    def check_headers(self, input_schema: Mapping[str, object] | None) -> None:
        """Hold the client's headers against its arguments, where the tool's schema is known.

        Raise McpRefusal where they disagree.
        """
        if self.mirrored is None or input_schema is None:
            return
        name = disagreeing(input_schema, self.arguments, self.mirrored)
        if name is not None:
            message = f"The {name} header does not match the request's body."
            raise McpRefusal(HEADER_MISMATCH, message)
