"""Kill or freeze a worker at exactly one point of what it does: each request is a point."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from tests.faults.crew import Worker
from tests.faults.families import Family, Misbehaviour
from tests.faults.misbehaviour import killed_after, killed_before, meanwhile
from tests.faults.proxy import CUT, Asked, Cut
from tests.faults.world import World

_PATIENCE = 60.0


@dataclass(frozen=True, slots=True)
class Point:
    """The n-th request (0, 1, …) of a worker, before it is processed or after."""

    number: int
    after: bool
    what: str = ""


@dataclass
class Fuse:
    """Burns down at a point of a worker that acts for one user."""

    world: World
    worker: Worker
    user: str
    point: Point
    act: Callable[[Worker], object]
    """Kills the worker, or freezes it."""
    kills: bool = True
    burnt: threading.Event = field(default_factory=threading.Event)
    _count: int = -1

    def met(self, asked: Asked) -> bool:
        """Whether it is a request of this worker."""
        return asked.worker == self.worker.name

    def before(self, _: Asked) -> Cut | None:
        """Count a request to the services."""
        self._count += 1
        return self._burn() if self._here(after=False) else None

    def after(self, _: Asked) -> Cut | None:
        """See whether this was the one."""
        return self._burn() if self._here(after=True) else None

    def token_request(self) -> Misbehaviour | None:
        """Count a request to the authorization server."""
        self._count += 1
        if self._count != self.point.number:
            return None
        if not self.kills:
            return meanwhile(self._burn)
        return killed_after(self._kill) if self.point.after else killed_before(self._kill)

    def _here(self, *, after: bool) -> bool:
        return (self._count, after) == (self.point.number, self.point.after)

    def _kill(self) -> None:
        self.act(self.worker)
        self.burnt.set()

    def _burn(self) -> Cut | None:
        """Act; what was issued and is not stored by now is lost with the worker."""
        self._kill()
        family = self.world.grants[self.user][-1]
        stands = self.world.stored(self.user)
        if stands and family.newest > stands.generation - 1:
            family.losses += 1
        return CUT if self.kills else None

    def wait(self) -> None:
        """Return when it has burnt; raise where the worker never came to the point."""
        assert self.burnt.wait(_PATIENCE), f"{self.user}: never came to {self.point}"


@contextmanager
def lit(world: World, fuses: list[Fuse]) -> Iterator[None]:
    """Let fuses burn, each at its point."""
    by_user = {fuse.user: fuse for fuse in fuses}

    def judge(family: Family) -> Misbehaviour | None:
        fuse = by_user.get(family.user)
        return fuse.token_request() if fuse and not fuse.burnt.is_set() else None

    with ExitStack() as stack:
        for fuse in fuses:
            stack.enter_context(world.proxy.rule(fuse.met, before=fuse.before, after=fuse.after))
        world.service.everybody = judge
        try:
            yield
        finally:
            world.service.everybody = None


def recorded(world: World, worker: Worker, user: str, act: Callable[[], object]) -> list[str]:
    """Return the requests of one clean run, in their order."""
    seen: list[str] = []

    def note(asked: Asked) -> None:
        seen.append(f"{asked.operation} {asked.table}".strip())

    def judge(_: Family) -> None:
        seen.append("token request")

    with world.proxy.rule(lambda asked: asked.worker == worker.name, before=note):
        world.service.everybody = judge
        act()
        world.service.everybody = None
    return seen


def points_of(requests: list[str]) -> list[Point]:
    """Return every point: each request, before it is processed and after."""
    return [
        Point(number, after, what)
        for number, what in enumerate(requests)
        for after in (False, True)
    ]
