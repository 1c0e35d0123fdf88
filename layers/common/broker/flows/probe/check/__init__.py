"""All that can be known of a configuration without a browser; nothing is spent, nobody asked."""

from .check import Check
from .endpoints import Endpoints
from .mcp_server import McpServer
from .metadata import Metadata

__all__ = ["Check", "Endpoints", "McpServer", "Metadata"]
