"""What is said of a configuration without a browser, and that nothing is spent for it."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from local.demo.journey import Callers, Journey
from local.demo.neighbours import Neighbours
from local.loopback import Reply, Request
from tests.e2e.answers import refusal
from tests.e2e.conftest import MakeJourney
from tests.e2e.stranger import NOBODY, Stranger, as_json

_MOST_REQUESTS = 22
"""A dozen, and ten for the search of a token request style."""

type Report = dict[str, Any]


def _checked(journey: Journey, **changes: Any) -> Report:
    """Configure a server so, and check it."""
    complete: dict[str, Any] = {"resource": journey.tenant.url, **changes}
    journey.put(**journey.configuration(**complete)).raise_for_status()
    report: Report = journey.check().raise_for_status().json()
    assert report["requests"] <= _MOST_REQUESTS
    return report


def _outcomes(report: Report) -> dict[str, str]:
    return {one["name"]: one["outcome"] for one in report["checks"]}


def _causes(report: Report) -> dict[str, str]:
    return {
        one["name"]: one["diagnosis"]["cause"] for one in report["checks"] if "diagnosis" in one
    }


def test_a_configuration_that_works_has_nothing_to_be_said_of(journey: Journey) -> None:
    report = _checked(journey)
    assert report["warnings"] == []
    outcomes = _outcomes(report)
    assert outcomes.pop("mcp_era") == "unknown"
    assert outcomes.pop("scopes") == "unknown"
    assert outcomes == dict.fromkeys(
        (
            "configuration",
            "mcp_server",
            "authorization_endpoint",
            "token_endpoint",
            "client_authentication",
            "userinfo_endpoint",
            "revocation_endpoint",
            "protected_resource_metadata",
            "authorization_server_metadata",
        ),
        "ok",
    )


def test_a_check_spends_nothing(journey: Journey, ana: str) -> None:
    journey.connect(ana)
    before = journey.app.grants()
    _checked(journey, resource=None)
    assert journey.app.grants() == before
    assert [entry["outcome"] for entry in journey.app.exchanges()].count("ok") == 1
    assert journey.connection(ana).json()["status"] == "active"


def test_the_era_is_known_once_a_token_was_accepted(journey: Journey, ana: str) -> None:
    journey.connect(ana)
    journey.invoke(ana)
    assert _outcomes(journey.check().json())["mcp_era"] == "ok"


@pytest.mark.parametrize(
    ("changes", "name", "cause"),
    [
        ({"client_secret": "wrong"}, "client_authentication", "client_credentials"),
        ({"client_id": "nobody"}, "authorization_endpoint", "client_id_unknown"),
        ({"pkce": False}, "authorization_endpoint", "pkce_required"),
        ({"pkce": False}, "authorization_server_metadata", "metadata_disagrees"),
        ({"scopes": ["moon.read"]}, "authorization_endpoint", "scope_refused"),
        ({"resource": None}, "protected_resource_metadata", "metadata_disagrees"),
        ({"mcp_url": f"{NOBODY}/mcp"}, "mcp_server", "mcp_server_unreachable"),
        (
            {"token_endpoint": "https://login.harbor-crm.invalid/token"},
            "token_endpoint",
            "name_unknown",
        ),
        (
            {"authorization_endpoint": "https://login.harbor-crm.invalid/authorize"},
            "authorization_endpoint",
            "name_unknown",
        ),
        (
            {"token_endpoint": "https://login.harbor-crm.invalid/token"},
            "authorization_server_metadata",
            "metadata_disagrees",
        ),
    ],
)
def test_a_mistake_is_found_without_a_browser(
    journey: Journey, changes: Mapping[str, Any], name: str, cause: str
) -> None:
    report = _checked(journey, **changes)
    assert _causes(report)[name] == cause
    assert any(warning.startswith(f"{name}: ") for warning in report["warnings"])


@pytest.mark.parametrize(
    ("field", "path", "cause"),
    [
        ("token_endpoint", "/oauth/token", "endpoint_not_found"),
        ("token_endpoint", "/login", "html_instead_of_json"),
        ("authorization_endpoint", "/oauth/authorize", "endpoint_not_found"),
        ("userinfo_endpoint", "/me", "endpoint_not_found"),
        ("revocation_endpoint", "/revoked", "endpoint_not_found"),
        ("mcp_url", "/mcp", "mcp_url_wrong"),
    ],
)
def test_an_address_that_is_wrong_is_found(
    journey: Journey, field: str, path: str, cause: str
) -> None:
    url = f"{journey.app.service.authorization_server}{path}"
    name = "mcp_server" if field == "mcp_url" else field
    assert _causes(_checked(journey, **{field: url}))[name] == cause


def test_a_redirect_uri_that_is_not_registered_is_shown(journey: Journey) -> None:
    journey.app.register("https://elsewhere.example.com/callback")
    report = _checked(journey)
    [diagnosis] = [one["diagnosis"] for one in report["checks"] if "diagnosis" in one]
    assert diagnosis["cause"] == "redirect_uri_mismatch"
    assert diagnosis["paste"]["value"] == journey.redirect_uri


def test_a_wrong_style_is_told_from_a_wrong_secret(journey: Journey) -> None:
    journey.app.register(journey.redirect_uri, "form_basic")
    report = _checked(journey)
    [diagnosis] = [one["diagnosis"] for one in report["checks"] if "diagnosis" in one]
    assert diagnosis["cause"] == "token_request_style"
    assert diagnosis["paste"] == {
        "place": "server",
        "field": "token_request_style",
        "value": "form_basic",
    }


def test_an_endpoint_that_looks_at_the_code_first_says_nothing_of_the_client(
    journey: Journey, stranger: Stranger
) -> None:
    url = stranger.answers(lambda _: as_json({"error": "invalid_grant"}, 400))
    report = _checked(journey, token_endpoint=url)
    assert _outcomes(report)["client_authentication"] == "unknown"


def test_an_endpoint_that_takes_any_code_is_no_fault_of_ours(
    journey: Journey, stranger: Stranger
) -> None:
    url = stranger.answers(lambda _: as_json({"access_token": "for-anybody"}))
    report = _checked(journey, token_endpoint=url)
    assert _outcomes(report)["token_endpoint"] == "warning"
    assert "for-anybody" not in json.dumps(report)


def test_a_stranger_that_never_gets_to_the_point_is_asked_so_many_times_at_most(
    journey: Journey, stranger: Stranger
) -> None:
    asked: list[Request] = []

    def refuse(request: Request) -> Reply:
        asked.append(request)
        return as_json({"error": "invalid_client"}, 401)

    url = stranger.answers(refuse)
    names = ("authorization", "token", "userinfo", "revocation")
    endpoints = {f"{name}_endpoint": f"{url}/{name}" for name in names}
    report = _checked(journey, **endpoints, mcp_url=f"{url}/mcp", issuer=url)
    assert len(asked) <= report["requests"] <= _MOST_REQUESTS


def test_what_is_missing_is_said_and_the_rest_is_checked(half_configured: Journey) -> None:
    report = half_configured.check().json()
    [first, *_] = report["checks"]
    assert (first["name"], first["outcome"]) == ("configuration", "failed")
    assert "token_endpoint" in first["seen"]
    assert _outcomes(report)["mcp_server"] == "ok"
    assert "token_endpoint" not in _outcomes(report)


def test_a_server_with_nothing_but_a_url_is_looked_at_and_no_client_is_registered(
    blank: Journey,
) -> None:
    about = {"mcp_url": blank.tenant.url, "auth_type": "consumer_oauth"}
    blank.put(name="Url Alone", **about).raise_for_status()
    report = blank.check().json()
    outcomes = _outcomes(report)
    assert outcomes["configuration"] == "unknown"
    assert outcomes["mcp_server"] == "ok"
    assert blank.get().json()["discovered"] is None


def test_a_server_that_is_open_to_everybody_is_a_warning_where_users_should_connect(
    journeys: MakeJourney, at_bound: Callers, further_parties: Neighbours
) -> None:
    opened = journeys(at_bound, further_parties.open_mcp_server)
    opened.register()
    report = _checked(opened)
    assert _outcomes(report)["mcp_server"] == "warning"
    free = {"name": "Tides", "mcp_url": opened.tenant.url, "auth_type": "none"}
    opened.put(**free).raise_for_status()
    report = opened.check().json()
    assert (_outcomes(report)["mcp_server"], _outcomes(report)["mcp_era"]) == ("ok", "ok")
    assert report["warnings"] == []


def test_a_shared_key_is_tried(
    journeys: MakeJourney, at_bound: Callers, further_parties: Neighbours
) -> None:
    keyed = journeys(at_bound, further_parties.keyed_mcp_server)
    about = {"name": "Keyed", "mcp_url": keyed.tenant.url, "auth_type": "bearer"}
    keyed.put(**about, bearer_token=further_parties.shared_key).raise_for_status()
    assert _outcomes(keyed.check().json())["mcp_server"] == "ok"
    keyed.put(**about, bearer_token="wrong").raise_for_status()
    assert _causes(keyed.check().json()) == {"mcp_server": "shared_key_refused"}


def test_the_registry_points_to_what_it_cannot_do_itself(journey: Journey) -> None:
    links = journey.put(**journey.configuration()).json()["links"]
    checked = journey.callers.builder.post(links["check"])
    assert checked.json()["server_id"] == journey.server_id
    assert journey.callers.builder.post(links["test"]).status_code == 201


def test_an_unknown_server_is_not_checked(blank: Journey) -> None:
    assert refusal(blank.check()) == (404, "server_not_found")


def test_no_secret_is_told(journey: Journey, stranger: Stranger) -> None:
    def echo(request: Request) -> Reply:
        said = request.body.decode() + str(request.headers)
        return as_json({"error": "invalid_client", "error_description": said}, 401)

    report = _checked(journey, token_endpoint=stranger.answers(echo))
    assert _outcomes(report)["client_authentication"] == "failed"
    assert journey.app.client_secret not in json.dumps(report)
