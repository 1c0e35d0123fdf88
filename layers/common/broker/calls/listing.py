"""How long a tool list serves, and what is kept of it."""

from datetime import datetime, timedelta

from broker.mcp import Listing
from broker.model import Server
from broker.storage.tools import StoredTools

FRESH_FOR = timedelta(minutes=15)
"""How old a tool list may be before it is fetched again, where the server says nothing."""
_LONGEST_FRESH = timedelta(hours=24)


def listing_of(
    fetched: Listing, server: Server, now: datetime, grant_id: str | None = None
) -> StoredTools:
    """Return a list as it is kept; it serves as long as the server says (ttlMs), within reason."""
    fresh_for = FRESH_FOR
    if fetched.ttl_ms is not None:
        fresh_for = min(timedelta(milliseconds=max(0, fetched.ttl_ms)), _LONGEST_FRESH)
    return StoredTools(fetched.entries, now, server.config_digest, fresh_for, grant_id)
