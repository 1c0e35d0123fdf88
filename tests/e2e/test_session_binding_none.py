"""SessionBinding=none: our own page asks first, the callback redeems, our own page closes."""

from concurrent.futures import ThreadPoolExecutor

from local.demo.journey import Journey, text_of
from local.visitor import Visitor, forms
from tests.e2e.answers import SECURITY_HEADERS, description, refusal

_ANA = "Ana Aster"
_PARALLEL = 3


def test_the_page_names_chat_user_and_service(open_door: Journey, ana: str) -> None:
    with Visitor() as visitor:
        page = visitor.open(open_door.link(ana, user_label=_ANA)["connect_url"])
    assert page.status_code == 200
    assert all(name in page.text for name in ("Lighthouse Chat", _ANA, "Harbor CRM"))
    assert {name: page.headers[name] for name in SECURITY_HEADERS} == SECURITY_HEADERS
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]


def test_names_are_text_and_never_markup(open_door: Journey, ana: str) -> None:
    name = "<script>alert(1)</script>&\"'"
    open_door.put(**open_door.configuration(name=name)).raise_for_status()
    with Visitor() as visitor:
        page = visitor.open(open_door.link(ana, user_label=f"{name} A")["connect_url"])
    assert "<script>alert" not in page.text
    assert "&lt;script&gt;" in page.text


def test_opening_the_link_sends_nobody_to_the_service(open_door: Journey, ana: str) -> None:
    with Visitor() as visitor:
        page = visitor.open(open_door.link(ana, user_label=_ANA)["connect_url"])
    assert "location" not in page.headers
    assert "state=" not in page.text


def test_the_callback_connects_and_our_page_says_so(open_door: Journey, ana: str) -> None:
    stop = open_door.consent(open_door.link(ana, user_label=_ANA)["connect_url"])
    assert stop.page.status_code == 200
    assert "Connected" in stop.page.text
    assert "window.close()" in stop.page.text
    assert {name: stop.page.headers[name] for name in SECURITY_HEADERS} == SECURITY_HEADERS
    assert text_of(open_door.invoke(ana, user_label=_ANA)) == "alice"


def test_the_users_label_is_required(open_door: Journey, ana: str) -> None:
    answer = open_door.callers.chat.post(
        f"/v1/connections/{open_door.server_id}/connect", json={"user_id": ana}
    )
    assert refusal(answer) == (400, "invalid_request")
    assert "user_label" in description(answer)


def test_a_prompt_needs_the_users_label_as_well(open_door: Journey, ana: str) -> None:
    assert refusal(open_door.invoke(ana)) == (400, "invalid_request")


def test_the_pages_form_needs_the_pages_cookie(open_door: Journey, ana: str) -> None:
    link = open_door.link(ana, user_label=_ANA)
    with Visitor() as shown, Visitor() as another:
        [form] = forms(shown.open(link["connect_url"]))
        answer = another.submit(form)
    assert answer.status_code == 400
    assert "location" not in answer.headers


def test_the_pages_form_needs_its_own_token(open_door: Journey, ana: str) -> None:
    link = open_door.link(ana, user_label=_ANA)
    with Visitor() as visitor:
        [form] = forms(visitor.open(link["connect_url"]))
        answer = visitor.submit(form, csrf="a" * 43)
    assert answer.status_code == 400


def test_declining_ends_on_our_page(open_door: Journey, ana: str) -> None:
    link = open_door.link(ana, user_label=_ANA)
    stop = open_door.consent(link["connect_url"], decision="deny")
    assert stop.page.status_code == 400
    assert "did not allow" in stop.page.text
    assert open_door.connection(ana).status_code == 404


def test_a_failed_exchange_ends_on_our_page(open_door: Journey, ana: str) -> None:
    open_door.app.switch(token_endpoint_mode="500")
    stop = open_door.consent(open_door.link(ana, user_label=_ANA)["connect_url"])
    assert stop.page.status_code == 400
    assert open_door.connection(ana).status_code == 404


def test_parallel_callbacks_make_one_token_request(open_door: Journey, ana: str) -> None:
    link = open_door.link(ana, user_label=_ANA)
    with Visitor() as visitor:
        callback = visitor.go(link["connect_url"], until=open_door.redirect_uri).url
        with ThreadPoolExecutor(_PARALLEL) as pool:
            pages = list(pool.map(visitor.http.get, [callback] * _PARALLEL))
    assert sorted(page.status_code for page in pages) == [200] + [400] * (_PARALLEL - 1)
    assert len(open_door.app.exchanges()) == 1


def test_a_forwarded_authorization_url_is_of_no_use_here_either(
    open_door: Journey, ana: str
) -> None:
    with Visitor() as sender, Visitor("bob") as victim:
        [form] = forms(sender.open(open_door.link(ana, user_label=_ANA)["connect_url"]))
        sent_on = sender.submit(form).headers["location"]
        assert victim.go(sent_on).page.status_code == 400
    assert open_door.app.exchanges() == []


def test_there_is_nothing_to_complete(open_door: Journey, ana: str) -> None:
    link = open_door.link(ana, user_label=_ANA)
    open_door.consent(link["connect_url"])
    answer = open_door.complete(ana, link["connect_id"], "a.b")
    assert refusal(answer) == (403, "session_mismatch")
