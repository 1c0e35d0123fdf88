"""Our MCP endpoint's wire: requests of every revision read, outcomes and errors as JSON-RPC."""

from .post import METHODS, answer_mcp
from .resource import protected_resource

__all__ = ["METHODS", "answer_mcp", "protected_resource"]
