"""Which style a service takes: every way of answering, and what is concluded from it."""

from collections.abc import Callable
from itertools import product

import pytest

from broker.model import SECRET_STYLES, StyleVerdict, Sureness, TokenRequestStyle
from broker.oauth.style_hearing import Heard
from broker.oauth.style_table import (
    MOST,
    Ask,
    Place,
    Trial,
    Verdict,
    next_step,
    worth_trying,
)

POST, BASIC, JSON_POST, JSON_BASIC = SECRET_STYLES
type Service = Callable[[Ask], Heard]
T, X, R, H = Heard.TAKEN, Heard.OTHER, Heard.REFUSED, Heard.HOLD
B, U, S = Heard.BROKEN, Heard.UNREAD, Heard.SILENT


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


def test_what_is_broken_in_every_style_is_unusable_and_hears_no_wrong_secret() -> None:
    verdict, asked = walk(lambda _: B)
    assert verdict == Verdict(StyleVerdict.UNUSABLE, SECRET_STYLES)
    assert [ask.real for ask in asked] == [True] * 4


def test_silence_to_a_form_and_to_json_is_enough() -> None:
    verdict, asked = walk(lambda _: S)
    assert verdict.verdict is StyleVerdict.UNUSABLE
    assert [ask.style for ask in asked] == [POST, JSON_POST]


@pytest.mark.parametrize("broken", [B, U, S, X])
@pytest.mark.parametrize("style", [JSON_POST, JSON_BASIC])
def test_a_service_that_breaks_on_forms_is_found_to_take_json(
    broken: Heard, style: TokenRequestStyle
) -> None:
    def service(ask: Ask) -> Heard:
        return broken if ask.style in (POST, BASIC) else takes(style)(ask)

    assert walk(service)[0] == Verdict(StyleVerdict.PROVEN, (style,), Sureness.CERTAIN)


def test_a_style_that_is_taken_goes_before_one_with_another_error() -> None:
    def service(ask: Ask) -> Heard:
        """Check the secret, then whether the app may send it so."""
        return {POST: X, BASIC: T}.get(ask.style, X) if ask.real else R

    assert walk(service)[0] == Verdict(StyleVerdict.PROVEN, (BASIC,), Sureness.CERTAIN)


def test_a_code_looked_at_with_the_real_secret_alone_is_likely() -> None:
    verdict, asked = walk(lambda ask: T if ask.real else X)
    assert verdict == Verdict(StyleVerdict.PROVEN, (POST,), Sureness.LIKELY)
    assert len(asked) == 2


@pytest.mark.parametrize("unread", [U, X, B])
def test_a_code_is_sent_first_in_the_style_in_which_codes_are_looked_at(unread: Heard) -> None:
    verdict, _ = walk(lambda ask: T if ask.style is BASIC else unread, revocable=False)
    assert verdict.verdict is StyleVerdict.UNDECIDED
    assert verdict.candidates == (BASIC, POST, JSON_POST, JSON_BASIC)


def test_candidates_are_taken_then_unasked_then_other_then_broken_then_unread() -> None:
    heard = dict(zip(SECRET_STYLES, (U, B, X, T), strict=True))
    trials = [Trial(Ask(s, Place.TOKEN, real=True), heard[s]) for s in SECRET_STYLES]
    assert worth_trying(trials, SECRET_STYLES) == (JSON_BASIC, JSON_POST, BASIC, POST)
    assert worth_trying(trials[:2], SECRET_STYLES) == (JSON_POST, JSON_BASIC, BASIC, POST)


@pytest.mark.parametrize("deaf", [U, B, X])
def test_a_wrong_secret_is_known_though_json_is_not_read(deaf: Heard) -> None:
    verdict, asked = walk(lambda ask: R if ask.style in (POST, BASIC) else deaf)
    assert verdict == Verdict(StyleVerdict.CLIENT_REFUSED, (POST,))
    assert {ask.place for ask in asked} == {Place.TOKEN}


@pytest.mark.parametrize("deaf", [U, B])
def test_a_wrong_secret_is_known_though_forms_are_not_read(deaf: Heard) -> None:
    verdict, _ = walk(lambda ask: deaf if ask.style in (POST, BASIC) else R)
    assert verdict == Verdict(StyleVerdict.CLIENT_REFUSED, (JSON_POST,))


def test_what_is_silent_in_one_style_is_not_said_to_refuse_the_client() -> None:
    verdict, _ = walk(lambda ask: S if ask.style is BASIC else R)
    assert verdict == Verdict(StyleVerdict.UNDECIDED, (BASIC,))


def test_a_revocation_endpoint_proves_no_style_that_the_token_endpoint_does_not_read() -> None:
    def service(ask: Ask) -> Heard:
        """Look at codes first, in JSON; revoke with a form."""
        if ask.place is Place.REVOCATION:
            return takes(POST)(ask)
        return T if ask.style in (JSON_POST, JSON_BASIC) else U

    verdict, _ = walk(service)
    assert verdict.verdict is StyleVerdict.UNDECIDED
    assert verdict.candidates == (JSON_POST, JSON_BASIC, POST, BASIC)


def test_what_only_the_revocation_endpoint_refuses_stays_a_candidate() -> None:
    verdict, _ = walk(at(Place.REVOCATION, takes(), T))
    assert verdict == Verdict(StyleVerdict.UNDECIDED, SECRET_STYLES)


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
            assert told & {(T, R), (X, R), (T, X)}
            assert verdict.sure is not Sureness.GUESS
        else:
            assert verdict.sure is Sureness.GUESS
            assert verdict.candidates


@pytest.mark.parametrize("wrong", [(T, T), (X, X), (R, R), (R, X), (B, R)])
@pytest.mark.parametrize("revoking", [R, T])
def test_four_styles_stay_within_what_is_promised(
    wrong: tuple[Heard, Heard], revoking: Heard
) -> None:
    for pattern in product((T, X, R, U, B, S), repeat=4):
        real = dict(zip(SECRET_STYLES, pattern, strict=True))

        def service(ask: Ask, real: dict[TokenRequestStyle, Heard] = real) -> Heard:
            if ask.place is Place.REVOCATION:
                return revoking if ask.real else R
            return real[ask.style] if ask.real else wrong[SECRET_STYLES.index(ask.style) % 2]

        verdict, asked = walk(service)
        assert len(asked) <= MOST
        failed = [(ask.style, ask.place) for ask in asked if service(ask) is R]
        assert len(failed) == len(set(failed))
        best = verdict.candidates[0]
        heard = {real[ask.style] for ask in asked if ask.place is Place.TOKEN}
        match verdict.verdict:
            case StyleVerdict.PROVEN:
                assert real[best] is T or (real[best] is X and T not in heard)
            case StyleVerdict.CLIENT_REFUSED:
                assert real[best] is R
                assert T not in heard
            case StyleVerdict.UNUSABLE:
                assert heard <= {B, S}
            case _:
                known = {ask.style for ask in asked if ask.place is Place.TOKEN}
                told = [B if real[s] is S else real[s] for s in verdict.candidates if s in known]
                assert told == sorted(told, key=[T, X, B, U, R].index)
                assert R not in told[1:]
