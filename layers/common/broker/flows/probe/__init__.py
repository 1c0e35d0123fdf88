"""Talk to a service or MCP server for the builder: the test of an OAuth configuration."""

from .probe import Probe

__all__ = ["Probe"]
