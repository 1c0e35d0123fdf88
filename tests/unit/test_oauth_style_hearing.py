"""What an answer says of the client, and of the style it was sent in."""

import pytest

from broker.diagnosis import Evidence, Kind, Step
from broker.oauth.style_hearing import Heard, heard_of

T, X, R, H = Heard.TAKEN, Heard.OTHER, Heard.REFUSED, Heard.HOLD
B, U, S = Heard.BROKEN, Heard.UNREAD, Heard.SILENT


def refused(**more: object) -> Evidence:
    return Evidence(Step.EXCHANGE, Kind.REFUSED, **more)  # type: ignore[arg-type] # any member


def unusable(**more: object) -> Evidence:
    return Evidence(Step.EXCHANGE, Kind.UNUSABLE, **more)  # type: ignore[arg-type] # any member


@pytest.mark.parametrize(
    ("evidence", "heard"),
    [
        (refused(status=401, error="invalid_client", facts={"client_refused": True}), R),
        (refused(status=400, error="invalid_grant", facts={"grant_refused": True}), T),
        (refused(status=400, error="invalid_request"), X),
        (refused(status=429), H),
        (refused(status=423), H),
        (refused(status=401, facts={"client_refused": True, "retry_after_seconds": 30}), H),
        (refused(status=401, error="unauthorized_client", facts={"client_refused": True}), R),
        (unusable(status=415), U),
        (unusable(status=406, error="invalid_request"), U),
        (unusable(status=422), U),
        (unusable(status=422, description="The code is too short."), X),
        (unusable(status=403, facts={"html": True}), B),
        (unusable(status=500, description="Unexpected content-type"), B),
        (refused(status=200, error="ratelimited", facts={"rate_limited": True}), H),
        (refused(status=400, error="invalid_client", description="Client is locked out"), H),
        (refused(status=403, error="x", description="Too many failed attempts."), H),
        (refused(status=401, error="account_locked", facts={"client_refused": True}), H),
        (refused(status=401, error="x", description="2 attempts remaining"), H),
        (refused(status=400, error="x", description="the code is blocked by policy"), X),
        (Evidence(Step.REVOCATION, Kind.OK, status=200), T),
        (Evidence(Step.EXCHANGE, Kind.UNUSABLE, status=500), B),
        (Evidence(Step.EXCHANGE, Kind.UNUSABLE, status=404, facts={"html": True}), B),
        (Evidence(Step.EXCHANGE, Kind.NO_ANSWER), S),
        (Evidence(Step.EXCHANGE, Kind.NOT_SENT), S),
        (Evidence(Step.EXCHANGE, Kind.BLOCKED), S),
    ],
    ids=lambda value: value.value if isinstance(value, Heard) else value.seen,
)
def test_an_answer_says_something_of_the_client(evidence: Evidence, heard: Heard) -> None:
    assert heard_of(evidence) is heard


@pytest.mark.parametrize(
    "said",
    [
        "Missing form parameter: grant_type",
        "OAuth 2.0 Parameter: grant_type",
        "Missing required parameter: grant_type.",
        "AADSTS900144: The request body must contain the following parameter: 'grant_type'.",
        "Invalid grant_type parameter or parameter missing",
        "body failed validation: body.grant_type should be defined",
        "The grant type field is required.",
        "No grant type specified",
        "unsupported_grant_type",
        "Accept and/or Content-Type headers did not match supported values.",
        "Missing Authorization header",
        "Missing 'Authorization' header or 'client_id'",
        "client_id is required",
        "Required parameter is missing: code; missing code",
        "Missing client_id parameter.",
        "client_secret_post is not enabled for this client",
        "The request body is empty",
        "Request body must be valid JSON",
        "Malformed JSON",
        "Input should be a valid dictionary",
        "Expected application/x-www-form-urlencoded",
        "HTTP Basic authentication is required",
    ],
)
def test_a_request_that_was_not_read_is_told_by_its_words(said: str) -> None:
    assert heard_of(refused(status=400, error="invalid_request", description=said)) is U


@pytest.mark.parametrize(
    "said",
    [
        "",
        "The request is missing a required parameter, includes an invalid parameter value.",
        "Value passed for the authorization code was invalid.",
        "The authorization code is invalid for this grant type.",
        "Invalid authorization code format",
        "The code_verifier is required.",
        "Missing code_verifier parameter",
        "The redirect_uri does not match",
        "This code was already used",
        "Invalid code: not found",
    ],
)
def test_words_about_the_code_are_no_words_about_the_style(said: str) -> None:
    assert heard_of(refused(status=400, error="invalid_request", description=said)) is X
