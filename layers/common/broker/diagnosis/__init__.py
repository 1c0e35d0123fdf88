"""Evidence of a flow → one named cause, what was seen, and what to do about it.

The rules are in ``diagnose``, which only those import who judge: the rest of the product notes.
"""

from .causes import Cause, Certainty
from .evidence import Evidence, Fact, Kind, Step, media_type
from .scrub import hide_in_urls, printable, scrub, short_code

__all__ = [
    "Cause",
    "Certainty",
    "Evidence",
    "Fact",
    "Kind",
    "Step",
    "hide_in_urls",
    "media_type",
    "printable",
    "scrub",
    "short_code",
]
