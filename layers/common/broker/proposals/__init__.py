"""How a registered server could be completed, and how one with nothing but its URL is.

For its builder discovery proposes, and the builder PUTs. For a server whose builder left all about
OAuth out, the first that wants to use it has it discovered, once.
"""

from .first_use import FirstUse
from .proposals import Proposals

__all__ = ["FirstUse", "Proposals"]
