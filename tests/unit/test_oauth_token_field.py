"""Where the builder says that the access token lies."""

from dataclasses import replace

import pytest

from broker.model import Secret
from tests.unit.oauth_answers import HOUR, SERVER, granted

BOT = {"access_token": "bot-1", "refresh_token": "bot-r", "expires_in": 60, "scope": "chat"}
USER = {"access_token": "user-1", "refresh_token": "user-r", "expires_in": 3600, "scope": "read"}
OF_USER = replace(SERVER, access_token_field="authed_user.access_token")


def test_the_named_token_is_taken_with_what_lies_beside_it() -> None:
    tokens = granted(OF_USER, **BOT, authed_user=USER).token_set
    assert tokens.access_token == Secret("user-1")
    assert tokens.refresh_token == Secret("user-r")
    assert (tokens.expires_at, tokens.scope) == (HOUR, ("read",))


def test_another_tokens_lifetime_and_refresh_token_are_not_borrowed() -> None:
    alone = {"access_token": "user-1"}
    tokens = granted(OF_USER, **BOT, authed_user=alone).token_set
    assert tokens.access_token == Secret("user-1")
    assert (tokens.refresh_token, tokens.expires_at, tokens.scope) == (None, None, None)


def test_what_an_answer_says_of_its_only_token_is_that_tokens() -> None:
    tokens = granted(
        OF_USER, access_token=None, expires_in=3600, authed_user={"access_token": "user-1"}
    ).token_set
    assert (tokens.access_token, tokens.expires_at) == (Secret("user-1"), HOUR)


def test_a_token_of_another_name_is_read() -> None:
    server = replace(SERVER, access_token_field="data.user_token")
    tokens = granted(
        server, access_token=None, data={"user_token": "t-1", "expires_in": 3600}
    ).token_set
    assert (tokens.access_token, tokens.expires_at) == (Secret("t-1"), HOUR)


@pytest.mark.parametrize("field", ["authed_user.access_token", "a.b.c", ".", "scope.x", "missing"])
def test_where_nothing_lies_there_the_token_is_looked_for_as_usual(field: str) -> None:
    tokens = granted(replace(SERVER, access_token_field=field), **USER).token_set
    assert tokens.access_token == Secret("user-1")
    assert tokens.refresh_token == Secret("user-r")
