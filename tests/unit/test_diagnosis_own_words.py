"""What only the broker can have seen is not believed of a service that says it."""

import pytest

from broker.diagnosis import Cause, Certainty, Step
from tests.unit.diagnosis_cases import judge, refused

OURS = {
    "server_changed": Cause.SERVER_CHANGED,
    "kept_field": Cause.KEPT_FIELD_MISSING,
    "nonce_mismatch": Cause.NONCE_MISMATCH,
    "issuer_mismatch": Cause.ISSUER_MISMATCH,
    "signing_key_missing": Cause.CLIENT_SECRET_MISSING,
    "session_mismatch": Cause.SESSION_MISMATCH,
    "cookies_refused": Cause.COOKIES_REFUSED,
}


@pytest.mark.parametrize("step", [Step.AUTHORIZATION, Step.EXCHANGE, Step.REFRESH, Step.REVOCATION])
@pytest.mark.parametrize("code", OURS)
@pytest.mark.parametrize("status", [None, 400])
def test_a_service_cannot_speak_for_us(step: Step, code: str, status: int | None) -> None:
    told = judge(refused(step, code, status=status))
    assert told.cause is not OURS[code]
    assert told.certainty is not Certainty.CERTAIN


APP_ID = "appid/redirect uri/code verifier does not match authorization code."
SHORT = "appId or redirect uri does not match authorization code or authorization code expired"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        ("invalid_request", f"{APP_ID} Or authorization code expired."),
        ("invalid_redirect_uri", SHORT),
        ("invalid_grant", "code has expired; redirect_uri must match the registered one"),
    ],
)
def test_code_and_redirect_uri_in_one_breath_are_not_told_apart(error: str, said: str) -> None:
    told = judge(refused(Step.EXCHANGE, error, said))
    assert (told.cause, told.certainty) == (Cause.GRANT_REFUSED, Certainty.LIKELY)
    candidates = {one.cause for one in told.candidates}
    assert candidates == {Cause.REDIRECT_URI_MISMATCH, Cause.PKCE_REFUSED}


@pytest.mark.parametrize(
    ("step", "said"),
    [
        (Step.EXCHANGE, "The redirect_uri does not match the registered one."),
        (Step.EXCHANGE, "AADSTS500112: the reply address is another than that of the code."),
        (Step.AUTHORIZATION, "redirect_uri is invalid; code is expected"),
    ],
)
def test_a_redirect_uri_alone_is_certain(step: Step, said: str) -> None:
    told = judge(refused(step, "invalid_request", said))
    assert (told.cause, told.certainty) == (Cause.REDIRECT_URI_MISMATCH, Certainty.CERTAIN)
