"""Chapter four: users say no, leave, and are forgotten; and nothing secret was left lying."""

from local.demo.journey import Journey, text_of
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


def the_builder_looks_around(stage: Stage) -> str:
    """List the servers, read one, see who is connected to it, and look for a service."""
    builder, old = stage.bound.builder, _named(stage, "old-era")
    listed = builder.get("/v1/servers").raise_for_status().json()["servers"]
    expect(True, old.server_id in {server["server_id"] for server in listed})
    expect("Harbor CRM", old.get().raise_for_status().json()["name"])
    old.connect("eve", "bob")
    path = f"/v1/servers/{old.server_id}/connections"
    users = [one["user_id"] for one in builder.get(path).json()["connections"]]
    expect(["eve"], users)
    presets = builder.get("/v1/presets").raise_for_status().json()["presets"]
    one = builder.get(f"/v1/presets/{presets[0]['preset_id']}").raise_for_status().json()
    expect(presets[0]["name"], one["name"])
    known = f"{len(presets)} services are known"
    seen = f"{', '.join(users)} is connected to {old.server_id}; {known}; {_documents(stage, old)}"
    return f"{len(listed)} servers; {seen}"


def _documents(stage: Stage, server: Journey) -> str:
    """Read what authorization servers read: our client's description, and its public keys.

    A stack without a signing key has none of the latter.
    """
    with stage.bound.deployment.browser() as browser:
        described = browser.get(f"/oauth/client-metadata/{server.server_id}.json")
        answer = browser.get(f"/oauth/jwks/{server.server_id}.json")
    redirect_uris = described.raise_for_status().json()["redirect_uris"]
    expect([server.get().json()["redirect_uri"]], redirect_uris)
    expect(True, answer.status_code in {200, 404})
    keys = answer.json().get("keys", [])
    return f"{len(keys)} public key" + ("" if len(keys) == 1 else "s")


def a_server_goes_with_its_connections(stage: Stage) -> str:
    """Delete a server that somebody is connected to: the worker disconnects them first."""
    old = _named(stage, "old-era")
    refused = old.delete()
    expect((409, "server_in_use"), (refused.status_code, refused.json()["error"]))
    expect(202, old.delete(disconnect="true").status_code)
    stage.bound.deployment.tick()
    expect(204, old.delete(disconnect="true").status_code)
    expect(404, old.get().status_code)
    expect([], [grant for grant in old.app.grants() if grant["alive"]])
    return "409, then 202; a tick later 204, and its grants revoked at the service"


def _named(stage: Stage, server_id: str) -> Journey:
    [found] = [journey for journey in stage.journeys if journey.server_id == server_id]
    return found


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


def every_route_was_called(stage: Stage) -> str:
    """Compare the template's routes with those that were called on the way."""
    deployments = (stage.bound.deployment, stage.unbound.deployment)
    called = {route for each in deployments for route in each.routes_called()}
    routes = stage.bound.deployment.routes()
    expect(set(), routes - called)
    return f"{len(routes)} of {len(routes)}"


def nobody_asked_for_more(stage: Stage) -> str:
    """See that no function asked AWS for what its policy does not allow."""
    guard = stage.stack.guard
    expect([], [f"{one.function}: {one.ask}" for one in guard.refusals])
    return f"{len(guard.judged)} requests of {len(_asking(stage))} functions judged, none refused"


def _asking(stage: Stage) -> set[str]:
    return {one.function for one in stage.stack.guard.judged}


STEPS: tuple[Step, ...] = (
    ("a declined consent comes back as an error", a_declined_consent_comes_back),
    ("ben disconnects", ben_disconnects),
    ("ana is erased", ana_is_erased),
    ("SessionBinding=none asks on its own page", the_opt_out_asks_on_a_page),
    ("the builder looks around", the_builder_looks_around),
    ("a server goes with its connections", a_server_goes_with_its_connections),
    ("every route of the template was called", every_route_was_called),
    ("no function asked for more than it may", nobody_asked_for_more),
    ("no secret in any table, queue or log", nothing_secret_is_lying_about),
)
