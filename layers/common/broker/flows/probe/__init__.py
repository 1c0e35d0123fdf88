"""Talks to a service or MCP server for the builder: discovery, and the test flow."""

from .discovery import Discovery
from .login import Login
from .probe import Probe
from .remarks import Remarks
from .steps import Steps
from .waiting import Waiting

__all__ = ["Discovery", "Login", "Probe", "Remarks", "Steps", "Waiting"]
