"""What callers send to start and end a session for MCP clients."""

from datetime import timedelta
from typing import Annotated

from pydantic import Field

from broker.inbound.requests import ApiRequest, ForUser, Handle, Locale, ServerIds, Url
from broker.model import SessionWish


class StartSessionRequest(ForUser):
    """``POST /v1/sessions``."""

    server_ids: ServerIds
    ttl: Annotated[int, Field(ge=60, le=3600)] = 3600
    return_url: Url | None = None
    locale: Locale | None = None

    @property
    def wish(self) -> SessionWish:
        """Return what is asked for, in the broker's terms."""
        lifetime = timedelta(seconds=self.ttl)
        server_ids = tuple(dict.fromkeys(self.server_ids))
        return SessionWish(self.user_id, server_ids, lifetime, self.return_url, self.locale)


class EndSessionRequest(ApiRequest):
    """``DELETE /v1/sessions/{session_id}``."""

    session_id: Handle
