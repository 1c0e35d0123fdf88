"""What end users read."""

import re
from string import Formatter

import pytest

from broker.model import PromptReason, Reason
from broker.wording import _TEXTS, DEFAULT_LOCALE, locale_of, say

PLACES = {"chat", "link", "service", "services", "user"}


@pytest.mark.parametrize("locale", _TEXTS)
def test_every_language_says_everything(locale: str) -> None:
    assert _TEXTS[locale].keys() == _TEXTS[DEFAULT_LOCALE].keys()


@pytest.mark.parametrize("locale", _TEXTS)
@pytest.mark.parametrize("key", _TEXTS[DEFAULT_LOCALE])
def test_every_sentence_fills_in_the_same_names_in_every_language(locale: str, key: str) -> None:
    def places(text: str) -> set[str | None]:
        return {name for _, name, _, _ in Formatter().parse(text) if name}

    assert places(_TEXTS[locale][key]) == places(_TEXTS[DEFAULT_LOCALE][key])
    assert places(_TEXTS[locale][key]) <= PLACES


@pytest.mark.parametrize("locale", _TEXTS)
def test_every_question_and_every_reason_of_a_reconnect_has_a_sentence_of_its_own(
    locale: str,
) -> None:
    said = [say(reason.value, locale) for reason in PromptReason]
    said += [say(f"because_{reason.value}", locale) for reason in Reason]
    assert len(said) == len(set(said))


@pytest.mark.parametrize("key", _TEXTS[DEFAULT_LOCALE])
def test_no_sentence_talks_of_machinery(key: str) -> None:
    words = r"\b(token|oauth|authenticate|authorize|integration|credential|server|API)\b"
    assert not re.search(words, _TEXTS["en"][key], re.IGNORECASE)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [("de", "de"), ("de-CH", "de"), ("DE_at", "de"), ("en", "en"), ("fr", "en"), (None, "en")],
)
def test_the_language_we_have_is_used(wanted: str | None, found: str) -> None:
    assert locale_of(wanted) == found


@pytest.mark.parametrize("wanted", ["", "-", "de\x00", "../de", "d" * 999])
def test_a_language_that_is_none_falls_back(wanted: str) -> None:
    assert locale_of(wanted) == DEFAULT_LOCALE


def test_the_button_names_the_service() -> None:
    label = say("button_not_connected", "en", service="Salesforce", chat="Chat")
    assert label == "Connect Salesforce account"


@pytest.mark.parametrize("name", ["{user}", "{service}", "{chat}", "{0}", "%s", "{"])
def test_a_name_is_shown_as_it_is(name: str) -> None:
    assert name in say("consent", "en", chat="Chat", service=name, user="Jo")
    assert name in say("consent", "en", chat=name, service="CRM", user="Jo")
