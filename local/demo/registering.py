"""Chapter one: the builder registers a server and tests it."""

from local.demo.journey import Journey, text_of
from local.demo.service import SCOPES
from local.demo.stage import Stage, Step
from local.telling import expect, expect_within
from local.visitor import Visitor

_LOOPBACK = "http://127.0.0.1:1/tested"
"""Where a test returns to: a page of the builder's own command line."""


def three_fields_are_enough_to_start(stage: Stage) -> str:
    """Register name, URL and auth type alone."""
    crm = stage.crm
    answer = crm.put(name="Harbor CRM", mcp_url=crm.tenant.url, auth_type="consumer_oauth")
    expect(201, answer.status_code)
    body = answer.json()
    needed = ["client_id", "client_secret", "authorization_endpoint", "token_endpoint"]
    expect_within({"redirect_uri": crm.redirect_uri, "missing": needed}, body)
    return f"redirect URI {body['redirect_uri']}; {len(needed)} fields missing"


def the_url_alone_is_enough(stage: Stage) -> str:
    """Let the server say the rest when it is first called; have its builder take that over."""
    found = stage.journey("url-alone")
    found.put(name="Url Alone", mcp_url=found.tenant.url, auth_type="consumer_oauth")
    expect("authorization_required", found.invoke("ulla").json()["status"])
    about = found.get().json()["discovered"]
    expect(([], True), (about["problems"], about["ready"]))
    expect(True, about["client_id"].startswith("registered-"))
    found.connect("ulla")
    expect("alice", text_of(found.invoke("ulla")))
    proposed = found.discover().raise_for_status().json()["server"]
    expect([], found.put(**proposed).raise_for_status().json()["missing"])
    expect("alice", text_of(found.invoke("ulla")))
    return "discovered, a client registered; ulla connects, the tool runs as alice"


def incomplete_servers_are_not_called(stage: Stage) -> str:
    """Invoke one of which its builder has said too little."""
    half = stage.journey("half-configured")
    half.put(**half.configuration(token_endpoint=..., client_secret=...))
    answer = half.invoke("ana")
    expect((424, "server_misconfigured"), (answer.status_code, answer.json()["error"]))
    expect(["client_secret", "token_endpoint"], answer.json()["missing"])
    return f"424 {answer.json()['error']}: {', '.join(answer.json()['missing'])}"


def the_rest_makes_it_complete(stage: Stage) -> str:
    """Add credentials and endpoints; the secret does not come back."""
    answer = stage.crm.register(**stage.tapped)
    expect_within({"missing": [], "has_client_secret": True}, answer.json())
    expect(False, stage.crm.app.client_secret in answer.text)
    return "nothing missing; has_client_secret, and no secret in the answer"


def the_configuration_is_tested(stage: Stage) -> str:
    """Test with the builder's own browser, one step a call; publish the tools."""
    test_id, code = _consented_test(stage, stage.crm)
    report = stage.crm.advance(test_id, completion_code=code).json()
    while report["next_step"]:
        report = stage.crm.advance(test_id).json()
    expect("succeeded", report["status"])
    steps = [step["step"] for step in report["steps"]]
    expect(["consent", "exchange", "account", "tools", "refresh"], steps)
    stage.crm.advance(test_id, revoke=True).raise_for_status()
    expect("succeeded", stage.crm.report(test_id).json()["status"])
    listed = stage.crm.tools("nobody-yet").json()
    expect(("catalogue", report["tools"]), (listed["source"], _names(listed)))
    return f"{', '.join(steps)} as {report['account']}; {len(report['tools'])} tools published"


def a_wrong_secret_is_diagnosed(stage: Stage) -> str:
    """Test a server whose secret is not the app's."""
    wrong = stage.journey("wrong-secret")
    wrong.register()
    wrong.put(**wrong.configuration(client_secret="not-the-secret-of-this-app"))
    test_id, code = _consented_test(stage, wrong)
    report = wrong.advance(test_id, completion_code=code).json()
    expect("failed", report["status"])
    [diagnosis] = report["diagnoses"]
    expect("client_secret_wrong", diagnosis["cause"])
    expect(["client_authentication"], [name for name, bad in _checked(wrong).items() if bad])
    return f"{diagnosis['cause']} ({diagnosis['certainty']}): {diagnosis['summary']}"


def _checked(journey: Journey) -> dict[str, bool]:
    """Check a server without a browser; return each name, and whether it cannot work so."""
    checks = journey.check().raise_for_status().json()["checks"]
    return {one["name"]: one["outcome"] == "failed" for one in checks}


def _consented_test(stage: Stage, journey: Journey) -> tuple[str, str]:
    started = journey.start_test(return_url=_LOOPBACK).raise_for_status().json()
    with Visitor(visited=stage.bound.visited) as builder:
        back = builder.go(started["connect_url"], until=_LOOPBACK)
    return started["test_id"], back.query["completion_code"]


def _names(listed: dict[str, list[dict[str, str]]]) -> list[str]:
    return [tool["name"] for tool in listed["tools"]]


STEPS: tuple[Step, ...] = (
    ("a server is registered with three fields", three_fields_are_enough_to_start),
    ("half configured, one is not called", incomplete_servers_are_not_called),
    ("of another, the URL alone is enough", the_url_alone_is_enough),
    (f"client, endpoints and {len(SCOPES)} scopes complete it", the_rest_makes_it_complete),
    ("the builder tests the configuration", the_configuration_is_tested),
    ("a wrong secret ends in a diagnosis", a_wrong_secret_is_diagnosed),
)
