"""Mistakes about the endpoints, the client, and what the token endpoint answers."""

from dataclasses import replace

from local.loopback import Reply, Request
from tests.e2e.mistake_bench import Bench, Mistake
from tests.e2e.stranger import as_json


def _has_another_style(bench: Bench) -> None:
    bench.journey.app.register(bench.journey.redirect_uri, "form_basic")


def _swaps(bench: Bench) -> None:
    """Under names that tell nothing: others are refused when the server is registered."""

    def is_a_token_endpoint(request: Request) -> Reply:
        refusal = {"error": "invalid_request"}
        return Reply(405) if request.method == "GET" else as_json(refusal, 400)

    def is_a_login_page(_: Request) -> Reply:
        return Reply(200, [("Content-Type", "text/html")], b"<!doctype html><h1>Log in</h1>")

    bench.put(
        authorization_endpoint=bench.stranger.answers(is_a_token_endpoint),
        token_endpoint=bench.stranger.answers(is_a_login_page),
    )


def _mixes_environments(bench: Bench) -> None:
    def knows_no_such_app(_: Request) -> Reply:
        return as_json({"error": "invalid_client"}, 401)

    url = bench.stranger.answers(knows_no_such_app)
    bench.put(token_endpoint=bench.stranger.as_sandbox(url))


def _says_nothing_known(bench: Bench) -> None:
    refuse = {"error": "computer_says_no", "error_description": "Ask again on a Tuesday."}
    bench.put(token_endpoint=bench.stranger.answers(lambda _: as_json(refuse, 400)))


def _writes_https_of_plain_http(bench: Bench) -> None:
    url = bench.stranger.answers(lambda _: Reply(200))
    bench.put(token_endpoint=url.replace("http://", "https://"))


def _changes_the_secret_there(bench: Bench) -> None:
    app = replace(bench.journey.app, client_secret="the new secret")
    app.register(bench.journey.redirect_uri)


def _goes_on_without_an_id_token(bench: Bench) -> None:
    bench.switch(id_token=False, userinfo_mode="forbidden")


ENDPOINTS: tuple[Mistake, ...] = (
    Mistake(
        "a wrong client secret",
        "client_secret_wrong",
        lambda bench: bench.put(client_secret="wrong"),
    ),
    Mistake(
        "no client secret where there is one",
        "client_secret_missing",
        lambda bench: bench.put(token_request_style="none", client_secret=None),
    ),
    Mistake("credentials sent in the wrong way", "token_request_style", _has_another_style),
    Mistake(
        "a secret that is replaced at the service",
        "client_credentials",
        meanwhile={"refresh": _changes_the_secret_there},
    ),
    Mistake("endpoints that are swapped", "endpoints_swapped", _swaps),
    Mistake(
        "a token endpoint that is not there",
        "endpoint_not_found",
        lambda bench: bench.put(token_endpoint=bench.at_service("/oauth/token")),
    ),
    Mistake(
        "an authorization endpoint that is not there",
        "endpoint_not_found",
        lambda bench: bench.put(authorization_endpoint=bench.at_service("/oauth/authorize")),
    ),
    Mistake(
        "a login page as token endpoint",
        "html_instead_of_json",
        lambda bench: bench.put(token_endpoint=bench.at_service("/login")),
    ),
    Mistake(
        "a page of maintenance at the token endpoint",
        "html_instead_of_json",
        lambda bench: bench.switch(token_endpoint_mode="html"),
    ),
    Mistake("a sandbox's token endpoint", "wrong_environment", _mixes_environments),
    Mistake(
        "a host name that does not exist",
        "name_unknown",
        lambda bench: bench.put(token_endpoint="https://login.harbor-crm.invalid/token"),
    ),
    Mistake("https of a server that has none", "tls_failure", _writes_https_of_plain_http),
    Mistake(
        "a token endpoint that redirects",
        "endpoint_redirects",
        lambda bench: bench.switch(token_endpoint_mode="redirect"),
    ),
    Mistake(
        "a token endpoint that is out of order",
        "authorization_server_unreachable",
        lambda bench: bench.switch(token_endpoint_mode="500"),
    ),
    Mistake(
        "a token endpoint that hangs up",
        "authorization_server_unreachable",
        lambda bench: bench.switch(token_endpoint_mode="close"),
    ),
    Mistake(
        "too many requests", "rate_limited", lambda bench: bench.switch(token_endpoint_mode="429")
    ),
    Mistake(
        "a clock that is wrong",
        "clock_skew",
        lambda bench: bench.switch(clock_offset_seconds=3600),
    ),
    Mistake(
        "a token response that is none",
        "token_response_unusable",
        lambda bench: bench.switch(token_endpoint_mode="nonsense"),
    ),
    Mistake("an error that nobody knows", "unknown", _says_nothing_known),
    Mistake(
        "a code that is spent or too old",
        "grant_refused",
        lambda bench: bench.switch(code_lifetime=0),
    ),
    Mistake(
        "an app that may not use refresh tokens",
        "grant_type_refused",
        lambda bench: bench.switch(grant_types=["authorization_code"]),
    ),
    Mistake(
        "a grant that ends at once",
        "refresh_refused",
        meanwhile={"refresh": lambda bench: bench.journey.app.revoke("alice")},
    ),
    Mistake(
        "no refresh token",
        "no_refresh_token",
        lambda bench: bench.switch(refresh_token_needs={"access_type": "offline"}),
    ),
    Mistake(
        "a scope that the person left out",
        "scope_not_granted",
        lambda bench: bench.switch(granted_scopes=["openid"]),
    ),
    Mistake(
        "an id token of another request",
        "nonce_mismatch",
        lambda bench: bench.switch(id_token_claims={"nonce": "of somebody else"}),
    ),
    Mistake(
        "a userinfo endpoint that wants more", "userinfo_refused", _goes_on_without_an_id_token
    ),
    Mistake(
        "a service that revokes no such token",
        "revocation_unsupported",
        lambda bench: bench.switch(revocation_mode="unsupported"),
        revoke=True,
    ),
)
