"""The chat's own defences: its cookie, its headers, and what other sites can make a browser do."""

from playwright.sync_api import expect

from local.stack import LocalStack
from tests.browser.conftest import SignIn

FOREIGN_FORM = """action => {
    const form = document.createElement("form");
    Object.assign(form, {method: "post", action});
    document.body.append(form);
    form.submit();
}"""


def test_the_session_is_a_cookie_that_scripts_and_other_hosts_do_not_see(sign_in: SignIn) -> None:
    chat = sign_in("Ana")
    (cookie,) = chat.profile.context.cookies(chat.page.url)
    expected = {"name": "__Host-chat", "httpOnly": True, "secure": True, "sameSite": "Lax"}
    assert cookie.items() >= expected.items()
    assert len(cookie["value"]) >= 43
    assert chat.page.evaluate("document.cookie") == ""


def test_another_site_cannot_sign_the_user_out(sign_in: SignIn, stack: LocalStack) -> None:
    chat = sign_in("Ana")
    foreign = chat.profile.open(stack.services.authorization_server)
    with foreign.expect_navigation() as answered:
        foreign.evaluate(FOREIGN_FORM, f"{stack.chat_url}/logout")
    assert answered.value
    assert answered.value.status == 403
    chat.page.reload()
    expect(chat.page.get_by_role("button", name="Sign out")).to_be_visible()


def test_only_scripts_of_the_chat_run_and_nobody_frames_it(sign_in: SignIn) -> None:
    chat = sign_in("Ana")
    response = chat.page.reload()
    assert response
    policy = response.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert response.headers["referrer-policy"] == "no-referrer"
    injected = chat.page.evaluate(
        """() => {
            document.body.insertAdjacentHTML("beforeend", "<p onclick='window.ran = true'></p>");
            document.body.lastElementChild.click();
            return window.ran === true;
        }"""
    )
    chat.profile.complaints.clear()  # the policy's, about that very script
    assert not injected
