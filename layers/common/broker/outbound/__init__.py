"""The one door out: every request of the broker to anybody but AWS goes through here.

What it promises (T3, T8): https to a public address by name, never a redirect, a proxy, a retry
or a decompression bomb, and an answer, or an error that says whether the request left, before
the caller's deadline. What it does not check: whether the party at that address is the right one
(TLS proves the name; the caller chose it), and what the answer says.
"""

from .addresses import is_public
from .door import Answer, AnswerStream, Outbound
from .failures import Obstacle, Unreached
from .transport import GuardedTransport, guarded_transport
from .urls import Url
from .watching import Sent, watching

__all__ = [
    "Answer",
    "AnswerStream",
    "GuardedTransport",
    "Obstacle",
    "Outbound",
    "Sent",
    "Unreached",
    "Url",
    "guarded_transport",
    "is_public",
    "watching",
]
