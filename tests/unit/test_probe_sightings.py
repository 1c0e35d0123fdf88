"""What a look at the login page and a failed call of the MCP server tell."""

import base64

import httpx
import pytest

from broker.diagnosis import Kind
from broker.errors import BrokerError, McpServerError, McpServerTimeout, TooManyRequests
from broker.flows.probe.sightings import is_no_page, of_login_page, of_mcp_failure
from broker.mcp import Challenge, InsufficientScope, Unauthorized
from broker.outbound import Answer, Obstacle, Unreached

HERE = "https://broker.example.com/callback/crm"

ECHOED = "response_type=code&client_id=abc&redirect_uri=https%3A%2F%2Fb"
CHALLENGE = f'<title>Just a moment</title><script>x={{fa:"/authorize?{ECHOED}"}}</script>invalid'


def answer(status: int = 200, body: str = "", **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, httpx.Headers(named), body.encode(), 0.1)


def google(code: str) -> str:
    told = base64.urlsafe_b64encode(b"\x0a\x15" + code.encode() + b"\x12").rstrip(b"=").decode()
    return f"https://accounts.google.com/signin/oauth/error/v2?authError={told}&client_id=1"


@pytest.mark.parametrize(
    ("page", "error"),
    [
        (answer(400, "Error: redirect_uri is not registered"), "redirect_uri_mismatch"),
        (answer(400, "The Redirect URI is wrong"), "redirect_uri_mismatch"),
        (answer(400, "redirect_uri_mismatch"), "redirect_uri_mismatch"),
        (answer(400, '{"error": "invalid redirect_uri"}'), "redirect_uri_mismatch"),
        (answer(400, '{"redirect_uri": ["is not allowed"]}'), "redirect_uri_mismatch"),
        (answer(400, "The callback URL doesn't fit"), "redirect_uri_mismatch"),
        (answer(403, f"<a href='?{ECHOED}'>x</a> invalid_client"), "invalid_client"),
        (answer(401, "Unknown client_id"), "invalid_client"),
        (
            answer(400, "Invalid client: `redirect_uri` does not match client value"),
            "redirect_uri_mismatch",
        ),
        (
            answer(
                400,
                '{"error": "unauthorized_client", "error_description": "no code grant"}',
                content_type="application/json",
            ),
            "unauthorized_client",
        ),
        (answer(404, "No such client_id"), "invalid_client"),
        (answer(302, location=f"{HERE}?error=invalid_scope&state=x"), "invalid_scope"),
        (answer(302, location=google("redirect_uri_mismatch")), "redirect_uri_mismatch"),
        (answer(302, location=google("deleted_client")), "deleted_client"),
        (answer(302, location="https://a.example/error?code=org_internal"), "org_internal"),
    ],
)
def test_a_refusal_is_read(page: Answer, error: str) -> None:
    evidence = of_login_page(page, HERE)
    assert evidence
    assert (evidence.kind, evidence.error) == (Kind.REFUSED, error)


@pytest.mark.parametrize(
    "page",
    [
        answer(200, "<form>client_id redirect_uri</form>"),
        answer(302, location="https://login.example.com/login?client_id=1"),
        answer(302, location=f"{HERE}?error=login_required"),
        answer(302, location=f"{HERE}?code=given-at-once"),
        answer(302, location="https://a.example/error?authError=%%%"),
        answer(302, location="https://a.example/error"),
        answer(302),
        answer(403, "<h1>Forbidden</h1>"),
        answer(503, "redirect_uri"),
        answer(429, "The redirect_uri is invalid"),
        answer(403, "Unknown client_id", cf_mitigated="challenge"),
        answer(404, "The redirect_uri is invalid", cf_mitigated="challenge"),
        answer(403, CHALLENGE),
        answer(401, f"<p>Not allowed: /authorize?{ECHOED}</p>"),
        answer(403, f'<input name="redirect_uri" value="{HERE}"> Missing permission'),
        answer(400, f'{{"error": "bad request", "redirect_uri": "{HERE}", "client_id": "1"}}'),
        answer(403, "<a href='/login?next=%2Fauthorize%3Fclient_id%3D1'>invalid session</a>"),
    ],
)
def test_what_tells_nothing_is_no_evidence(page: Answer) -> None:
    assert of_login_page(page, HERE) is None


@pytest.mark.parametrize("status", [404, 405, 410])
@pytest.mark.parametrize("body", ["nothing here", f"Not found: /authorize?{ECHOED}"])
def test_an_address_without_a_page_is_told(status: int, body: str) -> None:
    evidence = of_login_page(answer(status, body), HERE)
    assert evidence
    assert (evidence.kind, evidence.status) == (Kind.UNUSABLE, status)


def test_what_answers_a_browser_as_a_token_endpoint_does_is_no_page() -> None:
    assert is_no_page(answer(405))
    assert is_no_page(answer(400, "{}", content_type="application/json"))
    assert not is_no_page(answer(400, "<p>", content_type="text/html"))
    assert not is_no_page(answer(200, "{}", content_type="application/json"))


def _caused(failure: BrokerError, cause: Exception) -> BrokerError:
    failure.__cause__ = cause
    return failure


@pytest.mark.parametrize(
    ("failure", "kind", "error"),
    [
        (Unauthorized(Challenge()), Kind.REFUSED, "invalid_token"),
        (InsufficientScope(Challenge(scopes=("a", "b"))), Kind.REFUSED, "insufficient_scope"),
        (McpServerTimeout("late"), Kind.NO_ANSWER, None),
        (McpServerError("x", details={"reason": "blocked"}), Kind.BLOCKED, None),
        (McpServerError("x", details={"reason": "unreachable"}), Kind.NOT_SENT, None),
        (McpServerError("x", details={"reason": "no_answer"}), Kind.NO_ANSWER, None),
        (McpServerError("x", details={"upstream_status": 500}), Kind.UNUSABLE, None),
        (McpServerError("x", details={"code": -32022}), Kind.UNUSABLE, "rpc_32022"),
        (TooManyRequests("x"), Kind.REFUSED, "too_many_requests"),
    ],
)
def test_a_failed_call_is_read(failure: BrokerError, kind: Kind, error: str | None) -> None:
    evidence = of_mcp_failure(failure)
    assert (evidence.kind, evidence.error) == (kind, error)


def test_the_scopes_that_are_wanted_are_told() -> None:
    evidence = of_mcp_failure(InsufficientScope(Challenge(scopes=("read", "write"))))
    assert evidence.facts["wanted_scopes"] == "read write"


def test_what_stood_in_the_way_is_told() -> None:
    failure = McpServerError("x", details={"reason": "unreachable"})
    evidence = of_mcp_failure(_caused(failure, Unreached(Obstacle.TLS, "No TLS here.")))
    assert evidence.facts["obstacle"] == "tls"
    assert evidence.description == "No TLS here."
