"""Act as the user: invoke, tools, and the MCP endpoint."""

from .endpoint import McpEndpoint
from .invoke import McpInvoke
from .questions import Questions
from .tool_calls import ToolCalls

__all__ = ["McpEndpoint", "McpInvoke", "Questions", "ToolCalls"]
