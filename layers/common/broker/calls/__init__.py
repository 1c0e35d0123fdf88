"""Call a server as a user: token, call, and on a 401 one refresh and one retry."""

from .as_user import CALL_SECONDS, AsUser
from .caller import Caller
from .inquiry import Claim
from .learning import Learner
from .listing import FRESH_FOR, listing_of
from .memory import Memory, Spoken

__all__ = [
    "CALL_SECONDS",
    "FRESH_FOR",
    "AsUser",
    "Caller",
    "Claim",
    "Learner",
    "Memory",
    "Spoken",
    "listing_of",
]
