"""The pages that end users see: headers, cookies, and nothing that is not escaped."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest
from aws_lambda_powertools.event_handler import Response
from hypothesis import given
from hypothesis import strategies as st

from broker.errors import InvalidRequest
from broker.inbound.pages import browser_answer, page_error
from broker.model import ClosingPage, ConsentPage, Redirect, Secret
from broker.wording import say

XSS = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'><svg onload=alert(1)>",
    "</title><script>alert(1)</script>",
    "javascript:alert(1)",
    "{service}{user}{chat}",
    "&lt;b&gt;",
]
CONSENT: dict[str, Any] = {
    "chat_name": "Chat",
    "chat_logo_url": "https://chat.example.com/logo.png",
    "user_label": "Jo",
    "service": "CRM",
    "ticket": Secret("t"),
    "csrf": Secret("c"),
    "cookie_name": "__Host-consent-1",
    "action_origin": "https://login.example.com",
}


CLOSING_TAGS = {"html", "head", "meta", "title", "body", "main", "p", "h1"}


class Tags(HTMLParser):
    """What a browser would make of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.attributes: set[str] = set()
        self.sources: set[str | None] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.attributes.update(name for name, _ in attrs)
        self.sources.update(value for name, value in attrs if name in {"src", "href"})


def consent(**changes: Any) -> Response[str]:
    return browser_answer(ConsentPage(**CONSENT | changes))


def closing(**changes: Any) -> Response[str]:
    page = ClosingPage(title="T", message="M", succeeded=True)
    return browser_answer(replace(page, **changes))


def html(answer: Response[str]) -> str:
    assert answer.body is not None
    return answer.body


def without_style(answer: Response[str]) -> str:
    return re.sub(r"<style.*?</style>", "", html(answer), flags=re.DOTALL)


def cookie(answer: Response[str]) -> str:
    [only] = answer.cookies or []
    return str(only)


@pytest.mark.parametrize("answer", [consent(), closing(), page_error(InvalidRequest("x"), "r")])
def test_every_page_has_the_headers_that_keep_it_to_itself(answer: Response[str]) -> None:
    headers = {name.lower(): value for name, value in answer.headers.items()}
    assert headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-content-type-options"] == "nosniff"
    policy = str(headers["content-security-policy"])
    assert policy.startswith("default-src 'none';")
    assert "frame-ancestors 'none'" in policy
    assert "base-uri 'none'" in policy
    assert "unsafe" not in policy


def test_a_redirect_is_a_303_without_referrer_and_store() -> None:
    answer = browser_answer(Redirect("https://chat.example.com/return?a=1"))
    assert answer.status_code == 303
    assert answer.headers["Location"] == "https://chat.example.com/return?a=1"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_nonce_is_new_for_every_page() -> None:
    policies = {str(closing().headers["Content-Security-Policy"]) for _ in range(3)}
    assert len(policies) == 3


def test_the_flows_cookie_is_bound_to_this_host_and_lives_ten_minutes() -> None:
    answer = browser_answer(
        Redirect("https://x.example.com", set_cookie=("__Host-flow-1", Secret("v")))
    )
    parts = set(cookie(answer).split("; "))
    assert parts == {
        "__Host-flow-1=v",
        "Path=/",
        "Secure",
        "HttpOnly",
        "SameSite=Lax",
        "Max-Age=600",
    }


def test_a_cookie_that_is_cleared_has_the_same_attributes_and_no_time() -> None:
    answer = browser_answer(Redirect("https://x.example.com", clear_cookie="__Host-flow-1"))
    assert set(cookie(answer).split("; ")) >= {"__Host-flow-1=", "Path=/", "Secure", "Max-Age=0"}


@pytest.mark.parametrize("text", XSS)
@pytest.mark.parametrize("field", ["chat_name", "user_label", "service"])
def test_no_name_on_the_consent_page_becomes_markup(field: str, text: str) -> None:
    tags = Tags()
    tags.feed(html(consent(**{field: text})))
    assert tags.names <= {*CLOSING_TAGS, "style", "form", "input", "button", "img"}
    assert not [name for name in tags.attributes if name.startswith("on")]
    assert tags.sources <= {CONSENT["chat_logo_url"]}


@pytest.mark.parametrize("text", ["{user}", "{service}", "{chat}"])
def test_a_name_is_shown_as_it_is_even_if_it_looks_like_a_placeholder(text: str) -> None:
    assert text in without_style(consent(service=text, user_label="Jo", chat_name="Chat"))


@given(st.text(max_size=30), st.text(max_size=30))
def test_nothing_said_on_a_closing_page_becomes_markup(title: str, message: str) -> None:
    tags = Tags()
    tags.feed(html(closing(title=title, message=message, succeeded=False)))
    assert tags.names <= {*CLOSING_TAGS, "style", "svg", "path"}


def test_the_logo_is_the_only_picture_allowed() -> None:
    policy = str(consent().headers["Content-Security-Policy"])
    assert "img-src https://chat.example.com/logo.png;" in policy
    assert "img-src" not in str(consent(chat_logo_url="").headers["Content-Security-Policy"])


def test_the_consent_form_carries_ticket_and_csrf_and_its_cookie() -> None:
    answer = consent(ticket=Secret("ticket-1"), csrf=Secret("csrf-1"))
    assert '<input type="hidden" name="ticket" value="ticket-1">' in html(answer)
    assert '<input type="hidden" name="csrf" value="csrf-1">' in html(answer)
    assert cookie(answer).startswith("__Host-consent-1=csrf-1")


def test_a_page_that_succeeded_closes_itself() -> None:
    assert "window.close()" in html(closing())
    assert "<script" not in without_style(closing(succeeded=False))


def test_a_code_to_be_copied_stays_on_the_screen() -> None:
    shown = html(closing(completion_code=Secret("abc.def")))
    assert "<code>abc.def</code>" in shown
    assert "<script" not in without_style(closing(completion_code=Secret("x")))


def test_a_page_is_in_the_users_language() -> None:
    assert '<html lang="de">' in html(consent(locale="de-CH"))
    assert '<html lang="en">' in html(consent(locale="xx"))


def test_a_failure_is_a_friendly_page_with_a_number_for_the_support() -> None:
    answer = page_error(InvalidRequest("ticket: required."), "request-1")
    assert answer.status_code == 400
    assert say("failed_title", None) in html(answer)
    assert "request-1" in html(answer)


def test_pages_never_hold_a_secret_in_their_repr() -> None:
    page = ConsentPage(**CONSENT | {"ticket": Secret("canary"), "csrf": Secret("canary")})
    redirect = Redirect("https://x.example.com?state=canary", ("n", Secret("canary")))
    assert "canary" not in repr(page) + repr(redirect) + str(redirect)
