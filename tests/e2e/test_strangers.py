"""Strangers at the API: no route under /v1 runs any code for them."""

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from local.deployment import Deployment
from local.signing import AccessKey, SigV4
from local.template import Route

_FORBIDDEN = (403, {"message": "Forbidden"})
_FORGED = (
    "AWS4-HMAC-SHA256 Credential=AKIALOCALBUILDER/20260101/eu-central-1/execute-api/"
    f"aws4_request, SignedHeaders=host;x-amz-date, Signature={'0' * 64}"
)


def _signed_routes(deployment: Deployment) -> list[Route]:
    routes = [each for each in deployment.template.routes() if each.path.startswith("/v1/")]
    assert len(routes) >= 16
    return routes


def _path(route: Route) -> str:
    path = route.path
    for name in ("server", "session", "test"):
        path = path.replace(f"{{{name}_id}}", f"some-{name}")
    return path


def _answer(browser: httpx.Client, route: Route, **options: Any) -> tuple[int, object]:
    method = "POST" if route.method == "ANY" else route.method
    answer = browser.request(method, _path(route), **options)
    return answer.status_code, answer.json()


def test_every_backend_route_asks_for_a_signature(bound: Deployment) -> None:
    with bound.browser() as browser:
        answers = {each.key: _answer(browser, each) for each in _signed_routes(bound)}
    assert set(map(str, answers.values())) == {str(_FORBIDDEN)}, answers


@pytest.mark.parametrize("authorization", ["Bearer something", "Basic YTpi", _FORGED])
def test_no_other_credential_opens_a_backend_route(bound: Deployment, authorization: str) -> None:
    now = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    headers = {"Authorization": authorization, "X-Amz-Date": now}
    with bound.browser() as browser:
        seen = [_answer(browser, each, headers=headers) for each in _signed_routes(bound)]
    assert seen == [_FORBIDDEN] * len(seen)


def test_the_signature_of_an_unknown_key_opens_nothing(bound: Deployment) -> None:
    auth = SigV4(AccessKey("AKIANOBODYKNOWS", "some secret"))
    with bound.browser(auth=auth) as browser:
        seen = [_answer(browser, each) for each in _signed_routes(bound)]
    assert seen == [_FORBIDDEN] * len(seen)


def test_a_signature_with_the_wrong_secret_opens_nothing(bound: Deployment) -> None:
    known = bound.keys["builder"]
    auth = SigV4(AccessKey(known.access_key_id, "some secret"))
    with bound.browser(auth=auth) as browser:
        seen = [_answer(browser, each) for each in _signed_routes(bound)]
    assert seen == [_FORBIDDEN] * len(seen)


@pytest.mark.parametrize(
    ("caller", "method", "path"),
    [
        ("chat-backend", "PUT", "/v1/servers/some-server"),
        ("chat-backend", "DELETE", "/v1/servers/some-server"),
        ("chat-backend", "POST", "/v1/servers/some-server/test"),
        ("builder", "POST", "/v1/invoke"),
        ("builder", "POST", "/v1/connections/some-server/complete"),
        ("builder", "DELETE", "/v1/connections"),
        ("builder", "GET", "/v1/servers/some-server/tools?user_id=victim"),
    ],
)
def test_each_caller_has_its_own_routes(
    bound: Deployment, caller: str, method: str, path: str
) -> None:
    with bound.api(caller) as api:
        answer = api.request(method, path, json={} if method != "DELETE" else None)
    assert (answer.status_code, answer.json()) == _FORBIDDEN


def test_an_address_without_a_route_is_the_gateways_404(bound: Deployment) -> None:
    with bound.browser() as browser:
        answer = browser.get("/v1/nothing/here")
    assert (answer.status_code, answer.json()) == (404, {"message": "Not Found"})
