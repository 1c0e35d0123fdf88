"""The environment, validated once, on first use."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, ValidationError, field_validator

from broker.errors import ConfigurationError
from broker.wire import Wire

_TableName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{3,255}$")]
_Name = Annotated[str, Field(pattern=r"^\S+$")]
_Url = Annotated[str, Field(pattern=r"^https?://[^\s/]+/\S+$")]


class SessionBinding(StrEnum):
    """How a flow is bound to the user's session before the token request."""

    BACKEND = "backend"
    NONE = "none"


class Settings(Wire):
    """Every environment variable that the broker reads."""

    servers_table: _TableName
    server_state_table: _TableName
    connections_table: _TableName
    pending_table: _TableName
    tools_table: _TableName
    sessions_table: _TableName
    kms_key_id: _Name
    signing_key_id: str = Field(default="", pattern=r"^\S*$")
    """ARN of the key that signs client assertions; empty: the stack has none."""
    due_queue_url: _Url
    rescue_queue_url: _Url
    event_bus_name: _Name
    chat_name: str = "the chat"
    chat_logo_url: str = ""
    allowed_return_urls: tuple[str, ...] = ()
    default_return_url: str = ""
    session_binding: SessionBinding = SessionBinding.BACKEND
    mcp_issuer: str = Field(default="", pattern=r"^(https?://[^\s?#]+)?$")
    """The customer's own authorization server, whose JWTs ``/mcp`` takes; empty: none."""
    public_base_url: str = Field(default="", pattern=r"^(https?://[^\s/]+)?$")
    refresh_buffer_seconds: int = Field(default=300, ge=0, le=3600)
    keep_warm_hours: int = Field(default=24, ge=0, le=24 * 365)
    refreshes_per_second: int = Field(default=50, ge=1, le=1000)
    """Ahead of time, to one authorization server."""
    worker_concurrency: int = Field(default=5, ge=2, le=1000)
    powertools_service_name: _Name
    powertools_metrics_namespace: str = Field(pattern=r"^[A-Za-z0-9_./#:-]{1,255}$")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = "INFO"
    broker_local_origins: frozenset[str] = frozenset()
    """Exact origins allowed over plain http; only a local stack sets it, never the template."""

    @field_validator("allowed_return_urls", "broker_local_origins", mode="before")
    @classmethod
    def _split_on_commas(cls, value: object) -> object:
        if isinstance(value, str):
            return [part.strip() for part in value.split(",") if part.strip()]
        return value

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> Self:
        """Build from the environment; raise ConfigurationError naming the variables at fault."""
        names = {
            name: environ[name.upper()] for name in cls.model_fields if name.upper() in environ
        }
        try:
            return cls.model_validate(names)
        except ValidationError as exc:
            faults = sorted({str(fault["loc"][0]).upper() for fault in exc.errors()})
            raise ConfigurationError(faults) from None
