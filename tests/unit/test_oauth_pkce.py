import re

from broker.model import Secret
from broker.oauth import code_challenge, new_code_verifier


def test_the_challenge_of_rfc_7636_appendix_b_comes_out() -> None:
    verifier = Secret("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
    assert code_challenge(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_a_verifier_has_43_unreserved_characters() -> None:
    assert re.fullmatch(r"[A-Za-z0-9\-._~]{43}", new_code_verifier().reveal())


def test_no_two_verifiers_are_alike() -> None:
    assert len({new_code_verifier().reveal() for _ in range(1000)}) == 1000


def test_a_verifier_does_not_print() -> None:
    verifier = new_code_verifier()
    assert verifier.reveal() not in f"{verifier!r} {verifier}"
