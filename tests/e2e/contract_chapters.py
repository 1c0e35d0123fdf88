"""A walk through the product that brings about every answer that it can be brought to give.

Each chapter asks for something, refusals included; the recorder listens. What must be so for the
next step to make sense is asserted, the rest is judged afterwards.
"""

import json
import secrets
import time

from local.demo.journey import Journey
from local.loopback import Reply, Request
from local.visitor import forms
from tests.e2e.contract_discovery import (
    check_without_a_browser,
    discover_servers,
    leave_the_style_to_the_broker,
    pick_a_service,
    sign_instead_of_having_a_secret,
)
from tests.e2e.contract_doors import TOO_LARGE, be_refused_at_the_door
from tests.e2e.contract_mcp import let_mcp_clients_in
from tests.e2e.contract_walk import LOOPBACK, Walk, complete
from tests.e2e.stranger import as_json

NUMBERS = {"first": 1, "second": 2}


def register_servers(walk: Walk) -> None:
    """Register one, in every accepted and in some refused ways."""
    builder, crm = walk.bound.builder, walk.blank()
    crm.put(name="CRM", mcp_url=crm.tenant.url, auth_type="consumer_oauth")
    crm.put(**crm.configuration(client_secret=...)).raise_for_status()
    crm.invoke("jo")  # 424: something is missing
    crm.tools("jo")
    crm.start_test()
    crm.callers.chat.post(f"/v1/connections/{crm.server_id}/connect", json={"user_id": "jo"})
    seen = {"If-Match": crm.get().headers["etag"]}
    crm.put_under(seen, **crm.configuration())
    assert crm.put_under(seen, **crm.configuration()).status_code == 412
    moved = {"token_endpoint": "https://elsewhere.example.com/", "client_secret": ...}
    assert crm.put(**crm.configuration(**moved)).status_code == 422
    assert crm.put(**crm.configuration(mcp_url="https://169.254.169.254/")).status_code == 422
    further = {
        "scope_separator": ",",
        "extra_authorize_params": {"prompt": "consent"},
        "default_expires_in": 3600,
        "refresh_idle_days": 30,
        "reuse_grace_seconds": 60,
        "account_field": "team.name",
        "resource": "https://crm.example.com/",
    }
    assert crm.put(**crm.configuration(**further)).is_success
    crm.get()
    builder.delete(f"/v1/servers/{crm.server_id}", headers={"If-Match": '"1"'})
    assert crm.delete(disconnect="false").status_code == 204
    builder.get("/v1/servers", params={"cursor": "Y3Jt"})


def try_a_configuration(walk: Walk) -> None:
    """Test one that works, to the end."""
    crm = walk.journey()
    started = crm.start_test(return_url=LOOPBACK, publish_tools=True)
    test_id = started.json()["test_id"]
    crm.advance(test_id)  # 400: the completion code is missing
    crm.advance(test_id, completion_code="not.it")  # 403
    report = crm.advance(test_id, **_code(walk.tested(started))).json()
    while report["next_step"]:
        report = crm.advance(test_id).json()
    assert report["status"] == "succeeded", report
    _read_test(walk, crm, test_id)
    crm.advance(test_id, revoke=True)
    assert crm.tools("nobody").json()["source"] == "catalogue"
    with walk.recorder.visitor() as visitor:  # the code is shown, to be copied
        link = crm.callers.builder.post(f"/v1/servers/{crm.server_id}/test").json()["connect_url"]
        assert "<code>" in visitor.go(link).page.text
    crm.delete()
    assert crm.advance(test_id, revoke=True).status_code == 404


def try_what_does_not_work(walk: Walk) -> None:
    """Test what is changed meanwhile, refused, or in no need of a consent."""
    crm = walk.journey()
    started = crm.start_test(return_url=LOOPBACK)
    back = walk.tested(started)
    crm.put(**crm.configuration(resource=crm.tenant.url))
    moved = crm.advance(started.json()["test_id"], **_code(back))
    assert moved.json()["error"] == "server_changed"
    crm.put(**crm.configuration(client_secret="not-the-secret-of-this-app"))
    started = crm.start_test(return_url=LOOPBACK)
    failed = crm.advance(started.json()["test_id"], **_code(walk.tested(started)))
    assert failed.json()["diagnoses"], failed.text
    crm.put(**crm.configuration())
    crm.app.switch(deny=True)
    started = crm.start_test(return_url=LOOPBACK)
    walk.tested(started)
    _read_test(walk, crm, started.json()["test_id"])
    crm.app.register("https://elsewhere.example.com/callback")
    assert crm.start_test().json()["diagnoses"]  # the login page says so at once
    tides = walk.open_server()
    tides.advance(tides.start_test().json()["test_id"])


def _code(back: dict[str, str]) -> dict[str, str]:
    return {"completion_code": back["completion_code"]}


def _read_test(walk: Walk, journey: Journey, test_id: str) -> None:
    walk.bound.builder.get(f"/v1/servers/{journey.server_id}/test/{test_id}")


def connect_and_call(walk: Walk) -> None:
    """Connect a user, and call tools of every kind."""
    crm = walk.journey()
    crm.tools("jo")  # none is known yet
    crm.invoke("jo", locale="de-AT", client_state="tab-7", user_label="Jo", return_url=None)
    walk.connect(crm, "jo", client_state="tab-7")
    crm.invoke("jo", "list_contacts")
    crm.invoke("jo", "fail")
    crm.tools("jo")
    crm.connection("jo")
    crm.callers.chat.get("/v1/connections", params={"user_id": "jo"})
    walk.bound.builder.get(f"/v1/servers/{crm.server_id}/connections")
    question = {"arguments": {"question": "Sure?"}}
    asked = crm.invoke("jo", "confirm", **question).json()
    assert asked["status"] == "input_required", asked
    said = {"action": "accept", "content": {"sure": True}}
    answered = {
        "input_responses": dict.fromkeys(asked["input_requests"], said),
        "request_state": asked["request_state"],
    }
    assert crm.invoke("jo", "confirm", **question, **answered).json()["status"] == "completed"
    more = crm.invoke("jo", "delete_contact", arguments={"name": "Ada Ferry"}).json()
    assert more["reason"] == "additional_scope", more


def be_refused_a_consent(walk: Walk) -> None:
    """Come back in every way that leads to no connection."""
    crm = walk.journey()
    assert complete(crm, "mallory", walk.come_back(crm, "jo")).status_code == 403
    back = walk.come_back(crm, "jo")
    crm.put(**crm.configuration(resource=crm.tenant.url))
    assert complete(crm, "jo", back).status_code == 409
    crm.put(**crm.configuration())
    denied = walk.recorder.consent(crm.link("jo")["connect_url"], decision="deny")
    assert denied.query["error"] == "access_denied"
    crm.app.switch(token_endpoint_mode="nonsense")
    assert complete(crm, "jo", walk.come_back(crm, "jo")).status_code == 502
    crm.app.switch(token_endpoint_mode="normal")
    crm.put(**crm.configuration(client_secret="not-the-secret-of-this-app"))
    assert complete(crm, "jo", walk.come_back(crm, "jo")).status_code == 424


def arrive_with_nothing(walk: Walk) -> None:
    """Open the browser's routes with what nobody gave out."""
    origin = walk.bound.deployment.url
    with walk.recorder.visitor() as visitor:
        for path in ("/authorize", "/authorize?ticket=unknown", "/callback/crm", "/callback/UPPER"):
            assert visitor.open(origin + path).status_code == 400
        assert visitor.open(f"{origin}/callback/crm?state=a&state=b").status_code == 400
        assert visitor.open(f"{origin}/callback/a%2Fb?state=a").status_code == 404
        form = {"ticket": "unknown", "csrf": "unknown"}
        assert visitor.http.post(f"{origin}/authorize", data=form).status_code == 400
        form["csrf"] = TOO_LARGE
        assert visitor.http.post(f"{origin}/authorize", data=form).status_code == 413


def be_refused_a_call(walk: Walk) -> None:
    """Call servers that answer badly, or not."""
    crm = walk.journey()
    walk.connect(crm, "jo")
    for mood in ("500", "429", "html", "nonsense"):
        crm.tenant.switch(mood=mood, mood_count=1)
        assert crm.invoke("jo").is_error
    crm.tenant.switch(mood="500", mood_count=1)
    crm.tools("jo")
    assert crm.invoke("jo", "big", arguments={"size": 5_000_000}).status_code == 502
    picky = walk.journey(mcp_url=walk.stranger.answers(_invalid_params))
    walk.connect(picky, "jo")
    assert picky.invoke("jo").status_code == 422
    tides = walk.open_server()
    tides.invoke("jo", "add_numbers", arguments=NUMBERS)
    tides.tools("jo")
    for mood in ("500", "429"):
        silent = walk.open_server()
        silent.tenant.switch(mood=mood)
        assert silent.tools("jo").is_error
    endless = walk.blank()
    endless.put(name="Tides", mcp_url=walk.stranger.answers(_endless), auth_type="none")
    assert endless.tools("jo").status_code == 502
    slow = walk.blank(walk.hurried, walk.neighbours.open_mcp_server)
    slow.put(name="Tides", mcp_url=slow.tenant.url, auth_type="none")
    slow.tenant.switch(mood="hang")
    assert [slow.invoke("jo").status_code, slow.tools("jo").status_code] == [504, 504]


def _invalid_params(request: Request) -> Reply:
    error = {"code": -32602, "message": "no such argument"}
    return as_json({"jsonrpc": "2.0", "id": json.loads(request.body)["id"], "error": error})


def _endless(_: Request) -> Reply:
    return as_json({"tools": ["x" * 4_500_000]})


_OVER = 2.1
"""Seconds after which a token of one second is over by the table's clock, which shows no parts."""


def lose_the_access(walk: Walk) -> None:
    """Let a refresh fail for a while, and for good."""
    crm = walk.journey()
    crm.app.switch(access_token_lifetime=1)
    walk.connect(crm, "jo")
    time.sleep(_OVER)
    crm.app.switch(token_endpoint_mode="500")  # as often as it is asked
    failed_for_now = crm.invoke("jo")
    assert failed_for_now.status_code == 503, failed_for_now.text
    crm = walk.journey()
    crm.app.switch(access_token_lifetime=1)
    walk.connect(crm, "jo")
    time.sleep(_OVER)
    crm.app.revoke("alice")
    assert crm.invoke("jo").json()["reason"] == "reconnect_required"
    crm.connection("jo")
    walk.connect(crm, "jo")


def disconnect(walk: Walk) -> None:
    """End connections one by one, by user, and by server."""
    crm = walk.journey()
    leaving = f"ana-{secrets.token_hex(4)}"  # erased everywhere
    for user in ("jo", leaving, "ben"):
        walk.connect(crm, user)
    assert crm.delete().status_code == 409
    assert [crm.disconnect("jo").status_code, crm.disconnect("jo").status_code] == [200, 404]
    crm.connection("jo")
    crm.callers.chat.delete("/v1/connections", params={"user_id": leaving})
    assert crm.delete(disconnect="true").status_code == 202
    walk.bound.builder.get(f"/v1/servers/{crm.server_id}/connections")  # ben's is `removing`


def opt_out_of_session_binding(walk: Walk) -> None:
    """Connect where the broker itself shows a page, and no page of the chat's is returned to."""
    link = walk.journey(walk.unbound).link("jo", user_label="Jo", locale="de")
    with walk.recorder.visitor() as visitor:
        [form] = forms(visitor.open(link["connect_url"]))
        refused = visitor.http.post(form.action, data={**form.values, "csrf": "no"})
        assert refused.status_code == 400
        assert visitor.go(link["connect_url"]).page.is_success


CHAPTERS = (
    register_servers,
    pick_a_service,
    leave_the_style_to_the_broker,
    discover_servers,
    sign_instead_of_having_a_secret,
    check_without_a_browser,
    try_a_configuration,
    try_what_does_not_work,
    connect_and_call,
    be_refused_a_consent,
    arrive_with_nothing,
    be_refused_a_call,
    lose_the_access,
    disconnect,
    opt_out_of_session_binding,
    be_refused_at_the_door,
    let_mcp_clients_in,
)
