"""Mistakes that the authorization request, the person or the browser makes."""

from collections.abc import Mapping
from typing import Any

from tests.e2e.mistake_bench import LOOPBACK, Bench, Mistake, consents

_TEN_MINUTES, _TWO_MINUTES = 601, 121


def _is_not_registered(bench: Bench) -> None:
    bench.journey.app.register("https://elsewhere.example.com/callback")


def _declines(bench: Bench, started: dict[str, Any]) -> Mapping[str, str]:
    with bench.visitor(decision="deny") as visitor:
        return visitor.go(started["connect_url"], until=LOOPBACK).query


def _never_comes(bench: Bench, started: dict[str, Any]) -> Mapping[str, str]:
    bench.age(_TEN_MINUTES, started["test_id"])
    return {}


def _leaves_it_open(bench: Bench, started: dict[str, Any]) -> Mapping[str, str]:
    with bench.visitor() as visitor:
        visitor.open(started["connect_url"])
    return _never_comes(bench, started)


def _comes_too_late(bench: Bench, started: dict[str, Any]) -> Mapping[str, str]:
    with bench.visitor() as visitor:
        login = visitor.open(started["connect_url"]).headers["location"]
        bench.age(_TEN_MINUTES, started["connect_id"])
        visitor.go(login)
    return {}


def _goes_on_elsewhere(bench: Bench, started: dict[str, Any]) -> Mapping[str, str]:
    with bench.visitor() as one, bench.visitor() as another:
        another.go(one.open(started["connect_url"]).headers["location"])
    return {}


def _sleeps_over_the_code(bench: Bench, started: dict[str, Any]) -> Mapping[str, str]:
    back = consents(bench, started)
    bench.age(_TWO_MINUTES, started["connect_id"])
    return back


def _brings_the_code_of_another_test(bench: Bench, started: dict[str, Any]) -> Mapping[str, str]:
    consents(bench, started)
    other = bench.journey.start_test(return_url=LOOPBACK).raise_for_status().json()
    return consents(bench, other)


def _moves(bench: Bench) -> None:
    bench.put(resource=bench.journey.tenant.url)


def _names_a_resource_where_there_is_none(bench: Bench) -> None:
    bench.switch(refuse_resource=True)
    _moves(bench)


CONSENT: tuple[Mistake, ...] = (
    Mistake("a redirect URI that is not registered", "redirect_uri_mismatch", _is_not_registered),
    Mistake(
        "a client id that was mistyped",
        "client_id_unknown",
        lambda bench: bench.put(client_id="app-that-nobody-knows"),
    ),
    Mistake("a consent that is declined", "consent_denied", browse=_declines),
    Mistake(
        "an app that no administrator has approved",
        "app_not_approved",
        lambda bench: bench.switch(needs_approval=True),
    ),
    Mistake(
        "a scope that the service does not have",
        "scope_refused",
        lambda bench: bench.put(scopes=["moon.read"]),
    ),
    Mistake(
        "PKCE turned off where it is wanted",
        "pkce_required",
        lambda bench: bench.put(pkce=False),
    ),
    Mistake(
        "PKCE where the service has none",
        "pkce_refused",
        lambda bench: bench.switch(refuse_pkce=True),
    ),
    Mistake(
        "a resource that the service does not take",
        "resource_refused",
        _names_a_resource_where_there_is_none,
    ),
    Mistake(
        "a response of another issuer",
        "issuer_mismatch",
        lambda bench: bench.switch(wrong_iss="https://hostile.example.com"),
    ),
    Mistake(
        "a value to keep that the service does not say",
        "kept_field_missing",
        lambda bench: bench.put(
            kept_fields={"realm": {"source": "callback", "field": "realmId"}},
            mcp_headers={"X-Realm": "{realm}"},
        ),
    ),
    Mistake("a link that nobody opens", "consent_not_started", browse=_never_comes),
    Mistake("a consent that is left open", "consent_left_open", browse=_leaves_it_open),
    Mistake("a consent that comes too late", "consent_expired", browse=_comes_too_late),
    Mistake("a consent in another browser", "cookies_refused", browse=_goes_on_elsewhere),
    Mistake(
        "a completion code handed in too late",
        "completion_code_expired",
        browse=_sleeps_over_the_code,
    ),
    Mistake(
        "a completion code of another test",
        "session_mismatch",
        browse=_brings_the_code_of_another_test,
    ),
    Mistake(
        "a configuration that changes meanwhile", "server_changed", meanwhile={"account": _moves}
    ),
)
