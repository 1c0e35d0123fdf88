"""What ``auto`` came to, as JSON."""

from broker.inbound.answers import Body, written_time
from broker.model import Server


def style_found(server: Server) -> Body | None:
    """Return the style in use, what the looking came to, how sure, and when; null without auto."""
    found = server.style_finding
    if found is None:
        return None
    return {
        "style": found.style.value,
        "verdict": found.verdict.value,
        "sure": found.sure.value,
        "found_at": written_time(found.found_at),
    }
