"""Chapter four: users say no, leave, and are forgotten; and nothing secret was left lying."""

from local.demo.journey import text_of
from local.demo.stage import Stage, Step
from local.demo.sweep import secrets_in, sweep
from local.telling import NotHeldError, expect, expect_within
from local.visitor import Visitor


def a_declined_consent_comes_back(stage: Stage) -> str:
    """Decline at the service."""
    link = stage.crm.link("carla", client_state="message-9")
    back = stage.crm.consent(link["connect_url"], "bob", "deny").query
    wanted = {"error": "access_denied", "connect_id": link["connect_id"]}
    expect_within(wanted | {"client_state": "message-9"}, dict(back))
    expect(404, stage.crm.connection("carla").status_code)
    return f"error={back['error']}, and nothing connected"


def ben_disconnects(stage: Stage) -> str:
    """Disconnect: revoked at the service, and the next call asks to connect."""
    answer = stage.crm.disconnect("ben").json()
    expect({"status": "disconnected", "revocation": "confirmed"}, answer)
    alive = [grant for grant in stage.crm.app.grants() if grant["alive"]]
    expect([], [grant for grant in alive if grant["username"] == "bob"])
    expect("not_connected", stage.crm.invoke("ben").json()["reason"])
    return "revocation confirmed by the service; the next call asks to connect"


def ana_is_erased(stage: Stage) -> str:
    """Erase a user everywhere."""
    chat, query = stage.bound.chat, {"user_id": "ana"}
    before = chat.get("/v1/connections", params=query).json()["connections"]
    erased = chat.delete("/v1/connections", params=query).json()
    expect_within({"status": "erased", "remaining": 0}, erased)
    expect({one["server"]["id"] for one in before}, set(erased["revocations"]))
    expect({"confirmed"}, set(erased["revocations"].values()))
    expect([], chat.get("/v1/connections", params=query).json()["connections"])
    return f"{len(before)} connections revoked and erased"


def the_opt_out_asks_on_a_page(stage: Stage) -> str:
    """Connect where SessionBinding is none: our page, a POST, and our closing page."""
    open_door = stage.journey("opt-out", unbound=True)
    open_door.register()
    link = open_door.link("dora", user_label="Dora Diver")
    with Visitor("alice", visited=stage.bound.visited) as dora:
        first = dora.open(link["connect_url"])
        expect((200, True), (first.status_code, "Dora Diver" in first.text))
        last = dora.go(link["connect_url"])
    expect((200, True), (last.page.status_code, "Connected" in last.page.text))
    expect("alice", text_of(open_door.invoke("dora", user_label="Dora Diver")))
    return "a page names Dora Diver; POST, login, “Connected”; the tool runs as alice"


def nothing_secret_is_lying_about(stage: Stage) -> str:
    """Sweep tables, queues and logs for every secret of this run."""
    configured = {journey.app.client_secret for journey in stage.journeys}
    secrets = configured | stage.neighbours.tap.heard | secrets_in(stage.bound.visited)
    swept = sweep(secrets | {stage.neighbours.shared_key}, stage.stack.aws, stage.stack.logs)
    if swept.found:
        raise NotHeldError("no secret anywhere", f"one in {', '.join(swept.found)}")
    return f"{len(secrets)} secrets looked for in {swept.places} rows, messages and log files"


STEPS: tuple[Step, ...] = (
    ("a declined consent comes back as an error", a_declined_consent_comes_back),
    ("ben disconnects", ben_disconnects),
    ("ana is erased", ana_is_erased),
    ("SessionBinding=none asks on its own page", the_opt_out_asks_on_a_page),
    ("no secret in any table, queue or log", nothing_secret_is_lying_about),
)
