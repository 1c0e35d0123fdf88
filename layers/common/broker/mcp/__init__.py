"""MCP on the wire: messages and the client's side (revisions 2024-11-05 … 2026-07-28).

Knows no AWS and no OAuth: credentials come as headers, and what a 401 asks for goes back as a
parsed challenge.
"""

from .answers import Called, InputNeeded, Listing, ToolList, ToolResult
from .challenge import Challenge
from .client import FORMS, McpClient, Target
from .eras import Era, Learned
from .failures import (
    HeaderMismatch,
    InsufficientScope,
    MissingCapability,
    SessionInDoubt,
    Unauthorized,
)
from .headers import disagreeing, only_mirrored
from .methods import LISTS, QUESTIONS
from .notices import Notices

__all__ = [
    "FORMS",
    "LISTS",
    "QUESTIONS",
    "Called",
    "Challenge",
    "Era",
    "HeaderMismatch",
    "InputNeeded",
    "InsufficientScope",
    "Learned",
    "Listing",
    "McpClient",
    "MissingCapability",
    "Notices",
    "SessionInDoubt",
    "Target",
    "ToolList",
    "ToolResult",
    "Unauthorized",
    "disagreeing",
    "only_mirrored",
]
