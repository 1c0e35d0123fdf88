"""The local gateway lets in who signed the request, for what they may do."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import httpx
import pytest

from local import browser_names
from local.deployment import Deployment
from local.signing import TIMESTAMP, AccessKey, authorization
from tests.integration.local_gateway.conftest import FORBIDDEN, event_of, outcome


@pytest.fixture
def key(deployment: Deployment) -> AccessKey:
    return deployment.keys["builder"]


def test_an_unsigned_request_is_refused(public: httpx.Client) -> None:
    assert outcome(public.get("/v1/items/1")) == FORBIDDEN


def test_a_signed_request_names_its_caller(chat: httpx.Client) -> None:
    iam = event_of(chat.get("/v1/items/1"))["requestContext"]["authorizer"]["iam"]
    assert iam["userArn"] == "arn:aws:iam::123456789012:user/chat-backend"


def test_a_route_outside_the_callers_policy_is_refused(chat: httpx.Client) -> None:
    assert outcome(chat.put("/v1/items/1", json={})) == FORBIDDEN


class Signed:
    """A signed PUT, taken apart so that a test can spoil one thing."""

    def __init__(self, deployment: Deployment, key: AccessKey) -> None:
        self.key = key
        self.url = f"{deployment.url}/v1/items/1"
        self.body = b'{"a": 1}'
        self.at = datetime.now(UTC)
        self.further: dict[str, str] = {}

    def sent(self, change: Callable[[httpx.Request], None] = lambda _: None) -> httpx.Response:
        headers = {"host": httpx.URL(self.url).netloc.decode(), **self.further}
        headers["x-amz-date"] = self.at.strftime(TIMESTAMP)
        signature = authorization(self.key, "PUT", self.url, headers, self.body)
        with browser_names.client() as client:
            headers["authorization"] = signature
            request = client.build_request("PUT", self.url, headers=headers, content=self.body)
            change(request)
            return client.send(request)


@pytest.fixture
def signed(deployment: Deployment, key: AccessKey) -> Signed:
    return Signed(deployment, key)


def test_the_right_signature_is_accepted(signed: Signed) -> None:
    assert signed.sent().status_code == 200


def test_the_wrong_secret_is_refused(signed: Signed, key: AccessKey) -> None:
    signed.key = AccessKey(key.access_key_id, "another secret")
    assert outcome(signed.sent()) == FORBIDDEN


def test_an_unknown_key_is_refused(signed: Signed) -> None:
    signed.key = AccessKey("AKIAUNKNOWN", "secret")
    assert outcome(signed.sent()) == FORBIDDEN


@pytest.mark.parametrize("minutes", [-6, 6])
def test_a_date_five_minutes_off_is_refused(signed: Signed, minutes: int) -> None:
    signed.at += timedelta(minutes=minutes)
    assert outcome(signed.sent()) == FORBIDDEN


def test_a_stated_body_hash_is_accepted_if_it_is_true(signed: Signed) -> None:
    signed.further["x-amz-content-sha256"] = sha256(signed.body).hexdigest()
    assert signed.sent().status_code == 200


def test_a_stated_body_hash_is_not_believed(signed: Signed) -> None:
    signed.further["x-amz-content-sha256"] = sha256(b"something else").hexdigest()
    assert outcome(signed.sent()) == FORBIDDEN


def test_a_tampered_body_is_refused(deployment: Deployment, signed: Signed) -> None:
    with browser_names.client() as client:
        request = signed.sent().request
        request = client.build_request(
            "PUT", signed.url, headers=request.headers, content=b'{"a": 2}'
        )
        assert outcome(client.send(request)) == FORBIDDEN


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"url": "/v1/items/2"}, id="path"),
        pytest.param({"url": "/v1/items/1?user_id=bob"}, id="query"),
        pytest.param({"method": "GET"}, id="method"),
    ],
)
def test_a_signature_is_for_one_request_only(signed: Signed, change: dict[str, str]) -> None:
    original = signed.sent().request
    url = original.url.join(change.get("url", "/v1/items/1"))
    method = change.get("method", "PUT")
    with browser_names.client() as client:
        response = client.request(method, url, headers=original.headers, content=signed.body)
    assert outcome(response) == FORBIDDEN
