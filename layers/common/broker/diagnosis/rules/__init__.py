"""The rules, in order: the first that fits decides. To add one, put it where it is to be tried."""

from broker.diagnosis.rule import Rule

from .authorization import REFUSED_REQUEST
from .client import REFUSED_CLIENT
from .endpoints import ADDRESS, NOT_USABLE, WRONG_PLACE
from .findings import FINDINGS, LAST_RESORT, NOTHING_WRONG
from .flow import SEEN_BY_US
from .mcp import MCP_LAST, MCP_SERVER
from .styles import STYLES

FAILURES: tuple[Rule, ...] = (
    *ADDRESS,
    *SEEN_BY_US,
    *STYLES,
    *REFUSED_REQUEST,
    *REFUSED_CLIENT,
    *WRONG_PLACE,
    *MCP_SERVER,
    *NOT_USABLE[:1],  # a page, wherever it comes from
    *MCP_LAST,
    *NOT_USABLE[1:],
)

__all__ = ["FAILURES", "FINDINGS", "LAST_RESORT", "NOTHING_WRONG"]
