"""A token set is found in whatever a token endpoint answers with."""

import json
from dataclasses import replace

import pytest

from broker.model import Secret
from tests.unit.oauth_answers import HOUR, NOW, SERVER, granted, read, unusable


def test_the_example_of_rfc_6749_section_5_1_is_read() -> None:
    response = read(
        """{
          "access_token":"2YotnFZFEjr1zCsicMWpAA",
          "token_type":"example",
          "expires_in":3600,
          "refresh_token":"tGzv3JOkF0XG5Qx2TlKWIA",
          "example_parameter":"example_value"
        }"""
    )
    tokens = response.token_set
    assert tokens.access_token == Secret("2YotnFZFEjr1zCsicMWpAA")
    assert tokens.refresh_token == Secret("tGzv3JOkF0XG5Qx2TlKWIA")
    assert tokens.expires_at == HOUR
    assert tokens.obtained_at == NOW
    assert tokens.scope is None
    assert response.members["example_parameter"] == "example_value"


@pytest.mark.parametrize(
    "content_type",
    ["application/x-www-form-urlencoded", "application/json", "text/html", "text/plain", ""],
)
def test_a_form_body_is_read_whatever_its_type(content_type: str) -> None:
    body = "access_token=a%2Bt&refresh_token=r1&expires_in=3600&scope=a+b%20c&token_type=bearer\n"
    tokens = read(body, content_type).token_set
    assert tokens.access_token == Secret("a+t")
    assert tokens.refresh_token == Secret("r1")
    assert tokens.expires_at == HOUR
    assert tokens.scope == ("a", "b", "c")


@pytest.mark.parametrize("content_type", ["text/html; charset=utf-8", "text/javascript", "x"])
def test_json_is_read_whatever_its_type(content_type: str) -> None:
    assert read('{"access_token": "at"}', content_type).token_set.access_token == Secret("at")


def test_a_byte_order_mark_and_blanks_are_no_obstacle() -> None:
    body = b"\xef\xbb\xbf\r\n " + b'{"access_token": "at"}\n'
    assert read(body).token_set.access_token == Secret("at")


def test_a_name_in_another_charset_does_not_cost_the_token() -> None:
    body = b'{"access_token": "at", "name": "J\xf6"}'
    assert read(body).token_set.access_token == Secret("at")


@pytest.mark.parametrize("status", [200, 201, 203])
def test_any_2xx_with_a_token_is_a_success(status: int) -> None:
    assert read('{"access_token": "at"}', status=status).token_set.access_token == Secret("at")


def test_no_member_is_a_number_that_is_none() -> None:
    members = read('{"access_token": "at", "a": NaN, "b": [-Infinity], "c": 1e999}').members
    json.dumps(members, allow_nan=False)


def test_a_token_that_came_as_a_number_is_its_digits() -> None:
    tokens = granted(access_token=12345, refresh_token=67890).token_set
    assert (tokens.access_token, tokens.refresh_token) == (Secret("12345"), Secret("67890"))


@pytest.mark.parametrize(
    ("value", "lost"),
    [
        (None, False),
        ("", False),
        (" ", False),
        (0, False),
        ([], False),
        (["rt"], True),
        ("é", True),
    ],
)
def test_a_refresh_token_in_a_form_that_cannot_be_read_is_told(value: object, lost: bool) -> None:
    assert granted(refresh_token=value).refresh_token_lost is lost


@pytest.mark.parametrize("value", [None, "", 0, False, [], {}])
def test_a_refresh_token_that_is_none_is_left_to_the_caller(value: object) -> None:
    assert granted(refresh_token=value).token_set.refresh_token is None


@pytest.mark.parametrize(
    "value", [" ", "a\nb", "a\x00", "é", "\ud800", "a\u202eb", "\t", ["rt"], {"token": "rt"}, True]
)
def test_a_refresh_token_that_is_none_of_the_grammar_is_left_to_the_caller(value: object) -> None:
    tokens = granted(refresh_token=value).token_set
    assert (tokens.access_token, tokens.refresh_token) == (Secret("at-1"), None)


@pytest.mark.parametrize("value", [" rt", "rt ", "r t", "~", "null", "0"])
def test_a_refresh_token_of_the_grammar_is_kept_to_the_blank(value: str) -> None:
    assert granted(refresh_token=value).token_set.refresh_token == Secret(value)


def test_an_omitted_refresh_token_is_left_to_the_caller() -> None:
    assert granted().token_set.refresh_token is None


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        ("a b", ("a", "b")),
        ("a,b", ("a", "b")),
        ("a, b  c", ("a", "b", "c")),
        (["a", "b"], ("a", "b")),
        (["a b", "c,d"], ("a", "b", "c", "d")),
        ("a a b a", ("a", "b")),
        ("https://x.example/auth/drive.readonly openid", None),
        ("", None),
        ([], None),
        (None, None),
        (5, None),
        ({"a": 1}, None),
        ([1, "a", None], ("a",)),
        ('a "b" c\\d é', ("a",)),
    ],
)
def test_a_scope_is_text_or_a_list(scope: object, expected: tuple[str, ...] | None) -> None:
    if scope == "https://x.example/auth/drive.readonly openid":
        expected = ("https://x.example/auth/drive.readonly", "openid")
    assert granted(scope=scope).token_set.scope == expected


def test_a_scope_is_split_at_the_servers_own_separator() -> None:
    server = replace(SERVER, scope_separator="+")
    assert granted(server, scope="a+b").token_set.scope == ("a", "b")
    assert granted(SERVER, scope="a+b").token_set.scope == ("a+b",)


SLACK = {
    "ok": True,
    "app_id": "A1",
    "authed_user": {
        "id": "U1",
        "scope": "chat:write,users:read",
        "access_token": "xoxp-1",
        "token_type": "user",
        "refresh_token": "xoxe-1",
        "expires_in": 3600,
    },
    "team": {"id": "T1", "name": "Acme"},
}


def test_slacks_nested_user_token_is_found_with_all_that_belongs_to_it() -> None:
    tokens = read(json.dumps(SLACK)).token_set
    assert tokens.access_token == Secret("xoxp-1")
    assert tokens.refresh_token == Secret("xoxe-1")
    assert tokens.scope == ("chat:write", "users:read")
    assert tokens.expires_at == HOUR


def test_a_token_at_the_top_wins_over_a_nested_one() -> None:
    tokens = read(json.dumps(SLACK | {"access_token": "xoxb-1", "scope": "commands"})).token_set
    assert tokens.access_token == Secret("xoxb-1")
    assert tokens.scope == ("commands",)
    assert tokens.refresh_token is None


@pytest.mark.parametrize(
    "members",
    [
        {"data": {"access_token": "at", "refresh_token": "rt"}, "message": "success"},
        {"data": {"access_token": "at"}, "refresh_token": "rt"},
        {"whatever": {"access_token": "at", "refresh_token": "rt"}},
        {"data": {"token": {"access_token": "at", "refresh_token": "rt"}}},
    ],
)
def test_a_nested_token_is_found_where_it_is_the_only_one(members: object) -> None:
    tokens = read(json.dumps(members)).token_set
    assert tokens.access_token == Secret("at")
    assert tokens.refresh_token == Secret("rt")


def test_of_two_nested_tokens_without_a_known_name_none_is_guessed() -> None:
    unusable(json.dumps({"a": {"access_token": "1"}, "b": {"access_token": "2"}}))


@pytest.mark.parametrize("token_type", ["bearer", "BEARER", "user", "bot", "", None, 5, "x y"])
def test_a_strange_token_type_is_accepted(token_type: object) -> None:
    assert granted(token_type=token_type).token_set.access_token == Secret("at-1")


@pytest.mark.parametrize("token_type", ["DPoP", "dpop", "mac", "N_A", "PoP"])
def test_a_token_that_is_bound_to_a_key_we_lack_is_refused(token_type: str) -> None:
    failure = unusable(json.dumps({"access_token": "at", "token_type": token_type}))
    assert failure.evidence.facts["unusable"] == "token_type"


def test_facts_of_a_success_hold_no_secret() -> None:
    response = granted(refresh_token="rt-secret", id_token="x.y.z", expires_in=3600, scope="a b")
    assert response.facts == {
        "refresh_token": True,
        "id_token": True,
        "expiry_known": True,
        "expires_in": 3600,
        "scope": "a b",
    }


def test_a_response_does_not_print_its_tokens() -> None:
    shown = repr(granted(refresh_token="rt-secret", id_token="x.y.z"))
    assert not any(secret in shown for secret in ("at-1", "rt-secret", "x.y.z"))
