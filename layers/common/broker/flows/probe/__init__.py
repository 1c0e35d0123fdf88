"""Talks to a service or MCP server for the builder: discovery, and the test flow."""

from .discovery import Discovery
from .probe import Probe

__all__ = ["Discovery", "Probe"]
