"""A day of the fleet: the schedule, the queue with its workers, and the users' calls."""

import math
from dataclasses import dataclass, field

from benchmarks.fleet.assumptions import (
    CALLED_FROM,
    CALLED_UNTIL,
    CALLS_AN_HOUR,
    DAY,
    GROUPS,
    KEEP_ALIVES_A_MONTH,
    STEP,
    TICK,
    Effort,
    Stack,
)
from benchmarks.fleet.due_index import EXPIRED, NEVER
from benchmarks.fleet.fairness import shares
from benchmarks.fleet.outcome import Outcome
from benchmarks.fleet.queue import DONE, Batch, Load, Workers
from benchmarks.fleet.rules import Rules, rules_with
from benchmarks.fleet.scenarios import Fleet, Scenario
from benchmarks.fleet.service import Service

_MONTH = 365 / 12 * DAY


@dataclass(slots=True)
class Simulation:
    """One run; ``run`` it once."""

    fleet: Fleet
    scenario: Scenario
    effort: Effort
    stack: Stack = field(default_factory=Stack)
    told: Outcome = field(default_factory=Outcome)
    rules: Rules = field(init=False)
    services: list[Service] = field(init=False)
    workers: Workers = field(init=False)

    def __post_init__(self) -> None:
        self.rules = rules_with(self.stack)
        self.workers = Workers(self.stack, self.effort, self.told)
        self.services = []
        for place, group in enumerate(GROUPS):
            told = self.told.others if place else self.told.failing
            service = Service(group, self.rules, told)
            active = self.fleet.active * group.share
            (service.at_once if self.scenario.everything_due else service.settled)(active)
            self.services.append(service)

    def run(self, steps: int = DAY) -> Outcome:
        """Let a day pass."""
        for now in range(steps):
            if now % TICK == 0:
                self._keep_alive(now)
                self._pass_time(now)
                self._tick(now)
            self.workers.work(now, self.services)
            expired = sum(service.expired for service in self.services)
            self.told.expired_steps += expired
            if expired > 0.5:
                self.told.recovered = now + 1
        return self.told

    def _keep_alive(self, now: int) -> None:
        for service in self.services:
            idle = self.fleet.idle * service.group.share
            service.fresh.add(now, NEVER, idle * KEEP_ALIVES_A_MONTH * TICK / _MONTH)

    # --------------------------------------------------------------------- the users' calls

    def _pass_time(self, now: int) -> None:
        """Once a minute: let tokens run out, and let calls refresh what they find near its end."""
        by_day = CALLED_FROM <= now * STEP / 3600 % 24 < CALLED_UNTIL
        calls = self.fleet.called * CALLS_AN_HOUR * TICK * STEP / 3600
        called = 1 - math.exp(-calls) if by_day else 0.0
        self.services[0].away = now in self.scenario.away
        for service in self.services:
            share = 0.0 if service.away else called
            self._call(now, service, EXPIRED, service.late.thin(share))
            for cohort in list(service.near(now + self.rules.buffer, now)):
                expiry = service.run_out(cohort.expiry, now, cohort.number)
                service.put_back(cohort.due, expiry, cohort.number * (1 - share))
                self._call(now, service, expiry, cohort.number * share)
        for batch in self.workers.queue:
            for load in batch.loads:
                self._pass_time_in_queue(now, load, 0.0 if load.service.away else called)

    def _pass_time_in_queue(self, now: int, load: Load, called: float) -> None:
        until = now + self.rules.buffer
        for expiry in [e for e in load.waiting if e != DONE and e <= until]:
            number = load.waiting.pop(expiry)
            stands = load.service.run_out(expiry, now, number)
            load.add(stands, number * (1 - called))
            load.add(DONE, number * called)
            self._call(now, load.service, stands, number * called)

    def _call(self, now: int, service: Service, expiry: int, number: float) -> None:
        if number <= 0:
            return
        service.refreshed(now, expiry, number, by_call=True)
        self.told.refreshes += number * service.group.servers
        self.told.moved(now, number * service.group.servers)

    # -------------------------------------------------------------------------- the schedule

    def _tick(self, now: int) -> None:
        room = self.stack.room(self.workers.waiting())
        room = min(room, self.stack.schedulers * self.effort.claims_a_tick)
        demands = [(service.group.servers, service.overdue(now)) for service in self.services]
        loads = [Load(service) for service in self.services]
        for load, given in zip(loads, shares(demands, room), strict=True):
            self.told.longest_due = max(self.told.longest_due, load.service.oldest(now))
            for cohort in load.service.claim(now, given):
                load.add(cohort.expiry, cohort.number)
        batch = Batch(now, loads)
        self.workers.queue.append(batch)
        self.told.moved(now, batch.whole)
        due = sum(servers * demand for servers, demand in demands)
        self.told.most_due = max(self.told.most_due, due - batch.whole)
