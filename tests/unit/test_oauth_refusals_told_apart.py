"""Refusals that are told apart by their status or by the sentence beside their code."""

import pytest

from broker.oauth import ClientRefused, GrantRefused, NoUsableAnswer, RequestRefused
from tests.unit.oauth_answers import failure

PASSING: dict[str, tuple[int, object]] = {
    "a dead grant in an outage": (503, {"error": "invalid_grant"}),
    "a wrong client in an outage": (500, {"error": "invalid_client"}),
    "a dead grant among too many": (429, {"error": "invalid_grant"}),
    "a workspace on its way": (200, {"ok": False, "error": "org_login_required"}),
    "a workspace added": (200, {"ok": False, "error": "team_added_to_org"}),
    "an internal failure": (400, {"error": "internal_failure"}),
    "a limit, in words": (403, {"error": {"code": 403, "message": "Rate Limit Exceeded"}}),
}


@pytest.mark.parametrize("case", PASSING)
def test_what_passes_flags_no_user_and_no_server(case: str) -> None:
    status, body = PASSING[case]
    assert isinstance(failure(status, body), NoUsableAnswer)


@pytest.mark.parametrize(
    ("body", "meant"),
    [
        ({"error": "unauthorized_client"}, ClientRefused),
        (
            {"error": "unauthorized_client", "error_description": "refresh_token is invalid"},
            GrantRefused,
        ),
        (
            {
                "error": "unauthorized_client",
                "error_description": "grant type refresh_token: invalid",
            },
            ClientRefused,
        ),
        ({"error": "invalid_token"}, RequestRefused),
        (
            {"error": "invalid_token", "error_description": "Invalid refresh token (expired): x"},
            GrantRefused,
        ),
        ({"error": "access_denied"}, RequestRefused),
        (
            {"error": "access_denied", "error_description": "Your refresh token was revoked"},
            GrantRefused,
        ),
        ({"error": "invalid_grant", "error_description": "client secret is wrong"}, GrantRefused),
        ({"error": "login_required"}, GrantRefused),
    ],
    ids=str,
)
def test_a_code_of_two_meanings_is_told_apart_by_its_sentence(
    body: dict[str, str], meant: type[Exception]
) -> None:
    assert type(failure(400, body)) is meant
