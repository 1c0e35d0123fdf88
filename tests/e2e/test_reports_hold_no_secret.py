"""A report can be pasted into a support ticket: strangers who echo what they get are not quoted."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

import pytest

from local.demo.journey import Journey
from local.loopback import Reply, Request
from local.visitor import Visitor
from tests.e2e.stranger import Stranger, as_json

_LOOPBACK = "http://127.0.0.1:1/tested"


class Parrot:
    """Answers with all that it was sent, and remembers the secrets of it."""

    def __init__(self) -> None:
        self.heard: set[str] = set()

    def refuse(self, request: Request) -> Reply:
        """Refuse a token request, quoting it in every member of the answer."""
        form = parse_qs(request.body.decode())
        self.heard |= {form[name][0] for name in form.keys() & {"code", "code_verifier"}}
        self.heard |= {form["client_secret"][0]} if "client_secret" in form else set()
        said = " ".join([request.body.decode(), *(value for _, value in request.headers)])
        body = {"error": "invalid_grant", "error_description": said, "message": said, "code": said}
        return as_json(body, 400)

    def unauthorized(self, request: Request) -> Reply:
        """Refuse a bearer, quoting it."""
        bearer = request.header("authorization") or ""
        self.heard.add(bearer.removeprefix("Bearer "))
        challenge = f'Bearer error="invalid_token", error_description="{bearer}", scope="{bearer}"'
        return as_json({"error": bearer, "message": bearer}, 401, WWW_Authenticate=challenge)

    def forbidden(self, request: Request) -> Reply:
        """Ask for scopes that are made of the bearer."""
        bearer = (request.header("authorization") or "").removeprefix("Bearer ")
        self.heard.add(bearer)
        challenge = f'Bearer error="insufficient_scope", scope="read {bearer}"'
        return as_json({"error": "insufficient_scope"}, 403, WWW_Authenticate=challenge)

    def redirect(self, request: Request) -> Reply:
        """Send a bearer on in a URL."""
        bearer = (request.header("authorization") or "").removeprefix("Bearer ")
        self.heard.add(bearer)
        return Reply(302, [("Location", f"https://a.example.com/{bearer}?token={bearer}")])


def _walked(journey: Journey) -> dict[str, Any]:
    started = journey.start_test(return_url=_LOOPBACK).raise_for_status().json()
    with Visitor() as visitor:
        code = visitor.go(started["connect_url"], until=_LOOPBACK).query["completion_code"]
    report: dict[str, Any] = journey.advance(started["test_id"], completion_code=code).json()
    while report["next_step"]:
        report = journey.advance(started["test_id"]).json()
    return report


type Place = Callable[[Parrot, Stranger], dict[str, str]]


@pytest.mark.parametrize(
    "place",
    [
        pytest.param(
            lambda parrot, others: {"token_endpoint": others.answers(parrot.refuse)}, id="token"
        ),
        pytest.param(
            lambda parrot, others: {"mcp_url": others.answers(parrot.unauthorized)}, id="mcp-401"
        ),
        pytest.param(
            lambda parrot, others: {"mcp_url": others.answers(parrot.forbidden)}, id="mcp-403"
        ),
        pytest.param(
            lambda parrot, others: {"mcp_url": others.answers(parrot.redirect)}, id="mcp-302"
        ),
        pytest.param(
            lambda parrot, others: {"userinfo_endpoint": others.answers(parrot.unauthorized)},
            id="userinfo",
        ),
        pytest.param(
            lambda parrot, others: {"userinfo_endpoint": others.answers(parrot.redirect)},
            id="userinfo-302",
        ),
    ],
)
def test_a_stranger_that_echoes_is_not_quoted(
    journey: Journey, stranger: Stranger, place: Place
) -> None:
    parrot = Parrot()
    journey.app.switch(id_token=False)
    journey.put(**journey.configuration(**place(parrot, stranger))).raise_for_status()
    report = _walked(journey)
    assert report["diagnoses"]
    assert parrot.heard
    told = json.dumps(report, ensure_ascii=False)
    assert [secret for secret in parrot.heard if secret in told] == []


def test_the_text_names_nobody_and_holds_no_key_of_an_address(journey: Journey) -> None:
    journey.app.switch(token_endpoint_mode="500", mode_count=1)
    mcp_url = f"{journey.tenant.url}?key=canary-of-the-builder"
    journey.put(**journey.configuration(mcp_url=mcp_url)).raise_for_status()
    failed = _walked(journey)
    assert failed["status"] == "failed"
    report = _walked(journey)
    assert report["account"] == "alice@example.com"
    for text in (failed["report"], report["report"]):
        assert "canary" not in text
        assert "alice" not in text
        assert journey.app.client_id not in text
        assert "connect_url" not in text.lower().replace("connect_url in", "")


def test_the_text_says_what_the_report_says(journey: Journey) -> None:
    journey.app.switch(code_lifetime=0)
    report = _walked(journey)
    [diagnosis] = report["diagnoses"]
    text = report["report"]
    for said in ("grant_refused (likely)", diagnosis["summary"], diagnosis["fix"], "exchange"):
        assert said in text
    assert f"redirect URI: {journey.redirect_uri}" in text
    assert "HTTP 400" in text
