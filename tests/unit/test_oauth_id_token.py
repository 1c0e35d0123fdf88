"""An ID token names the account if it passes every check."""

from dataclasses import replace

import pytest

from broker.errors import AuthorizationServerError
from broker.oauth import NonceMismatch
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
from tests.unit.oauth_answers import NOW


def test_the_id_token_names_the_account_and_no_request_is_made() -> None:
    userinfo = saying({"email": "other@example.com"})
    account = find(id_token=jwt(CLAIMS), userinfo=userinfo, server=WITH_USERINFO)
    assert account.label == "jo@example.com"
    assert account.subject_hash is not None
    assert userinfo.requests == []


@pytest.mark.parametrize(
    "changed",
    [
        {"aud": "other-client"},
        {"aud": ["other-client"]},
        {"aud": []},
        {"aud": None},
        {"aud": 5},
        {"aud": {"client-1": 1}},
        {"aud": ["client-1", "other"]},
        {"aud": ["client-1", "other"], "azp": "other"},
        {"iss": "https://login.example.com/"},
        {"iss": "https://evil.example.com"},
        {"iss": None},
        {"iss": 5},
        {"exp": NOW.timestamp() - 301},
        {"exp": None},
        {"exp": "soon"},
        {"exp": True},
        {"exp": float("nan")},
        {"nonce": None},
    ],
)
def test_an_id_token_that_fails_a_check_is_ignored(changed: dict[str, object]) -> None:
    assert from_claims(**changed) == NOBODY


@pytest.mark.parametrize(
    "changed",
    [
        {"aud": ["client-1"]},
        {"aud": ["client-1", "other"], "azp": "client-1"},
        {"exp": NOW.timestamp() - 299},
        {"exp": 10**25},
    ],
)
def test_an_id_token_that_passes_them_is_used(changed: dict[str, object]) -> None:
    assert from_claims(**changed).label == "jo@example.com"


def test_without_a_configured_issuer_any_issuer_is_taken() -> None:
    server = replace(SERVER, issuer=None)
    assert from_claims(server, iss="https://tenant.example.com").label == "jo@example.com"


def test_an_id_token_that_fails_leaves_the_word_to_the_next_source() -> None:
    userinfo = saying({"sub": "subject-2", "email": "next@example.com"})
    account = find(id_token=jwt(CLAIMS | {"aud": "x"}), userinfo=userinfo, server=WITH_USERINFO)
    assert account.label == "next@example.com"


@pytest.mark.parametrize("nonce", ["n-2", "", None, 5, ["n-1"]])
def test_another_nonce_means_that_the_response_is_not_ours(nonce: object) -> None:
    with pytest.raises(NonceMismatch):
        find(id_token=jwt(CLAIMS | {"nonce": nonce}))


def test_another_nonce_is_an_error_of_the_api_if_nobody_catches_it() -> None:
    with pytest.raises(AuthorizationServerError):
        find(id_token=jwt(CLAIMS | {"nonce": "n-2", "aud": "x"}))


def test_a_nonce_that_was_not_asked_for_does_not_matter() -> None:
    assert from_claims(SERVER, None).label == "jo@example.com"
    assert from_claims(SERVER, None, nonce=None).label == "jo@example.com"


@pytest.mark.parametrize("token", ["x", "a.b.c", "....", "e30.W10.c", "e30.eyJ9.c", "a.b.c.d.e"])
def test_an_id_token_that_is_none_is_ignored(token: str) -> None:
    assert find(id_token=token) == NOBODY


@pytest.mark.parametrize("parts", [2, 5])
def test_an_encrypted_or_unsecured_id_token_is_ignored(parts: int) -> None:
    header, claims, signature = jwt(CLAIMS).split(".")
    token = ".".join([header, claims, signature, signature, signature][:parts])
    assert find(id_token=token) == NOBODY
