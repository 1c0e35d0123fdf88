"""What a stack costs: requests counted from the code, times list prices. Prints the tables.

``python -m benchmarks.costs`` prints what docs/operations.md shows. The counts are those that
tests/integration/test_costs.py sees; the prices are assumptions, and so is how it is used: change
either here, and put what is printed into the document.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

MILLION = 1_000_000
_CENT = Decimal("0.01")

PRICES = {
    "API Gateway, request": "0.000001",
    "Lambda, request": "0.0000002",
    "Lambda, GB-second (arm64)": "0.0000133334",
    "DynamoDB, read unit": "0.000000125",
    "DynamoDB, write unit": "0.000000625",
    "DynamoDB, MB and month": "0.00025",
    "DynamoDB, MB of point-in-time recovery and month": "0.0002",
    "KMS, request": "0.000003",
    "KMS, key and month": "1",
    "SQS, request": "0.0000004",
    "EventBridge, scheduled run": "0.000001",
    "CloudWatch, MB of logs": "0.0005",
    "CloudWatch, metric and month": "0.30",
    "CloudWatch, metric of an alarm and month": "0.10",
    "CloudWatch, dashboard and month": "3",
    "Data out, GB": "0.09",
}
"""US dollars, list prices of us-east-1 in June 2025, free tiers left out."""

MEMORY_GB = Decimal("0.5")
HOURS = Decimal(730)
"""In a month, as AWS counts."""
TICKS = int(HOURS * 60)
CONNECTION_KB = 3
"""A row with an access and a refresh token of about 800 bytes each, sealed."""
INDEXED_BYTES = 500
"""Its keys in two indexes, and what DynamoDB adds to each entry."""
INDEX_UNITS = 2
"""Writes to an index whose key changes: the old entry goes, the new one comes."""

# What one run asks for, as the tests see it.
WARM_INVOKE = {"GetItem": 2}
WARM_INVOKE_LOG_BYTES = 610
REFRESH = {"GetItem": 5, "UpdateItem": 3, "Decrypt": 3}
"""Where the same ten seconds saw another of the authorization server; else one write more."""
REFRESH_LOG_BYTES = 960
CLAIM = {"UpdateItem": 1}
TICK = {"Query": 64, "GetQueueAttributes": 1}
"""While nothing is due; a long backlog takes further pages."""
TICK_LOG_BYTES = 1190
LAMBDA_LOG_BYTES = 400
"""START, END and REPORT, which Lambda writes."""
ACCESS_LOG_BYTES = 220
EVENT_BYTES = 26
"""What CloudWatch Logs adds to each line when it counts."""

# How it is used: assumptions.
INVOKE_SECONDS = Decimal("0.4")
INVOKE_OUT_KB = 8
"""To the MCP server and back to the chat."""
DECRYPTS_PER_INVOKE = Decimal("0.2")
"""A data key is held open for five minutes: a user who calls more often asks KMS once in it."""
BATCH = 5
BATCH_SECONDS = Decimal("0.6")
SCHEDULER_GB = Decimal(1769) / 1024
"""One vCPU."""
TICK_SECONDS = Decimal("0.5")
CLAIM_SECONDS = Decimal("0.004")
"""Of that vCPU, the share in the queue's batch of ten included: measured, see decision 0020."""
POLLS = 2 * 5 * 3 * int(HOURS * 60)
"""Two queues, five pollers of Lambda's each, a request every twenty seconds."""
METRICS = 40
"""Under one name and one set of dimension values, round the clock."""
ALARM_METRICS = 30
IN_USE = Decimal("0.1")
"""Share of connections used on a day, and so kept warm."""
REFRESHES_A_DAY = 27
"""Of a connection kept warm, with access tokens of an hour."""
KEEP_ALIVES_A_MONTH = Decimal("1.2")
"""Of an idle one whose refresh token dies after 28 days of idleness."""


@dataclass(frozen=True, slots=True)
class Line:
    """A number of units at a price."""

    what: str
    count: Decimal
    price: Decimal

    @property
    def dollars(self) -> Decimal:
        """Dollars, to the cent."""
        return (self.count * self.price).quantize(_CENT, ROUND_HALF_UP)


@dataclass(frozen=True, slots=True)
class Bill:
    """Lines and their sum."""

    title: str
    lines: tuple[Line, ...]

    @property
    def dollars(self) -> Decimal:
        """The sum of what the lines show."""
        return sum((line.dollars for line in self.lines), Decimal(0))

    def rows(self) -> Iterator[str]:
        """Yield the table."""
        yield f"| {self.title} | units | $ a unit | $ |"
        yield "|---|---:|---:|---:|"
        for line in self.lines:
            price = f"{line.price.normalize():f}"
            yield f"| {line.what} | {line.count:,.0f} | {price} | {line.dollars:,.2f} |"
        yield f"| together | | | **{self.dollars:,.2f}** |"


def _line(what: str, count: Decimal | int, unit: str) -> Line:
    return Line(what, Decimal(count), Decimal(PRICES[unit]))


def _logs(runs: int, bytes_each: int) -> Line:
    megabytes = Decimal(runs * bytes_each) / MILLION
    return _line(f"MB of logs: {bytes_each:,} bytes each", megabytes, "CloudWatch, MB of logs")


def _update_units(*, index: bool) -> int:
    return CONNECTION_KB + (INDEX_UNITS if index else 0)


def invokes(number: int = MILLION) -> Bill:
    """Invokes of connected users, on warm functions, with a token that need not be refreshed."""
    logged = WARM_INVOKE_LOG_BYTES + LAMBDA_LOG_BYTES + ACCESS_LOG_BYTES + 6 * EVENT_BYTES
    return Bill(
        "a million invokes",
        (
            _line("requests at the gateway", number, "API Gateway, request"),
            _line("runs of `mcp_invoke`", number, "Lambda, request"),
            _line(
                f"GB-seconds: {MEMORY_GB} GB, {INVOKE_SECONDS} s each",
                number * MEMORY_GB * INVOKE_SECONDS,
                "Lambda, GB-second (arm64)",
            ),
            _line(
                "read units: the server, the connection",
                number * WARM_INVOKE["GetItem"],
                "DynamoDB, read unit",
            ),
            _line(
                f"data keys opened: {DECRYPTS_PER_INVOKE} each",
                number * DECRYPTS_PER_INVOKE,
                "KMS, request",
            ),
            _logs(number, logged),
            _line(
                f"GB out: {INVOKE_OUT_KB} KB each",
                Decimal(number * INVOKE_OUT_KB) / MILLION,
                "Data out, GB",
            ),
        ),
    )


def refreshes(number: int = MILLION) -> Bill:
    """Refreshes ahead of time, from the claim to the stored set."""
    runs = Decimal(number) / BATCH
    pace = 1
    writes = 2 * _update_units(index=True) + _update_units(index=False) + pace
    logged = REFRESH_LOG_BYTES + 3 * EVENT_BYTES + (LAMBDA_LOG_BYTES + 3 * EVENT_BYTES) // BATCH
    return Bill(
        "a million refreshes",
        (
            _line("read units", number * REFRESH["GetItem"], "DynamoDB, read unit"),
            _line(
                "write units: claim, lease, next set, pace", number * writes, "DynamoDB, write unit"
            ),
            _line("data keys opened", number * REFRESH["Decrypt"], "KMS, request"),
            _line(
                "requests to the queue: sent by ten, taken and deleted by five",
                Decimal(number) / 10 + 2 * runs,
                "SQS, request",
            ),
            _line(f"runs of `refresh_worker`: {BATCH} at once", runs, "Lambda, request"),
            _line(
                f"GB-seconds: {MEMORY_GB} GB, {BATCH_SECONDS} s a run",
                runs * MEMORY_GB * BATCH_SECONDS,
                "Lambda, GB-second (arm64)",
            ),
            _line(
                f"GB-seconds: {SCHEDULER_GB:.2f} GB, {CLAIM_SECONDS} s a claim",
                number * SCHEDULER_GB * CLAIM_SECONDS,
                "Lambda, GB-second (arm64)",
            ),
            _logs(number, logged),
        ),
    )


def connections(number: int = MILLION) -> Bill:
    """A month of connections: kept, and refreshed."""
    refresh = refreshes().dollars / MILLION
    kept = Decimal(number * (CONNECTION_KB * 1000 + INDEXED_BYTES)) / MILLION
    warm = number * IN_USE * REFRESHES_A_DAY * HOURS / 24
    idle = number * (1 - IN_USE) * KEEP_ALIVES_A_MONTH
    each = f"{CONNECTION_KB} KB each, and {INDEXED_BYTES} bytes of keys in indexes"
    recovered = "DynamoDB, MB of point-in-time recovery and month"
    return Bill(
        "a million connections, a month",
        (
            _line(f"MB kept: {each}", kept, "DynamoDB, MB and month"),
            _line("MB kept for recovery", kept, recovered),
            Line(f"refreshes of the {IN_USE:.0%} in use: {REFRESHES_A_DAY} a day", warm, refresh),
            Line(f"refreshes of the idle: {KEEP_ALIVES_A_MONTH} a month", idle, refresh),
        ),
    )


def standing() -> Bill:
    """A month of a stack that nobody uses."""
    reads = TICKS * TICK["Query"] // 2
    return Bill(
        "a stack, a month",
        (
            _line("keys", 1, "KMS, key and month"),
            _line("ticks", TICKS, "EventBridge, scheduled run"),
            _line("runs of `refresh_scheduler`", TICKS, "Lambda, request"),
            _line(
                f"GB-seconds: {SCHEDULER_GB:.2f} GB, {TICK_SECONDS} s a tick",
                TICKS * SCHEDULER_GB * TICK_SECONDS,
                "Lambda, GB-second (arm64)",
            ),
            _line("read units: half of one for each of 64 queries", reads, "DynamoDB, read unit"),
            _line("requests to the queues, mostly Lambda's polling", POLLS + TICKS, "SQS, request"),
            _logs(TICKS, TICK_LOG_BYTES + LAMBDA_LOG_BYTES + 7 * EVENT_BYTES),
            _line("metrics, as if all came all month", METRICS, "CloudWatch, metric and month"),
            _line("metrics in alarms", ALARM_METRICS, "CloudWatch, metric of an alarm and month"),
            _line("dashboards", 1, "CloudWatch, dashboard and month"),
        ),
    )


def bills() -> tuple[Bill, ...]:
    """Return every table, in the document's order."""
    return invokes(), refreshes(), connections(), standing()


def ratio() -> Decimal:
    """Return how much dearer a connection kept warm is than an idle one."""
    return REFRESHES_A_DAY * HOURS / 24 / KEEP_ALIVES_A_MONTH


def text(tables: Iterable[Bill] = ()) -> str:
    """Return the tables as the document shows them."""
    return "\n\n".join("\n".join(bill.rows()) for bill in tables or bills())


if __name__ == "__main__":
    print(text())
    print(f"\nA connection in use is refreshed {ratio():.0f} times as often as an idle one.")
