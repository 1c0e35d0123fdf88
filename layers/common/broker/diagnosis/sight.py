"""What a rule judges: one observation, what was observed before it, and the configuration."""

from dataclasses import dataclass, field

from .configured import Configured
from .evidence import Evidence


@dataclass(frozen=True, slots=True)
class Sight:
    """The observation to be explained, within its flow."""

    seen: Evidence
    configured: Configured
    earlier: tuple[Evidence, ...] = field(default=())
    """Oldest first: every request of the flow, and what the browser brought."""
