"""A server of which nothing is known but its URL: discovered, registered, connected, called."""

import json
from typing import Any

import httpx
import pytest

from local.demo.journey import Journey, text_of
from local.demo.tenant import Tenant
from local.loopback import Reply, Request
from tests.e2e.answers import asked, refusal
from tests.e2e.stranger import Stranger, as_json
from tests.e2e.time_machine import TimeMachine


def url_alone(journey: Journey, url: str) -> httpx.Response:
    return journey.put(name="Url Alone", mcp_url=url, auth_type="consumer_oauth")


def found_at(journey: Journey, url: str) -> dict[str, Any]:
    url_alone(journey, url).raise_for_status()
    about: dict[str, Any] = journey.discover().raise_for_status().json()
    return about


def test_a_server_with_only_its_url_needs_nothing_else(blank: Journey, ana: str) -> None:
    url_alone(blank, blank.tenant.url).raise_for_status()
    assert asked(blank.invoke(ana)) == "not_connected"
    connected = blank.connect(ana)
    assert connected["connection"]["account"] is None, "no scope that would name it is asked for"
    assert text_of(blank.invoke(ana)) == "alice"
    about = blank.get().json()
    assert (about["missing"][0], about["client_id"]) == ("client_id", None)
    assert about["discovered"]["client_id"].startswith("registered-")


def test_a_builder_has_the_account_named_by_its_scopes(blank: Journey, ana: str) -> None:
    about = {"name": "Named", "mcp_url": blank.tenant.url, "auth_type": "consumer_oauth"}
    blank.put(**about, scopes=["contacts.read", "openid", "email"]).raise_for_status()
    assert blank.connect(ana)["connection"]["account"] == "alice@example.com"


def test_a_client_that_was_registered_at_the_first_use_refreshes_and_leaves(
    blank: Journey, ana: str, time_machine: TimeMachine
) -> None:
    blank.tenant.switch(issuer_path="/dynamic")
    url_alone(blank, blank.tenant.url).raise_for_status()
    blank.connect(ana)
    time_machine.age("ConnectionsTable", 3600, ana)
    assert text_of(blank.invoke(ana)) == "alice"
    assert blank.disconnect(ana).json()["revocation"] == "confirmed"
    assert blank.delete().status_code == 204


def test_where_the_url_alone_says_too_little_the_builder_is_told(blank: Journey, ana: str) -> None:
    blank.tenant.switch(issuer_path="/nowhere")
    url_alone(blank, blank.tenant.url).raise_for_status()
    answer = blank.invoke(ana)
    assert refusal(answer) == (424, "server_misconfigured")
    assert "server_metadata_missing" in [one["code"] for one in answer.json()["problems"]]
    about = blank.get().json()["discovered"]
    assert (about["ready"], about["client_id"]) == (False, None)


@pytest.fixture
def complete(blank: Journey) -> Journey:
    """A server that was completed by discovery alone."""
    about = found_at(blank, blank.tenant.url)
    assert (about["ready"], about["problems"]) == (True, [])
    blank.put(**about["server"]).raise_for_status()
    return blank


def test_a_server_with_only_its_url_is_connected_and_called(complete: Journey, ana: str) -> None:
    assert complete.get().json()["missing"] == []
    assert asked(complete.invoke(ana)) == "not_connected"
    assert complete.connect(ana)["status"] == "connected"
    assert text_of(complete.invoke(ana)) == "alice"


def test_the_token_is_made_for_this_server_alone(complete: Journey, ana: str) -> None:
    complete.tenant.switch(require_audience=True)
    complete.connect(ana)
    assert text_of(complete.invoke(ana)) == "alice"


def test_its_client_can_be_the_document_that_anybody_can_read(complete: Journey, ana: str) -> None:
    address = f"{complete.callers.deployment.url}/oauth/client-metadata/{complete.server_id}.json"
    with complete.callers.deployment.browser() as anybody:
        document = anybody.get(address).raise_for_status().json()
    assert document["client_id"] == address
    assert document["redirect_uris"] == [complete.redirect_uri]
    proposed = complete.discover().json()["server"]
    client = {"client_id": address, "client_secret": None, "token_request_style": "none"}
    complete.put(**proposed | client).raise_for_status()
    complete.connect(ana)
    assert text_of(complete.invoke(ana)) == "alice"


def test_a_discovered_server_is_stepped_up(complete: Journey, ana: str) -> None:
    complete.connect(ana)
    call = {"arguments": {"name": "Ada Ferry"}}
    about = complete.get().json()
    complete.put(**_narrowed(about)).raise_for_status()
    complete.disconnect(ana)
    complete.connect(ana)
    card = complete.invoke(ana, "delete_contact", **call).json()
    assert (card["reason"], card["missing_scopes"]) == ("additional_scope", ["contacts.write"])
    lacking = complete.connection(ana).json()
    assert lacking["missing_scopes"] == ["contacts.write"]
    assert "contacts.write" not in lacking["scopes"]
    back = complete.consent(card["connect_url"]).query
    complete.complete(ana, back["connect_id"], back["completion_code"]).raise_for_status()
    assert text_of(complete.invoke(ana, "delete_contact", **call)).startswith("alice would")
    connection = complete.connection(ana).json()
    assert "contacts.write" in connection["scopes"]
    assert connection["missing_scopes"] == []


def _narrowed(server: dict[str, Any]) -> dict[str, Any]:
    taken = ("name", "mcp_url", "auth_type", "client_id", "authorization_endpoint", "issuer")
    more = ("token_endpoint", "revocation_endpoint", "userinfo_endpoint", "resource")
    kept = {name: server[name] for name in (*taken, *more, "token_request_style")}
    return kept | {"scopes": ["contacts.read", "offline_access"]}


def test_a_client_is_registered_where_the_service_wants_that(blank: Journey, ana: str) -> None:
    blank.tenant.switch(issuer_path="/dynamic")
    about = found_at(blank, blank.tenant.url)
    assert (about["client"], about["ready"], about["problems"]) == ("dynamic", True, [])
    assert "client_secret" not in about["server"]
    server = blank.put(**about["server"]).raise_for_status().json()
    assert (server["has_client_secret"], server["missing"]) == (True, [])
    blank.connect(ana)
    assert text_of(blank.invoke(ana)) == "alice"


def test_a_bare_401_is_enough(blank: Journey) -> None:
    blank.tenant.switch(bare_401=True)
    assert found_at(blank, blank.tenant.url)["ready"]


def test_by_url_the_whole_is_described_and_nothing_is_registered(blank: Journey) -> None:
    builder = blank.callers.builder
    about = builder.post("/v1/discover", json={"mcp_url": blank.tenant.url}).json()
    assert about["server"]["token_endpoint"].endswith("/token")
    assert about["sources"]["token_endpoint"].endswith("/.well-known/oauth-authorization-server")
    assert (about["client"], about["missing"]) == ("dynamic", ["client_id", "client_secret"])


@pytest.mark.parametrize("body", [{}, {"mcp_url": "https://a.example/x", "server_id": "x"}])
def test_a_question_about_nothing_or_two_things_is_refused(
    blank: Journey, body: dict[str, str]
) -> None:
    answer = blank.callers.builder.post("/v1/discover", json=body)
    assert refusal(answer) == (400, "invalid_request")


@pytest.mark.parametrize("url", ["https://127.0.0.1/mcp", "http://169.254.169.254/", "ftp://a/"])
def test_an_address_inside_is_refused(blank: Journey, url: str) -> None:
    answer = blank.callers.builder.post("/v1/discover", json={"mcp_url": url})
    assert refusal(answer) == (422, "invalid_server")


def test_the_chat_backend_may_not_discover(blank: Journey) -> None:
    body = {"mcp_url": blank.tenant.url}
    assert blank.callers.chat.post("/v1/discover", json=body).status_code == 403


def test_a_challenge_that_points_inside_leads_nowhere(blank: Journey, stranger: Stranger) -> None:
    inside = "http://169.254.169.254/latest/meta-data"
    challenge = f'Bearer resource_metadata="{inside}"'
    url = stranger.answers(lambda _: as_json({}, 401, WWW_Authenticate=challenge))
    about = found_at(blank, url)
    assert about["problems"][0]["code"] == "resource_metadata_blocked"
    assert not about["ready"]


def test_metadata_that_redirects_is_not_followed(blank: Journey, stranger: Stranger) -> None:
    target = stranger.answers(lambda _: as_json({}))
    metadata = stranger.answers(lambda _: as_json({}, 302, Location=target))
    challenge = f'Bearer resource_metadata="{metadata}"'
    url = stranger.answers(lambda _: as_json({}, 401, WWW_Authenticate=challenge))
    about = found_at(blank, url)
    assert about["problems"][0]["code"] == "resource_metadata_redirect"
    assert stranger.seen(target) == []


def test_metadata_of_an_honest_servers_resource_does_not_serve_another(
    blank: Journey, stranger: Stranger
) -> None:
    honest = Tenant(blank.tenant.origin)
    metadata = f"{honest.origin}/.well-known/oauth-protected-resource/{honest.name}/mcp"
    challenge = f'Bearer resource_metadata="{metadata}"'
    url = stranger.answers(lambda _: as_json({}, 401, WWW_Authenticate=challenge))
    about = found_at(blank, url)
    assert about["problems"][0]["code"] == "resource_mismatch"
    assert "token_endpoint" not in about["server"]


def test_a_huge_document_is_not_read(blank: Journey, stranger: Stranger) -> None:
    def huge(_: Request) -> Reply:
        return Reply(200, [("Content-Type", "application/json")], b'"' + b"a" * 500_000 + b'"')

    challenge = f'Bearer resource_metadata="{stranger.answers(huge)}"'
    url = stranger.answers(lambda _: as_json({}, 401, WWW_Authenticate=challenge))
    about = found_at(blank, url)
    assert about["problems"][0]["code"] == "resource_metadata_too_large"
    assert json.dumps(about).count("aaaa") == 0
