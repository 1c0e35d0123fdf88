"""The moods of an MCP server, one set of switches for each tenant."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

type Mood = Literal[
    "normal", "html", "nonsense", "wrong_id", "broken_stream", "hang", "drip", "404", "429", "500"
]


class Switches(BaseModel):
    """The defaults are a server that follows the specification; an unknown switch is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mood: Mood = "normal"
    mood_count: int | None = Field(default=None, ge=1)
    """How many requests the mood lasts; null is for ever."""
    mood_methods: list[str] = Field(default_factory=list)
    """The JSON-RPC methods that it shows at; empty is all."""
    retry_after: str = "2"

    reject_tokens: bool = False
    """Answer 401 to every bearer."""
    bare_401: bool = False
    """Without WWW-Authenticate (API Gateway renames it)."""
    issuer_path: str = ""
    """The issuer that the metadata names: ``/dynamic`` wants its clients to be registered."""
    require_audience: bool = False
    """Refuse a token that was not issued for this URL; one for another URL is always refused."""

    answer_form: Literal["as_is", "json", "sse"] = "as_is"
    """JSON or SSE, whatever the SDK would choose; ``json`` counts for new sessions."""
    modern_refusal: int | None = None
    """The old era's status for a modern request; null is what the SDK's old transport answers,
    200 a JSON-RPC error inside."""
    empty_tools: bool = False
    tools_by_scope: bool = False
    """List only the tools that the token's scope is enough for."""
    tools_ttl_ms: int = 0
    tools_cache_scope: Literal["private", "public"] = "private"
