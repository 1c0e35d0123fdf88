"""The environment, validated once, on first use."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Self

from pydantic import Field, ValidationError, field_validator

from broker.errors import ConfigurationError
from broker.wire import Wire


class SessionBinding(StrEnum):
    """How a flow is bound to the user's session before the token request."""

    BACKEND = "backend"
    NONE = "none"


class Settings(Wire):
    """Every environment variable that the broker reads."""

    servers_table: str = Field(min_length=1)
    server_state_table: str = Field(min_length=1)
    connections_table: str = Field(min_length=1)
    pending_table: str = Field(min_length=1)
    tools_table: str = Field(min_length=1)
    kms_key_id: str = Field(min_length=1)
    due_queue_url: str = Field(min_length=1)
    rescue_queue_url: str = Field(min_length=1)
    event_bus_name: str = Field(min_length=1)
    chat_name: str = "the chat"
    chat_logo_url: str = ""
    allowed_return_urls: tuple[str, ...] = ()
    default_return_url: str = ""
    session_binding: SessionBinding = SessionBinding.BACKEND
    public_base_url: str = ""
    refresh_buffer_seconds: int = Field(default=300, ge=0, le=3600)
    keep_warm_hours: int = Field(default=24, ge=0, le=24 * 365)
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
            message = f"The environment lacks or garbles: {', '.join(faults)}."
            raise ConfigurationError(message) from None
