"""Evidence of a flow → one named cause, what was seen, and what to do about it."""

from .causes import Cause, Certainty
from .diagnose import Diagnosis, diagnose
from .evidence import Evidence, Fact, Kind, Step, media_type
from .scrub import printable, scrub, short_code

__all__ = [
    "Cause",
    "Certainty",
    "Diagnosis",
    "Evidence",
    "Fact",
    "Kind",
    "Step",
    "diagnose",
    "media_type",
    "printable",
    "scrub",
    "short_code",
]
