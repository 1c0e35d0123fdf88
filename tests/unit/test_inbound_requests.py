"""What callers may send: shapes, sizes and characters."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from broker.errors import InvalidRequest
from broker.inbound.registry_requests import PutServerRequest
from broker.inbound.requests import (
    CompleteRequest,
    ForUser,
    InvokeRequest,
    Named,
    PageRequest,
    cursor_of,
)
from broker.model import Kept, Purpose, Secret

SERVER = {
    "server_id": "crm",
    "name": "CRM",
    "mcp_url": "https://mcp.example.com/mcp",
    "auth_type": "consumer_oauth",
}


def put(**changes: Any) -> PutServerRequest:
    return PutServerRequest.model_validate(SERVER | changes)


@pytest.mark.parametrize("user_id", ["a", " ", "a#b", "a/b", "jo@example.com", "é" * 256, "😀"])
def test_a_user_id_is_any_printable_text(user_id: str) -> None:
    assert ForUser.model_validate({"user_id": user_id}).user_id == user_id


@pytest.mark.parametrize(
    "twins", [("\ufb01", "fi"), ("\u00e9", "e\u0301"), ("A", "a"), ("a", "a ")]
)
def test_a_user_id_is_taken_as_it_is(twins: tuple[str, str]) -> None:
    first, second = (ForUser.model_validate({"user_id": twin}).user_id for twin in twins)
    assert first != second


@pytest.mark.parametrize(
    "user_id",
    ["", "a" * 257, "a\x00", "\n", "a\x7f", "a\x85", "a\u2028", "\ud800", 17, None, ["a"], True],
)
def test_a_user_id_with_control_characters_or_of_another_size_is_refused(user_id: object) -> None:
    with pytest.raises(ValidationError):
        ForUser.model_validate({"user_id": user_id})


@pytest.mark.parametrize("server_id", ["a", "0", "crm-2", "a" * 63])
def test_a_server_id_is_a_short_name(server_id: str) -> None:
    assert Named.model_validate({"server_id": server_id})


@pytest.mark.parametrize(
    "server_id", ["", "-a", "A", "a_b", "a.b", "a/b", "a" * 64, "a\n", "a b", "é", "a\x00"]
)
def test_any_other_server_id_is_refused(server_id: str) -> None:
    with pytest.raises(ValidationError):
        Named.model_validate({"server_id": server_id})


def test_a_client_state_has_at_most_512_characters() -> None:
    asked = {"user_id": "jo", "server_id": "crm", "tool": "get", "client_state": "x" * 512}
    assert InvokeRequest.model_validate(asked)
    with pytest.raises(ValidationError):
        InvokeRequest.model_validate(asked | {"client_state": "x" * 513})


def test_a_number_is_not_taken_for_text() -> None:
    with pytest.raises(ValidationError):
        put(name=17)


@pytest.mark.parametrize("field", ["private_key_jwt", "account_change", "client_key", "kept"])
def test_a_field_that_does_not_work_yet_is_refused(field: str) -> None:
    with pytest.raises(ValidationError):
        put(**{field: "x"})


def test_an_omitted_secret_is_kept_a_null_one_removed_a_given_one_taken() -> None:
    assert put().draft.client_secret is Kept.KEPT
    assert put(client_secret=None).draft.client_secret is None
    assert put(client_secret="s").draft.client_secret == Secret("s")


@pytest.mark.parametrize(
    "change",
    [
        {"name": "x" * 81},
        {"name": "a\u202eb\n"},
        {"scopes": ["a b"]},
        {"scopes": ['a"b']},
        {"scopes": ["a"] * 101},
        {"scope_separator": ";"},
        {"token_request_style": "auto-magic"},
        {"token_header": "X-Key\r\nEvil"},
        {"token_header": "Ключ"},
        {"token_scheme": "Bearer x"},
        {"default_expires_in": 0},
        {"default_expires_in": True},
        {"reuse_grace_seconds": -1},
        {"reuse_grace_seconds": 86_401},
        {"reuse_grace_seconds": True},
        {"reuse_grace_seconds": 1.5},
        {"extra_token_params": {"a": "b\n"}},
        {"extra_token_params": {str(n): "" for n in range(21)}},
        {"mcp_url": "x" * 2049},
        {"account_field": "__class__[0]"},
        {"scope_parameter": "a b"},
        {"client_id_parameter": ""},
        {"preset": "../slack"},
        {"values": {"subdomain": 5}},
        {"values": {"subdomain": "x" * 254}},
        {"values": {str(n): "x" for n in range(11)}},
        {"name": None},
        {"auth_type": None},
    ],
    ids=str,
)
def test_a_malformed_configuration_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        put(**change)


def test_secrets_never_print() -> None:
    shown = repr(put(client_secret="canary-1")) + repr(put(bearer_token="canary-2"))
    claim = {"user_id": "jo", "server_id": "crm", "connect_id": "c", "completion_code": "canary"}
    assert "canary" not in shown + repr(CompleteRequest.model_validate(claim))


def test_a_chat_completes_connections_and_never_tests() -> None:
    claim = {"user_id": "jo", "server_id": "crm", "connect_id": "c", "completion_code": "x"}
    assert CompleteRequest.model_validate(claim).claimant.purpose is Purpose.CONNECT


@given(st.text(min_size=1, max_size=256, alphabet=st.characters(codec="utf-8")))
def test_a_cursor_comes_back_as_it_went(key: str) -> None:
    assert PageRequest(cursor=cursor_of(key)).start == key


@pytest.mark.parametrize("cursor", ["a", "_____", "__79", "gIA"])
def test_a_cursor_that_is_not_ours_is_refused(cursor: str) -> None:
    with pytest.raises(InvalidRequest):
        _ = PageRequest(cursor=cursor).start
