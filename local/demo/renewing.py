"""Chapter three: access is renewed, and lost, and given again."""

import time

from local.demo.journey import text_of
from local.demo.stage import Stage, Step
from local.telling import expect, expect_within

_SHORT, _LONG = 8, 3600
"""Lifetimes in seconds; half of the shorter one is what a call still uses as it is."""


def a_call_refreshes_first(stage: Stage) -> str:
    """Call with a token that is about to end: one refresh, and the refresh token rotates."""
    dock = stage.journey("short-lived")
    dock.register(**dock.app.endpoints(stage.neighbours.tap.origin))
    dock.app.switch(access_token_lifetime=_SHORT)
    for user, person in (("ana", "alice"), ("ben", "bob")):
        dock.connect(user, person)
    dock.app.switch(access_token_lifetime=_LONG)
    time.sleep(_SHORT / 2 + 0.1)
    expect("alice", text_of(dock.invoke("ana")))
    expect("alice", text_of(dock.invoke("ana")))
    [refresh] = dock.app.refreshes()
    expect(("alice", "ok"), (refresh["username"], refresh["outcome"]))
    expect(True, refresh["issued"] not in {None, refresh["presented"]})
    return f"1 refresh, token {refresh['presented'][:6]}… → {refresh['issued'][:6]}…"


def the_schedule_refreshes_too(stage: Stage) -> str:
    """Turn the clock: the other user's token is renewed without a call."""
    dock = stage.journeys[-1]
    expect([], [entry for entry in dock.app.refreshes() if entry["username"] == "bob"])
    tick = stage.bound.deployment.tick()
    expect({None}, set(tick.scheduled.values()))
    [refresh] = [entry for entry in dock.app.refreshes() if entry["username"] == "bob"]
    expect("ok", refresh["outcome"])
    expect("bob", text_of(dock.invoke("ben")))
    expect(2, len(dock.app.refreshes()))
    return f"{sum(each.messages for each in tick.deliveries)} queued, 1 refresh, then none to call"


def a_dead_grant_needs_its_user(stage: Stage) -> str:
    """Withdraw the access at the service: the next call asks to reconnect, and says why."""
    stage.crm.app.revoke("alice")
    answer = stage.crm.invoke("ana").json()
    wanted = {"status": "authorization_required", "reason": "reconnect_required"}
    expect_within(wanted, answer)
    state = stage.crm.connection("ana").json()
    expect("reconnect_required", state["status"])
    expect(True, bool(answer["failure"]["message"]))
    stage.notes["connect_url"] = answer["connect_url"]
    return f"{state['reason']}: “{answer['failure']['message']}”"


def ana_reconnects(stage: Stage) -> str:
    """Go through the card's link: the same connection works again."""
    back = stage.crm.consent(stage.notes["connect_url"], "alice").query
    done = stage.crm.complete("ana", back["connect_id"], back["completion_code"]).json()
    expect_within({"status": "connected", "recovered": True, "account_changed": False}, done)
    expect("alice", text_of(stage.crm.invoke("ana")))
    return "recovered; the tool runs as alice again"


STEPS: tuple[Step, ...] = (
    ("a call renews an ending token first", a_call_refreshes_first),
    ("the schedule renews the other one", the_schedule_refreshes_too),
    ("a withdrawn grant asks to reconnect", a_dead_grant_needs_its_user),
    ("ana reconnects, and it works again", ana_reconnects),
)
