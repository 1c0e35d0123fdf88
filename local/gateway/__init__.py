"""API Gateway's HTTP API, as far as the template uses it."""

from local.gateway.callers import BOTH, BUILDER, CHAT_BACKEND, OPERATOR, Caller, Callers
from local.gateway.server import Gateway

__all__ = ["BOTH", "BUILDER", "CHAT_BACKEND", "OPERATOR", "Caller", "Callers", "Gateway"]
