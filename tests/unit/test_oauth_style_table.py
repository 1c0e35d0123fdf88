"""Which style a service takes: every way of answering, and what is concluded from it."""

from collections.abc import Callable
from itertools import product

import pytest

from broker.diagnosis import Evidence, Kind, Step
from broker.model import SECRET_STYLES, StyleVerdict, Sureness, TokenRequestStyle
from broker.oauth.style_table import MOST, Ask, Heard, Place, Trial, Verdict, heard_of, next_step

POST, BASIC, JSON_POST, JSON_BASIC = SECRET_STYLES
type Service = Callable[[Ask], Heard]
T, X, R, B, H = Heard.TAKEN, Heard.OTHER, Heard.REFUSED, Heard.BROKEN, Heard.HOLD


def walk(
    service: Service,
    *,
    revocable: bool = True,
    order: tuple[TokenRequestStyle, ...] = SECRET_STYLES,
) -> tuple[Verdict, list[Ask]]:
    """Ask a service as long as the table wants to."""
    trials: list[Trial] = []
    while True:
        step = next_step(trials, order, revocable=revocable)
        if isinstance(step, Verdict):
            return step, [trial.ask for trial in trials]
        assert step not in [trial.ask for trial in trials]
        trials.append(Trial(step, service(step)))


def takes(*styles: TokenRequestStyle) -> Service:
    return lambda ask: T if ask.style in styles and ask.real else R


def at(place: Place, there: Service, elsewhere: Heard) -> Service:
    return lambda ask: there(ask) if ask.place is place else elsewhere


@pytest.mark.parametrize("style", SECRET_STYLES)
def test_the_only_style_that_is_taken_is_proven(style: TokenRequestStyle) -> None:
    verdict, asked = walk(takes(style))
    assert verdict == Verdict(StyleVerdict.PROVEN, (style,), Sureness.CERTAIN)
    assert [ask.style for ask in asked if not ask.real] == [style]
    assert {ask.place for ask in asked} == {Place.TOKEN}


def test_of_several_styles_the_first_is_taken_in_two_requests() -> None:
    verdict, asked = walk(takes(*SECRET_STYLES))
    assert verdict.candidates == (POST,)
    assert asked == [Ask(POST, Place.TOKEN, real=True), Ask(POST, Place.TOKEN, real=False)]


def test_another_first_guess_is_asked_first() -> None:
    verdict, asked = walk(takes(*SECRET_STYLES), order=(BASIC, POST))
    assert (verdict.candidates, len(asked)) == ((BASIC,), 2)


def test_what_looks_at_the_code_first_is_asked_to_revoke() -> None:
    verdict, asked = walk(at(Place.REVOCATION, takes(BASIC), T))
    assert verdict == Verdict(StyleVerdict.PROVEN, (BASIC,), Sureness.CERTAIN)
    assert len(asked) == 7


def test_what_cannot_revoke_either_leaves_a_guess() -> None:
    verdict, asked = walk(lambda _: T, revocable=False)
    assert verdict == Verdict(StyleVerdict.UNDECIDED, SECRET_STYLES)
    assert len(asked) == 4
    assert walk(lambda _: T)[0].verdict is StyleVerdict.UNDECIDED


def test_a_style_that_is_not_heard_at_all_does_not_hide_the_next() -> None:
    def service(ask: Ask) -> Heard:
        """Take a body's secret for nothing, and look at the code; know Basic alone."""
        return T if ask.style is POST else takes(BASIC)(ask)

    assert walk(service)[0] == Verdict(StyleVerdict.PROVEN, (BASIC,), Sureness.CERTAIN)


def test_where_every_style_is_refused_the_client_is_wrong_and_no_wrong_secret_is_sent() -> None:
    verdict, asked = walk(takes())
    assert verdict == Verdict(StyleVerdict.CLIENT_REFUSED, (POST,))
    assert [ask.real for ask in asked] == [True] * 4


@pytest.mark.parametrize("after", range(5))
def test_nothing_is_sent_after_the_service_asks_to_hold(after: int) -> None:
    heard = iter([*[R, T, T, X, X][:after], H])
    verdict, asked = walk(lambda _: next(heard))
    assert verdict.verdict is StyleVerdict.HELD_BACK
    assert len(asked) == after + 1


def test_two_answers_of_no_token_endpoint_are_enough() -> None:
    verdict, asked = walk(lambda _: B)
    assert verdict == Verdict(StyleVerdict.UNUSABLE, SECRET_STYLES)
    assert len(asked) == 2


def test_one_broken_answer_does_not_stop_the_search() -> None:
    broken = at(Place.TOKEN, lambda ask: B if ask.style is POST else takes(BASIC)(ask), B)
    assert walk(broken)[0].candidates == (BASIC,)


def test_another_error_than_the_codes_tells_apart_and_is_only_likely() -> None:
    verdict, _ = walk(lambda ask: X if ask.real else R)
    assert verdict == Verdict(StyleVerdict.PROVEN, (POST,), Sureness.LIKELY)


def test_what_was_refused_with_the_real_secret_is_no_candidate_any_more() -> None:
    verdict, _ = walk(lambda ask: R if ask.style is POST else X, revocable=False)
    assert verdict.candidates == (BASIC, JSON_POST, JSON_BASIC)


def test_whatever_a_service_says_the_table_ends_and_proves_only_by_a_difference() -> None:
    asks = [Ask(s, p, real) for p in Place for s in (POST, BASIC) for real in (True, False)]
    for heard in product((T, X, R), repeat=len(asks)):
        answers = dict(zip(asks, heard, strict=True))
        verdict, asked = walk(answers.__getitem__, order=(POST, BASIC))
        assert len(asked) <= MOST
        if verdict.verdict is StyleVerdict.PROVEN:
            [style] = verdict.candidates
            told = {
                (answers[Ask(style, p, real=True)], answers[Ask(style, p, real=False)])
                for p in Place
            }
            assert told & {(T, R), (X, R)}
            assert verdict.sure is not Sureness.GUESS
        else:
            assert verdict.sure is Sureness.GUESS
            assert verdict.candidates


def _answer(real: dict[TokenRequestStyle, Heard], wrong: Heard, ask: Ask) -> Heard:
    return real[ask.style] if ask.real else wrong


def test_four_styles_stay_within_ten_requests() -> None:
    for pattern in product((T, X, R, B), repeat=4):
        for wrong in (T, X, B):

            def service(
                ask: Ask, pattern: tuple[Heard, ...] = pattern, wrong: Heard = wrong
            ) -> Heard:
                return pattern[SECRET_STYLES.index(ask.style)] if ask.real else wrong

            verdict, asked = walk(service)
            assert len(asked) <= MOST
            assert verdict.verdict is not StyleVerdict.PROVEN


def refused(**more: object) -> Evidence:
    return Evidence(Step.EXCHANGE, Kind.REFUSED, **more)  # type: ignore[arg-type] # any member


@pytest.mark.parametrize(
    ("evidence", "heard"),
    [
        (refused(status=401, error="invalid_client", facts={"client_refused": True}), R),
        (refused(status=400, error="invalid_grant", facts={"grant_refused": True}), T),
        (refused(status=400, error="invalid_request"), X),
        (refused(status=429), H),
        (refused(status=200, error="ratelimited", facts={"rate_limited": True}), H),
        (refused(status=400, error="invalid_client", description="Client is locked out"), H),
        (refused(status=403, error="x", description="Too many failed attempts."), H),
        (refused(status=401, error="account_locked", facts={"client_refused": True}), H),
        (refused(status=401, error="x", description="2 attempts remaining"), H),
        (refused(status=400, error="x", description="the code is blocked by policy"), X),
        (Evidence(Step.REVOCATION, Kind.OK, status=200), T),
        (Evidence(Step.EXCHANGE, Kind.UNUSABLE, status=500), B),
        (Evidence(Step.EXCHANGE, Kind.UNUSABLE, status=404, facts={"html": True}), B),
        (Evidence(Step.EXCHANGE, Kind.NO_ANSWER), B),
        (Evidence(Step.EXCHANGE, Kind.NOT_SENT), B),
        (Evidence(Step.EXCHANGE, Kind.BLOCKED), B),
    ],
    ids=lambda value: value.value if isinstance(value, Heard) else value.seen,
)
def test_an_answer_says_something_of_the_client(evidence: Evidence, heard: Heard) -> None:
    assert heard_of(evidence) is heard
