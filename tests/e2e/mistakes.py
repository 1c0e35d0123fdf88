"""All mistakes, and the causes that no test of a configuration can be made to name."""

from tests.e2e.mistake_bench import Mistake
from tests.e2e.mistakes_at_endpoints import ENDPOINTS
from tests.e2e.mistakes_at_mcp import MCP
from tests.e2e.mistakes_in_consent import CONSENT

MISTAKES: tuple[Mistake, ...] = (*CONSENT, *ENDPOINTS, *MCP)

ELSEWHERE = {
    "blocked_address": "the registry refuses such a URL; a name that leads to a private address "
    "needs a name service of its own (tests/integration/test_blocked_names.py)",
    "metadata_disagrees": "POST /v1/servers/{server_id}/check finds it (tests/e2e/test_check.py)",
}
