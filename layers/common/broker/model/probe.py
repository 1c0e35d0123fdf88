"""One test of a server's OAuth configuration: what was done so far, and what it showed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from .secret import Sealed


class TestStatus(StrEnum):
    """Where a test stands."""

    __test__ = False  # pytest: not a test class

    WAITING_FOR_CONSENT = "waiting_for_consent"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class TestStep(StrEnum):
    """The steps, in order; each ``advance`` performs exactly one."""

    __test__ = False

    CONSENT = "consent"
    EXCHANGE = "exchange"
    ACCOUNT = "account"
    TOOLS = "tools"
    REFRESH = "refresh"
    REVOKE = "revoke"


@dataclass(frozen=True, slots=True)
class StepReport:
    """One step's outcome: ``ok``, ``warning`` or ``failed``, and what was seen, scrubbed."""

    step: TestStep
    outcome: str
    seen: str


@dataclass(frozen=True, slots=True)
class TestRun:
    """A test under way or ended; its tokens are sealed as ``test`` and never a connection."""

    __test__ = False

    test_id: str
    server_id: str
    connect_id: str
    config_digest: str
    status: TestStatus
    next_step: TestStep | None
    expires_at: datetime
    revision: int = 1
    steps: Sequence[StepReport] = ()
    diagnoses: Sequence[Mapping[str, object]] = ()
    account_label: str | None = None
    tool_names: Sequence[str] = ()
    busy_until: datetime | None = None
    """Set while a call performs a step, so that no other performs it too."""
    publish: bool = True
    """Whether the tools fetched become the catalogue that unconnected users are shown."""
    tokens: Sealed | None = field(default=None, repr=False)
    trail: Sequence[Mapping[str, object]] = ()
    """What was observed so far, oldest first: every request, and what the browser brought."""
    consent_until: datetime | None = None
    """When the connect link ends; None where no consent is needed."""
