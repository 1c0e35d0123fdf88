"""The key, the index, and writes other than the refresh's own: refusing, throttled, away."""

from typing import Any

from tests.faults.failures import cut, failing, key_refused, key_throttled, throttled
from tests.faults.families import Family, Rotation
from tests.faults.history import calls, checked
from tests.faults.kind import Kind, Tally
from tests.faults.kinds.answers import minute
from tests.faults.kinds.table import NOTHING, USERS, meets
from tests.faults.misbehaviour import broken, lost
from tests.faults.proxy import CONNECTIONS, Act, Asked, Fits
from tests.faults.scenes import Run, advancing, flagging, named, of, opened, releasing
from tests.faults.stage import Stage
from tests.faults.world import LIFE


def _table_and_queue_away(stage: Stage) -> Tally:
    users = list(named("u", USERS))
    world = opened(stage, users, Rotation.STRICT)
    world.time.passes(LIFE + 1)
    worker = world.crew.healthy(1)[0]
    with (
        world.proxy.rule(advancing, before=failing),
        world.proxy.rule(of("SendMessage"), before=failing),
    ):
        told = calls(worker, users)
    assert all("token" in each for each in told), "the call itself is served"
    for user in users:
        world.grants[user][-1].losses += 1
    tally = checked(world, worker, users, runs=len(users))
    assert tally.ambiguous == len(users), tally
    return tally


def _failed_write(fits: Fits, act: Act, *, after: bool, ends: bool) -> Run:
    """The write that follows a refresh which brought nothing."""

    def run(stage: Stage) -> Tally:
        users = list(named("u", USERS))
        world = opened(stage, users, Rotation.STRICT)
        world.time.passes(LIFE + 1)
        worker = world.crew.healthy(1)[0]
        for user in users:
            world.grants[user][-1].script.append(lost() if ends else broken())
        rule: dict[str, Any] = {"after" if after else "before": act}
        with world.proxy.rule(fits, **rule):
            for _ in range(2 if ends else 1):
                calls(worker, users, seconds=20.0)
                world.time.passes(1_000)
        tally = checked(world, worker, users, runs=len(users))
        assert tally.ambiguous == (len(users) if ends else 0), tally
        return tally

    return run


def _index_throttled(stage: Stage) -> Tally:
    users = list(named("u", USERS))
    world = opened(stage, users, Rotation.STRICT)
    world.time.passes(LIFE - 100)
    worker = world.crew.healthy(1)[0]
    with world.proxy.rule(of("Query", CONNECTIONS), before=throttled):
        worker.begin("tick").exception(60)
    assert world.service.requests == 0
    minute(world, worker)
    assert {world.grants[user][-1].newest for user in users} == {1}
    return checked(world, worker, users, runs=1)


def _table_away_for_hours(stage: Stage) -> Tally:
    users = list(named("u", USERS))
    world = opened(stage, users, Rotation.STRICT)
    worker = world.crew.healthy(1)[0]
    with world.proxy.rule(lambda asked: asked.operation == "UpdateItem", before=throttled):
        for _ in range(3):
            world.time.passes(LIFE)
            told = calls(worker, users, seconds=20.0)
            assert not any("token" in each for each in told)
    assert world.service.requests == 0, "sent without a lease"
    return checked(world, worker, users, runs=1)


def _key_disabled(stage: Stage) -> Tally:
    users = list(named("u", USERS))
    world = opened(stage, users, Rotation.STRICT)
    world.time.passes(LIFE + 1)
    worker = world.crew.healthy(1)[0]
    kms, key = world.clients["kms"], world.physical["VaultKey"]
    kms.disable_key(KeyId=key)
    try:
        for _ in range(3):
            told = calls(worker, users, seconds=20.0)
            assert not any("token" in each for each in told)
            world.time.passes(LIFE)
    finally:
        kms.enable_key(KeyId=key)
    assert world.service.requests == 0, "sent without an open key"
    return checked(world, worker, users, runs=1)


def _key_away_after_the_answer(stage: Stage) -> Tally:
    users = list(named("u", USERS))
    world = opened(stage, users, Rotation.STRICT)
    world.time.passes(LIFE + 1)
    worker = world.crew.healthy(1)[0]
    for user in users:
        family = world.grants[user][-1]

        def once_sent(asked: Asked, family: Family = family) -> bool:
            return asked.operation == "Decrypt" and family.requests > 0

        with world.proxy.rule(once_sent, before=failing, required=False) as away:
            [told] = calls(worker, [user])
        assert "token" in told, told
        assert not away.met, "a key was asked for after the request"
        assert family.requests == 1
    return checked(world, worker, users, runs=len(users))


_KEY: tuple[tuple[str, str, str, Run], ...] = (
    (
        "key throttled",
        "KMS opens no data key: above its quota",
        NOTHING,
        meets(of("Decrypt"), key_throttled, requests=0),
    ),
    (
        "key refused",
        "KMS opens no data key: no policy allows it",
        NOTHING,
        meets(of("Decrypt"), key_refused, requests=0),
    ),
    (
        "key disabled for hours",
        "the key is disabled for three hours",
        NOTHING + " once it is enabled",
        _key_disabled,
    ),
    (
        "key away after the answer",
        "KMS goes away between the request and the answer of the server",
        "both data keys are open by then, none is asked for: stored and served",
        _key_away_after_the_answer,
    ),
)

_MORE: tuple[tuple[str, str, str, Run], ...] = (
    (
        "table and rescue queue away",
        "after the answer neither the table nor the rescue queue takes the set",
        "the call is served, the loss is counted; the grant is flagged once with ambiguous_refresh",
        _table_and_queue_away,
    ),
    (
        "release throttled",
        "after a failed refresh the lease cannot be given back",
        "the lease runs out, another takes it after the recovery",
        _failed_write(releasing, throttled, after=False, ends=False),
    ),
    (
        "release applied, no answer",
        "after a failed refresh the lease is given back, and no try gets an answer",
        "backed off and tried again; nobody has to reconnect",
        _failed_write(releasing, cut, after=True, ends=False),
    ),
    (
        "flag throttled",
        "that the user must reconnect cannot be written",
        "written by a later call: flagged once with ambiguous_refresh",
        _failed_write(flagging, throttled, after=False, ends=True),
    ),
    (
        "flag applied, answer broken",
        "that the user must reconnect is written, and the answer is a 500",
        "flagged once with ambiguous_refresh",
        _failed_write(flagging, failing, after=True, ends=True),
    ),
    (
        "index throttled",
        "the index of what is due answers no query",
        "nothing is queued; the next tick finds all",
        _index_throttled,
    ),
    (
        "writes throttled for hours",
        "the table takes no write for three hours",
        NOTHING + " once it takes them",
        _table_away_for_hours,
    ),
)

KINDS = tuple(Kind(name, fault, outcome, run) for name, fault, outcome, run in (*_MORE, *_KEY))
