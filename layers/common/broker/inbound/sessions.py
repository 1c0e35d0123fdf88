"""Sessions as the API tells them."""

from broker.inbound.answers import Body, written_time
from broker.model import StartedSession


def started_session(started: StartedSession, base_url: str) -> Body:
    """Return a new session: the one time that its bearer is told."""
    session = started.session
    return {
        "session_id": session.session_id,
        "bearer": started.bearer.reveal(),
        "expires_at": written_time(session.expires_at),
        "mcp_urls": {each: f"{base_url}/mcp/{each}" for each in session.server_ids},
    }
