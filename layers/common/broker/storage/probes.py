"""Tests of a server's configuration, among the pending rows: they expire like them."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from boto3.dynamodb.conditions import Attr

from broker.model import StepReport, TestRun, TestStatus, TestStep
from broker.storage import sealed
from broker.storage.table import ConditionFailed, Item, Table, maybe_moment, moment, seconds

_GRACE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class TestStore:
    """Tests by ``test_id``. Every method may raise TemporarilyUnavailable."""

    __test__ = False  # pytest: not a test class

    table: Table

    def put(self, run: TestRun) -> None:
        """Remember a new test."""
        self.table.put(_item(run))

    def get(self, test_id: str) -> TestRun | None:
        """Read a test."""
        item, _ = self.table.get(_key(test_id))
        return _run(item) if item else None

    def claim(self, run: TestRun, now: datetime, until: datetime) -> TestRun | None:
        """Take the right to perform the next step; None: another call is performing it."""
        if run.busy_until and run.busy_until > now:
            return None
        claimed = replace(run, busy_until=until, revision=run.revision + 1)
        return claimed if self._move(run, claimed) else None

    def report(self, seen: TestRun, now_is: TestRun) -> None:
        """Write what a step showed."""
        self._move(seen, replace(now_is, busy_until=None, revision=seen.revision + 1))

    def _move(self, seen: TestRun, now_is: TestRun) -> bool:
        try:
            self.table.put(_item(now_is), Attr("revision").eq(seen.revision))
        except ConditionFailed:
            return False
        return True


def _key(test_id: str) -> Item:
    return {"id": f"test#{test_id}"}


def _item(run: TestRun) -> Item:
    return {
        **_key(run.test_id),
        "server_id": run.server_id,
        "connect_id": run.connect_id,
        "config_digest": run.config_digest,
        "status": run.status.value,
        "next_step": run.next_step.value if run.next_step else None,
        "revision": run.revision,
        "steps": [
            {"step": step.step.value, "outcome": step.outcome, "seen": step.seen}
            for step in run.steps
        ],
        "diagnoses": [dict(diagnosis) for diagnosis in run.diagnoses],
        "account_label": run.account_label,
        "tool_names": list(run.tool_names),
        "publish": run.publish,
        "busy_until": seconds(run.busy_until),
        "tokens": sealed.to_item(run.tokens),
        "trail": [dict(observed) for observed in run.trail],
        "consent_until": seconds(run.consent_until),
        "expires_at": seconds(run.expires_at),
        "ttl": seconds(run.expires_at + _GRACE),
    }


def _run(item: Item) -> TestRun:
    return TestRun(
        test_id=item["id"].removeprefix("test#"),
        server_id=item["server_id"],
        connect_id=item["connect_id"],
        config_digest=item["config_digest"],
        status=TestStatus(item["status"]),
        next_step=TestStep(item["next_step"]) if "next_step" in item else None,
        expires_at=moment(item["expires_at"]),
        revision=item["revision"],
        steps=[
            StepReport(TestStep(step["step"]), step["outcome"], step["seen"])
            for step in item["steps"]
        ],
        diagnoses=item["diagnoses"],
        account_label=item.get("account_label"),
        tool_names=item["tool_names"],
        publish=item["publish"],
        busy_until=maybe_moment(item.get("busy_until")),
        tokens=sealed.from_item(item.get("tokens")),
        trail=item.get("trail", []),
        consent_until=maybe_moment(item.get("consent_until")),
    )
