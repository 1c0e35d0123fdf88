"""A success that brings no token set: what it amounts to."""

import json

import pytest

from broker.diagnosis import Kind
from broker.model import Secret
from broker.oauth import ClientRefused, GrantRefused, TokenRequestFailed
from tests.unit.oauth_answers import granted, read, unusable


@pytest.mark.parametrize(
    "token",
    [None, "", " ", -5, True, [], {}, ["at"], "a\nb", "a\x00", "é", "a\u202eb", " at", "a\t"],
)
def test_an_access_token_that_no_header_can_carry_is_unusable(token: object) -> None:
    failure = unusable(json.dumps({"access_token": token}))
    assert failure.ambiguous
    assert failure.evidence.kind is Kind.UNUSABLE


@pytest.mark.parametrize(
    "error",
    [
        *(None, "", False, 0, {}, [], "0", "none", "null", "false", "OK", "success", "no_error"),
        *({"code": "ok", "message": ""}, {"code": 0}, {"error": ""}),
    ],
)
def test_an_error_member_that_says_nothing_is_none(error: object) -> None:
    assert granted(error=error).token_set.access_token == Secret("at-1")


@pytest.mark.parametrize("member", ["ok", "success"])
def test_a_zero_is_no_false(member: str) -> None:
    assert granted(**{member: 0}).token_set.access_token == Secret("at-1")


@pytest.mark.parametrize(
    "members",
    [
        {"error": "x_y"},
        {"error": {"code": 400}},
        {"error": "rate_limited"},
        {"error": True},
        {"ok": False, "error": "x_y"},
        {"success": "false"},
    ],
)
def test_an_error_beside_a_token_leaves_open_what_was_done(members: dict[str, object]) -> None:
    answer = json.dumps({"access_token": "at-1", **members})
    assert unusable(answer).ambiguous


@pytest.mark.parametrize(
    ("error", "meant"), [("invalid_grant", GrantRefused), ("invalid_client", ClientRefused)]
)
def test_an_error_of_a_known_meaning_beside_a_token_wins(
    error: str, meant: type[TokenRequestFailed]
) -> None:
    with pytest.raises(meant):
        granted(error=error)


@pytest.mark.parametrize(
    "body",
    [
        "",
        " ",
        "null",
        "[]",
        "{}",
        "1",
        '"access_token=at"',
        "{",
        '{"access_token": "at"',
        "OK",
        '[{"access_token": "at"}]',
        "<html>access_token=at</html>",
        "\x00",
        "%",
        "access_token",
        '{"token": "at"}',
        '{"message": "ok"}',
        "access_token=",
    ],
)
def test_a_body_without_a_token_is_unusable(body: str) -> None:
    assert unusable(body).ambiguous


def test_a_web_page_is_recognised() -> None:
    failure = unusable("<!doctype html><title>Sign in</title>", "text/html; charset=utf-8")
    assert failure.evidence.facts["html"] is True
    assert failure.evidence.content_type == "text/html"


@pytest.mark.parametrize("name", ["access_token", "refresh_token", "id_token"])
def test_a_member_that_comes_twice_and_differs_is_unusable(name: str) -> None:
    unusable(f'{{"access_token": "at", "{name}": "1", "{name}": "2"}}')
    unusable(f"access_token=at&{name}=1&{name}=2")


def test_a_member_that_comes_twice_alike_or_does_not_matter_is_accepted() -> None:
    body = '{"access_token": "at", "access_token": "at", "x": 1, "x": 2}'
    assert read(body).token_set.access_token == Secret("at")


@pytest.mark.parametrize("opening", ["[", '{"a":'])
@pytest.mark.parametrize("depth", [30, 10_000])
def test_deep_nesting_is_unusable(opening: str, depth: int) -> None:
    closing = "]" if opening == "[" else "}"
    nested = opening * depth + "1" + closing * depth
    unusable(f'{{"access_token": "at", "x": {nested}}}'[: 64 * 1024])
