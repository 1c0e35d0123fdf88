"""Quirks as a builder declares them, continued: of scopes, of the userinfo endpoint, and none."""

from typing import Any

import pytest
from pydantic import ValidationError

from broker.errors import InvalidServer
from broker.inbound.answers import server as shown
from broker.inbound.registry_requests import PutServerRequest
from tests.integration.conftest import BASE_URL, World
from tests.integration.test_registry_quirks import WANTED, put

COMMA = {"scope_separator": "comma"}


def test_a_userinfo_endpoint_may_have_a_gap_for_the_token(world: World) -> None:
    url = "https://api.example.com/access-tokens/{token}"
    body = shown(put(world, WANTED | {"userinfo_endpoint": url}), BASE_URL)
    assert body["userinfo_endpoint"] == url


def test_a_server_without_any_shows_the_standards(world: World) -> None:
    body = shown(put(world, WANTED), BASE_URL)
    assert body["refresh_request"] == {
        "method": "POST",
        "grant_type": "refresh_token",
        "token": "refresh_token",
        "parameter": "refresh_token",
        "credentials": "same",
        "min_age_seconds": 0,
    }
    assert (body["kept_fields"], body["long_lived_exchange"]) == ({}, None)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"token_endpoint": "https://a.example.com/{token}"}, "token_endpoint: {token}"),
        (
            {"userinfo_endpoint": "https://{token}.example.com/"},
            "userinfo_endpoint: {token} cannot",
        ),
        ({"scope_aliases": {"a,b": []}} | COMMA, "scope_aliases: a,b holds"),
        ({"scope_callback_parameter": "state"}, "scope_callback_parameter: that"),
        ({"scope_aliases": {"a": ["b,c"]}} | COMMA, "scope_aliases: b,c holds"),
    ],
)
def test_what_cannot_be_is_refused(world: World, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidServer) as refused:
        put(world, WANTED | changes)
    assert str(refused.value).startswith(message)


@pytest.mark.parametrize(
    "changes",
    [
        {"scope_aliases": {"a b": []}},
        {"scope_aliases": {"a": "b"}},
        {"scope_aliases": {str(number): [] for number in range(51)}},
        {"scope_aliases": {"a": [str(number) for number in range(11)]}},
        {"userinfo_method": "DELETE"},
        {"scope_callback_parameter": ""},
        {"refresh_request": {"min_age_seconds": -1}},
        {"refresh_request": {"min_age_seconds": 2_592_001}},
    ],
)
def test_what_is_malformed_is_no_request(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        PutServerRequest.model_validate(WANTED | changes)
    assert {error["loc"][0] for error in caught.value.errors()} == changes.keys()
