"""MCP on the wire: messages and the client's side (revisions 2025-03-26 … 2026-07-28).

Knows no AWS and no OAuth: credentials come as headers, and what a 401 asks for goes back as a
parsed challenge.
"""

from .answers import Called, InputNeeded, ToolList, ToolResult
from .challenge import Challenge
from .client import FORMS, McpClient, Target
from .eras import Era, Learned
from .failures import HeaderMismatch, InsufficientScope, Unauthorized

__all__ = [
    "FORMS",
    "Called",
    "Challenge",
    "Era",
    "HeaderMismatch",
    "InputNeeded",
    "InsufficientScope",
    "Learned",
    "McpClient",
    "Target",
    "ToolList",
    "ToolResult",
    "Unauthorized",
]
