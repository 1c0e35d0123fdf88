"""A usable access token for a connection: open it, or refresh it under a lease.

The one choke point: nothing else sends a refresh token. One refresh at a time per connection
across all containers, and no refreshed set is lost.
"""

from .refresh import Refresher
from .rescue import Rescuer
from .sealing import NewGrant, OpenKeys, TokenSealer, seal_first
from .usable import Tokens, Unusable, Usable
from .verdicts import Verdicts

__all__ = [
    "NewGrant",
    "OpenKeys",
    "Refresher",
    "Rescuer",
    "TokenSealer",
    "Tokens",
    "Unusable",
    "Usable",
    "Verdicts",
    "seal_first",
]
