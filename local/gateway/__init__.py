"""API Gateway's HTTP API, as far as the template uses it."""

from local.gateway.callers import BUILDER, CHAT_BACKEND, Caller, Callers
from local.gateway.server import Gateway

__all__ = ["BUILDER", "CHAT_BACKEND", "Caller", "Callers", "Gateway"]
