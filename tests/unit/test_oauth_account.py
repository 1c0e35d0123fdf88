"""The account's label and subject, wherever a service tells them."""

from dataclasses import replace

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.model import Account, Method, Quirks
from tests.unit.oauth_accounts import (
    CLAIMS,
    NOBODY,
    SERVER,
    WITH_USERINFO,
    find,
    from_claims,
    jwt,
    saying,
)
from tests.unit.oauth_answers import Service


def test_userinfo_is_asked_with_the_access_token() -> None:
    userinfo = saying({"sub": "subject-1", "preferred_username": "jo"})
    account = find(userinfo=userinfo, server=WITH_USERINFO)
    (request,) = userinfo.requests
    assert request.method == "GET"
    assert request.headers["authorization"] == "Bearer at-1"
    assert account.label == "jo"


@pytest.mark.parametrize("method", [Method.GET, Method.POST])
def test_userinfo_is_asked_by_the_method_that_the_service_has(method: Method) -> None:
    userinfo = saying({"email": "jo@example.com"})
    server = replace(WITH_USERINFO, quirks=Quirks(userinfo_method=method))
    assert find(userinfo=userinfo, server=server).label == "jo@example.com"
    (request,) = userinfo.requests
    assert (request.method, request.content) == (method, b"")
    assert request.headers["authorization"] == "Bearer at-1"


def test_a_token_in_the_url_of_userinfo_is_nowhere_else() -> None:
    userinfo = saying({"user": "jo@example.com"})
    server = replace(
        SERVER, userinfo_endpoint="https://login.example.com/tokens/{token}", account_field="user"
    )
    assert find(userinfo=userinfo, server=server, token="at/1+=").label == "jo@example.com"
    (request,) = userinfo.requests
    assert str(request.url) == "https://login.example.com/tokens/at%2F1%2B%3D"
    assert "at/1" not in str(request.headers)


def test_userinfo_is_asked_for_a_name_when_the_id_token_has_only_a_subject() -> None:
    bare = {n: v for n, v in CLAIMS.items() if n not in ("email", "name")}
    userinfo = saying({"sub": "subject-1", "email": "jo@example.com"})
    account = find(id_token=jwt(bare), userinfo=userinfo, server=WITH_USERINFO)
    assert account.label == "jo@example.com"
    assert account.subject_hash == from_claims().subject_hash


def test_userinfo_about_somebody_else_is_not_used() -> None:
    bare = {n: v for n, v in CLAIMS.items() if n not in ("email", "name")}
    userinfo = saying({"sub": "subject-2", "email": "other@example.com"})
    account = find(id_token=jwt(bare), userinfo=userinfo, server=WITH_USERINFO)
    assert account.label == "subject-1"


@pytest.mark.parametrize(
    "userinfo",
    [
        saying({"email": "x@example.com"}, 401),
        saying([], 200),
        saying("text", 200),
        saying({}, 200),
        saying(None, 200),
        Service(lambda _: httpx.Response(200, content=b"<html>")),
        Service(lambda _: httpx.Response(200, content=b"\xff" * 70_000)),
        Service(lambda _: httpx.Response(302, headers={"Location": "https://x.example/"})),
    ],
)
def test_a_userinfo_endpoint_that_fails_fails_nothing(userinfo: Service) -> None:
    assert find(userinfo=userinfo, server=WITH_USERINFO) == NOBODY


@pytest.mark.parametrize("error", [httpx.ConnectError("no"), httpx.ReadTimeout("no")])
def test_a_userinfo_endpoint_that_cannot_be_reached_fails_nothing(error: Exception) -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        raise error

    account = find(userinfo=Service(answer), server=WITH_USERINFO, members={"login": "jo"})
    assert account.label == "jo"


def test_a_blocked_userinfo_endpoint_fails_nothing() -> None:
    server = replace(SERVER, userinfo_endpoint="http://169.254.169.254/")
    assert find(userinfo=saying({"email": "x@example.com"}), server=server) == NOBODY


@pytest.mark.parametrize(
    ("members", "label"),
    [
        ({"email": "a@b.example", "preferred_username": "u", "name": "N"}, "a@b.example"),
        ({"preferred_username": "u", "name": "N", "login": "l"}, "u"),
        ({"name": "N", "login": "l", "sub": "s"}, "N"),
        ({"login": "l", "sub": "s"}, "l"),
        ({"sub": "s"}, "s"),
        ({"email": "a@b.example", "email_verified": True}, "a@b.example"),
        ({"email": "a@b.example", "email_verified": False, "name": "N"}, "N"),
        ({"email": "a@b.example", "email_verified": "false", "name": "N"}, "N"),
        ({"email": "a@b.example", "verified_email": False, "name": "N"}, "N"),
        ({"email": None, "name": "N"}, "N"),
        ({"email": "", "name": " ", "login": "l"}, "l"),
        ({"name": {"given": "x"}, "login": "l"}, "l"),
        ({"id": 12345}, "12345"),
        ({"login": 7}, "7"),
        ({"login": True, "id": 5}, "5"),
        ({"mail": None, "userPrincipalName": "u@b.example", "id": "i"}, "u@b.example"),
        ({"data": {"email": "a@b.example"}}, "a@b.example"),
        ({"user": {"name": "N"}}, "N"),
        ({"id": 1, "data": {"username": "u"}}, "u"),
        ({"data": [{"login": "twitch", "id": "9"}]}, "twitch"),
        ({"data": [{"login": "a"}, {"login": "b"}]}, None),
        ({"data": "x", "user": 5}, None),
    ],
)
def test_many_shapes_of_userinfo_are_read(members: dict[str, object], label: str | None) -> None:
    assert find(userinfo=saying(members), server=WITH_USERINFO).label == label


def test_a_named_field_of_the_token_response_comes_after_userinfo() -> None:
    members: dict[str, object] = {"authed_user": {"id": "U1"}, "name": "N"}
    server = replace(WITH_USERINFO, account_field="authed_user.id")
    assert find(members=members, server=server).label == "U1"
    asked = find(members=members, server=server, userinfo=saying({"email": "a@b.example"}))
    assert asked.label == "a@b.example"


def test_a_named_field_of_userinfo_comes_before_the_usual_ones() -> None:
    server = replace(WITH_USERINFO, account_field="data.user.display_name")
    told = {"name": "N", "data": {"user": {"display_name": "Jo"}}}
    assert find(userinfo=saying(told), server=server).label == "Jo"
    assert find(userinfo=saying({"name": "N"}), server=server).label == "N"


@pytest.mark.parametrize("path", ["", ".", "a.b.c", "name.x", "missing", "authed_user"])
def test_a_named_field_that_is_not_there_leaves_the_usual_ones(path: str) -> None:
    members: dict[str, object] = {"authed_user": {"id": "U1"}, "name": "N"}
    assert find(members=members, server=replace(SERVER, account_field=path)).label == "N"


def test_the_id_of_a_token_response_is_not_taken_for_the_users() -> None:
    assert find(members={"id": "token-5"}) == NOBODY


def test_a_label_has_at_most_128_characters_and_nothing_invisible() -> None:
    name = "J\u202eo\x00\n\u2066 \u200fD\ud800oe" + "x" * 200
    label = find(userinfo=saying({"name": name}), server=WITH_USERINFO).label
    assert label is not None
    assert label.startswith("Jo Doexx")
    assert len(label) == 128


def test_the_hash_stays_the_same_for_the_same_account() -> None:
    assert from_claims().subject_hash == from_claims(name="New Name").subject_hash


def test_no_two_pairs_of_issuer_and_subject_share_a_hash() -> None:
    anywhere = replace(SERVER, issuer=None)
    pairs = [("a", "b"), ("a", "c"), ("ab", ""), ("a\x00b", "c"), ("a", "b\x00c"), ("a", '","b')]
    found = {from_claims(anywhere, iss=iss, sub=sub or "-").subject_hash for iss, sub in pairs}
    assert len(found) == len(pairs)


def test_a_number_and_its_text_are_the_same_subject() -> None:
    number = find(userinfo=saying({"id": 5}), server=WITH_USERINFO)
    text = find(userinfo=saying({"id": "5"}), server=WITH_USERINFO)
    assert number.subject_hash == text.subject_hash is not None


def test_a_name_alone_is_no_subject() -> None:
    account = find(userinfo=saying({"name": "Jo"}), server=WITH_USERINFO)
    assert account == Account("Jo", None)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["sub", "email", "name", "data", "user", "iss", "aud", "exp", "azp", "id"]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)


@given(claims=json_values, told=json_values, members=json_values)
def test_nothing_that_is_said_fails_a_connection(
    claims: object, told: object, members: object
) -> None:
    account = find(
        id_token=jwt(claims),
        userinfo=saying(told),
        members=members if isinstance(members, dict) else {},
        server=replace(WITH_USERINFO, account_field="data.user"),
        nonce=None,
    )
    assert account.label is None or 0 < len(account.label) <= 128
