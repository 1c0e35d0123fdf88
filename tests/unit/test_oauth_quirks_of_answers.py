"""Token responses of services that differ, as their builders declare them."""

from dataclasses import replace
from typing import Any

import pytest

from broker.model import (
    Quirks,
    Secret,
    Server,
)
from broker.oauth import NoUsableAnswer, RequestRefused, TokenRequestFailed
from tests.unit.oauth_answers import (
    HOUR,
    NOW,
    SERVER,
    answering,
    granted,
    refresh,
)


def having(**quirks: Any) -> Server:
    return replace(SERVER, quirks=Quirks(**quirks))


def test_members_are_read_where_they_are_said_to_lie() -> None:
    fields = {
        "refresh_token": "data.renewal",
        "expires_in": "data.meta.ttl",
        "scope": "data.permissions",
        "refresh_token_expires_in": "data.renewal_ttl",
    }
    data = {
        "access_token": "at-1",
        "renewal": "rt-1",
        "meta": {"ttl": "3600"},
        "permissions": "a b",
        "renewal_ttl": 7200,
    }
    tokens = granted(having(token_response_fields=fields), access_token=None, data=data).token_set
    assert tokens.refresh_token == Secret("rt-1")
    assert (tokens.expires_at, tokens.scope) == (HOUR, ("a", "b"))
    assert tokens.refresh_expires_at == NOW + 2 * (HOUR - NOW)


def test_what_does_not_lie_there_is_looked_for_as_usual() -> None:
    server = having(token_response_fields={"refresh_token": "data.none", "expires_in": "x.y"})
    tokens = granted(server, refresh_token="rt-1", expires_in=3600).token_set
    assert (tokens.refresh_token, tokens.expires_at) == (Secret("rt-1"), HOUR)


def test_a_list_of_one_counts_as_its_item() -> None:
    tokens = granted(access_token=None, data=[{"access_token": "at-2", "user_id": 1}]).token_set
    assert tokens.access_token == Secret("at-2")


@pytest.mark.parametrize(
    "moment",
    ["2026-07-28T13:00:00Z", "2026-07-28T15:00:00+02:00", 1785243600, "1785243600", 1785243600000],
)
def test_a_lifetime_may_be_a_moment_in_any_usual_form(moment: object) -> None:
    server = having(token_response_fields={"expires_in": "valid.until"})
    assert granted(server, valid={"until": moment}).token_set.expires_at == HOUR


@pytest.mark.parametrize("moment", ["soon", {}, [], True, -1, 0, 1e30, "9" * 40, 1111111111])
def test_nonsense_and_what_is_past_tell_no_lifetime(moment: object) -> None:
    found = granted(having(token_response_fields={"expires_in": "until"}), until=moment)
    assert (found.token_set.expires_at, found.lifetime_told) == (None, False)


def test_a_lifetime_that_is_assumed_was_not_told() -> None:
    found = granted(replace(SERVER, default_expires_in=3600))
    assert (found.token_set.expires_at, found.lifetime_told) == (HOUR, False)


@pytest.mark.parametrize(
    ("body", "field", "error"),
    [
        ({"errcode": 40029, "errmsg": "invalid code, hints: none"}, None, "errcode-40029"),
        ({"code": 20003, "msg": "no"}, "code", "code-20003"),
        ({"base": {"status": "TOKEN_GONE"}, "access_token": ""}, "base.status", "TOKEN_GONE"),
    ],
)
def test_a_success_with_an_error_inside_is_a_refusal(
    body: dict[str, object], field: str | None, error: str
) -> None:
    with pytest.raises(TokenRequestFailed) as caught:
        refresh(answering(200, json=body), having(error_field=field))
    assert isinstance(caught.value, RequestRefused)
    assert caught.value.evidence.error == error


@pytest.mark.parametrize("code", [0, "0", "ok", "SUCCESS", "", None, False])
def test_a_success_that_says_so_is_one(code: object) -> None:
    found = granted(having(error_field="code"), code=code, errcode=0)
    assert found.token_set.access_token == Secret("at-1")


def test_an_error_beside_a_token_leaves_open_what_was_done() -> None:
    with pytest.raises(NoUsableAnswer) as caught:
        granted(having(error_field="code"), code=7)
    assert caught.value.ambiguous
