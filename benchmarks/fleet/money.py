"""What a fleet costs in a month: what a day came to, times the prices of ``benchmarks.costs``."""

from decimal import Decimal

from benchmarks import costs
from benchmarks.costs import MILLION, Bill, Line
from benchmarks.fleet.assumptions import Effort
from benchmarks.fleet.outcome import Outcome
from benchmarks.fleet.scenarios import Fleet
from benchmarks.refresh.measured import Measured

_DAYS = costs.HOURS / 24
_DUE_MOMENT_UNITS = costs.CONNECTION_KB + costs.INDEX_UNITS


def write_units() -> Decimal:
    """Return the write units of one refresh, from the claim to the stored set."""
    [line] = [line for line in costs.refreshes().lines if line.what.startswith("write units")]
    return line.count / MILLION


def refresh_price() -> Decimal:
    """Return what one refresh costs, in dollars."""
    return costs.refreshes().dollars / MILLION


def look_price(measured: Measured) -> Decimal:
    """Return what a message costs for which nothing is sent: claimed, queued, read, put off."""
    prices = {name: Decimal(price) for name, price in costs.PRICES.items()}
    seconds = Decimal(str(round(Effort.of(measured).look_seconds, 4)))
    refused = measured.look["UpdateItem"] - 1  # the other one puts it off
    return (
        (2 * _DUE_MOMENT_UNITS + refused) * prices["DynamoDB, write unit"]
        + measured.look["GetItem"] * prices["DynamoDB, read unit"]
        + Decimal("0.5") * prices["SQS, request"]
        + prices["Lambda, request"] / costs.BATCH
        + seconds * costs.MEMORY_GB * prices["Lambda, GB-second (arm64)"]
    )


def month(fleet: Fleet, day: Outcome, measured: Measured) -> Bill:
    """Return the bill of a million connections for a month of such days."""
    kept = costs.connections().lines[:2]
    scale = _DAYS * MILLION / fleet.connections
    name = "refreshing all" if fleet.refresh_all else "the default policy"
    refreshes = Decimal(str(round(day.refreshes, 3))) * scale
    looks = Decimal(str(round(day.looks, 3))) * scale
    a_day = Decimal(str(round(day.refreshes / fleet.connections, 2)))
    return Bill(
        f"a million connections, a month, {name}",
        (
            *kept,
            Line(f"refreshes: {a_day} a day and connection", refreshes, refresh_price()),
            Line("messages for which nothing is sent", looks, look_price(measured)),
        ),
    )


def day_dollars(fleet: Fleet, day: Outcome, measured: Measured) -> Decimal:
    """Return what the refreshing of a million connections costs on this one day."""
    spent = Decimal(day.refreshes) * refresh_price() + Decimal(day.looks) * look_price(measured)
    return spent * MILLION / fleet.connections
