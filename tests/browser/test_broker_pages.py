"""The broker's own pages in a real browser: shown, styled, protected, and without a complaint."""

import pytest
from playwright.sync_api import Page, Response, expect

from local.deployment import Deployment
from tests.browser.chat_page import decide, log_in
from tests.browser.conftest import MakeService, OpenProfile

PROTECTION = {
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


def expect_protected(page: Page, response: Response | None) -> None:
    """Expect the security headers, and a style that the policy has let through."""
    assert response
    headers = response.headers
    assert {name: headers.get(name) for name in PROTECTION} == PROTECTION
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe-inline" not in policy
    expect(page.get_by_role("main")).to_have_css("border-top-left-radius", "16px")


def test_without_session_binding_the_user_is_told_for_whom_first(
    unbound: Deployment, make_service: MakeService, open_profile: OpenProfile
) -> None:
    service = make_service(at=unbound)
    link = service.connect_link("ana", user_label="<b>ana@example.com</b>")
    page = open_profile().context.new_page()
    expect_protected(page, page.goto(link["connect_url"]))
    expect(page.get_by_role("main")).to_contain_text("<b>ana@example.com</b>")
    assert service.token_requests() == []
    with page.expect_popup() as opened:
        page.evaluate("window.open(location.href)")
    with opened.value as window:
        window.get_by_role("button", name="Continue to Harbor CRM").click()
        log_in(window)
        with window.expect_event("close"):
            decide(window)
    assert service.connected("ana")
    expect_protected(page, page.goto(link["connect_url"]))
    expect(page.get_by_role("main")).to_contain_text("expired or was already used")


@pytest.mark.parametrize("ticket", ["invented", "", "x" * 5000], ids=len)
def test_a_link_that_is_not_ours_ends_on_a_friendly_page(
    deployment: Deployment, open_profile: OpenProfile, ticket: str
) -> None:
    page = open_profile().context.new_page()
    response = page.goto(f"{deployment.url}/authorize?ticket={ticket}")
    expect_protected(page, response)
    assert response
    assert response.status == 400
    expect(page.get_by_role("heading")).to_have_text("That did not work")


def test_an_answer_that_was_not_asked_for_ends_on_a_friendly_page(
    deployment: Deployment, open_profile: OpenProfile, make_service: MakeService
) -> None:
    page = open_profile().context.new_page()
    url = f"{deployment.url}/callback/{make_service().server_id}?code=stolen&state=invented"
    expect_protected(page, page.goto(url))
    expect(page.get_by_role("heading")).to_have_text("That did not work")
