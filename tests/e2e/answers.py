"""What an answer of the API is, as far as tests compare it."""

from typing import Any

import httpx

SECURITY_HEADERS = {
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


def refusal(answer: httpx.Response) -> tuple[int, str]:
    """Return status and code of an error of ours, whose body has the contract's members."""
    body = answer.json()
    assert isinstance(body.get("request_id"), str), body
    assert body["error_description"], body
    return answer.status_code, body["error"]


def description(answer: httpx.Response) -> str:
    """Return what an error of ours says."""
    return str(answer.json()["error_description"])


def without_id(answer: httpx.Response) -> dict[str, Any]:
    """Return an error's body but for the number that differs each time."""
    body: dict[str, Any] = answer.json()
    return {name: value for name, value in body.items() if name != "request_id"}


def asked(answer: httpx.Response) -> str:
    """Return why the user is asked, where that is the answer."""
    body = answer.json()
    assert body.get("status") == "authorization_required", body
    return str(body["reason"])
