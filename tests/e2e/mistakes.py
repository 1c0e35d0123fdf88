"""All mistakes, and the causes that no test of a configuration can be made to name."""

from collections import Counter
from collections.abc import Mapping, Sequence

from tests.e2e.mistake_bench import Mistake
from tests.e2e.mistakes_at_endpoints import ENDPOINTS
from tests.e2e.mistakes_at_mcp import MCP
from tests.e2e.mistakes_in_consent import CONSENT

type Observed = Mapping[Mistake, Sequence[str]]
"""The causes that were named for each mistake."""

MISTAKES: tuple[Mistake, ...] = (*CONSENT, *ENDPOINTS, *MCP)

ELSEWHERE = {
    "blocked_address": "the registry refuses such a URL; a name that leads to a private address "
    "needs a name service of its own (tests/integration/test_blocked_names.py)",
    "metadata_disagrees": "POST /v1/servers/{server_id}/check finds it (tests/e2e/test_check.py)",
}


def confused(observed: Observed) -> list[Mistake]:
    """Return the mistakes that were not named as they are, and as nothing else."""
    return [mistake for mistake, named in observed.items() if list(named) != [mistake.cause]]


def table(observed: Observed) -> str:
    """Return what was named for the mistakes of each cause, how often: the table of confusions."""
    counted = Counter(
        (mistake.cause, name) for mistake, named in observed.items() for name in named or ["(none)"]
    )
    width = max(len(cause) for cause, _ in counted)
    causes = sorted({cause for cause, _ in counted})
    lines = [
        f"{cause:<{width}}  "
        + ", ".join(f"{name} {n}" for (of, name), n in sorted(counted.items()) if of == cause)
        for cause in causes
    ]
    last = f"{len(observed)} mistakes, {len(causes)} causes, {len(confused(observed))} confused"
    return "\n".join([*lines, last])
