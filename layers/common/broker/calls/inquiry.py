"""One question to a server, whatever its method."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from broker.errors import InvalidRequest
from broker.mcp import FORMS, NOTHING, Called, Hearing, McpClient

from .as_user import Line


@dataclass(frozen=True, slots=True)
class Inquiry:
    """What is asked, and what whoever asks can be asked and told in return."""

    method: str
    params: Mapping[str, object] = field(repr=False)
    input_responses: Mapping[str, object] | None = field(default=None, repr=False)
    request_state: str | None = field(default=None, repr=False)
    capabilities: Mapping[str, object] = field(default_factory=lambda: FORMS)
    hearing: Hearing = NOTHING

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
