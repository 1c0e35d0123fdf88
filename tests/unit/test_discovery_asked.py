"""What users are asked for, as discovery proposes it: scopes, a consent, and no doomed request."""

from typing import Any

import pytest

from broker.discovery import Proposal, auth_method
from broker.model import AuthType, Server
from tests.fakes.strangers import (
    ISSUER,
    MCP_URL,
    RESOURCE_METADATA,
    SERVER_METADATA,
    Strangers,
    resource_metadata,
    server_metadata,
)
from tests.unit.test_discovery import look

USERINFO = f"{ISSUER}/userinfo"


def proposed(known: Server | None = None, **metadata: Any) -> Proposal:
    strangers = Strangers()
    strangers.says(SERVER_METADATA, server_metadata(userinfo_endpoint=USERINFO, **metadata))
    return look(strangers, known)[0]


def known(**said: Any) -> Server:
    return Server("crm", "CRM", MCP_URL, AuthType.CONSUMER_OAUTH, **said)


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        ({"scopes_supported": ["openid", "offline_access"]}, {"prompt": "consent"}),
        (
            {
                "scopes_supported": ["offline_access"],
                "prompt_values_supported": ["none", "consent"],
            },
            {"prompt": "consent"},
        ),
        ({"prompt_values_supported": ["none", "login"]}, {}),
        ({"scopes_supported": ["offline_access"]}, {}),
        ({"scopes_supported": ["openid"]}, {}),
        ({"scopes_supported": ...}, {}),
    ],
    ids=["openid", "prompts", "no consent", "no provider", "no refresh token", "mute"],
)
def test_a_refresh_token_of_an_openid_provider_takes_a_consent(
    metadata: dict[str, Any], expected: dict[str, str]
) -> None:
    proposal = proposed(**metadata)
    assert proposal.server.extra_authorize_params == expected
    source = proposal.sources.get("extra_authorize_params")
    assert source == (SERVER_METADATA if expected else None)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"access_type": "offline"}, {"access_type": "offline", "prompt": "consent"}),
        ({"prompt": "login consent"}, {"prompt": "login consent"}),
    ],
    ids=["another", "the same"],
)
def test_the_builders_own_parameters_stay(said: dict[str, str], expected: dict[str, str]) -> None:
    server = proposed(known(extra_authorize_params=said)).server
    assert server.extra_authorize_params == expected


def test_where_the_builder_asks_for_no_refresh_token_no_consent_is_forced() -> None:
    assert proposed(known(scopes=("mine",))).server.extra_authorize_params == {}


@pytest.mark.parametrize(
    ("listed", "wanted", "expected"),
    [
        (["openid", "email"], ["contacts.read"], None),
        (["openid", "email"], ["contacts.read", "openid"], USERINFO),
        (["contacts.read"], ["contacts.read"], USERINFO),
        (..., ["contacts.read"], USERINFO),
    ],
    ids=["not asked for openid", "asked for openid", "no OpenID provider", "mute"],
)
def test_the_account_is_asked_for_only_where_the_token_is_taken(
    listed: Any, wanted: list[str], expected: str | None
) -> None:
    strangers = Strangers()
    about = server_metadata(userinfo_endpoint=USERINFO, scopes_supported=listed)
    strangers.says(SERVER_METADATA, about)
    strangers.says(RESOURCE_METADATA, resource_metadata(scopes_supported=wanted))
    server = look(strangers)[0].server
    assert server.userinfo_endpoint == expected
    assert server.scopes == tuple(wanted), "nothing is asked for that the MCP server does not want"


def test_a_builder_who_wants_the_accounts_name_asks_for_it() -> None:
    server = proposed(known(scopes=("contacts.read", "openid", "email"))).server
    assert server.userinfo_endpoint == USERINFO


def test_a_builder_for_whom_it_is_named_all_the_same_keeps_the_endpoint() -> None:
    registered = known(scopes=("contacts.read",), issuer=ISSUER, userinfo_endpoint=USERINFO)
    assert proposed(registered).server.userinfo_endpoint == USERINFO


@pytest.mark.parametrize(
    ("offered", "expected"),
    [
        (("client_secret_post", "client_secret_basic"), "client_secret_post"),
        (("client_secret_basic", "client_secret_post", "none"), "client_secret_post"),
        (("none", "client_secret_basic"), "client_secret_basic"),
        (("none",), "none"),
        (("private_key_jwt", "tls_client_auth"), None),
    ],
)
def test_a_secret_goes_in_the_body_wherever_it_may(
    offered: tuple[str, ...], expected: str | None
) -> None:
    assert auth_method(offered) == expected
