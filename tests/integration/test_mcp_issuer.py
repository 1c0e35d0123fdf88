"""The customer's own authorization server lets MCP clients in (stack parameter McpIssuer)."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from broker.oauth.access_jwt import LEEWAY, LONGEST_LIFE
from broker.storage.pending import ERASED
from tests.integration.conftest import World
from tests.integration.mcp_client import URL, Endpoint, McpClient, endpoint, result_of, said
from tests.integration.mcp_issuer import ISSUER, METADATA, Issuer
from tests.integration.signing import (
    OTHER_RSA,
    SMALL_RSA,
    es256,
    hs256,
    rs256,
    rsa_jwk,
)
from tests.integration.whole import Run, request


@pytest.fixture
def issuer(world: World, monkeypatch: pytest.MonkeyPatch) -> Issuer:
    made, handle = Issuer(world), world.services._handle

    def route(asked: httpx.Request) -> httpx.Response:
        ours = asked.url.host == "customer.example.com"
        return made.handle(asked) if ours else handle(asked)

    monkeypatch.setattr(world.services, "_handle", route)
    return made


@pytest.fixture
def at(
    world: World,
    issuer: Issuer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Endpoint:
    core = world.container(MCP_ISSUER=ISSUER, DEFAULT_RETURN_URL="https://chat.example.com/return")
    return endpoint(world, monkeypatch, capsys, core)


def ping(at: Endpoint, token: str | None) -> Run:
    return McpClient(at.mcp, token).older("ping")


@pytest.mark.parametrize(
    ("sign", "header"),
    [(rs256, {"kid": "rsa"}), (es256, {"alg": "ES256", "kid": "ec"}), (es256, {"alg": "ES256"})],
    ids=["RS256", "ES256", "an unknown kid is no key"],
)
def test_a_token_is_good_by_the_key_that_it_names(
    at: Endpoint, issuer: Issuer, sign: Callable[[bytes], bytes], header: dict[str, Any]
) -> None:
    run = ping(at, issuer.token(sign, header))
    assert run.status == (200 if header.get("kid") else 401)


def test_a_token_without_kid_is_good_if_one_key_alone_fits(at: Endpoint, issuer: Issuer) -> None:
    assert ping(at, issuer.token(es256, {"alg": "ES256", "kid": None})).status == 200
    assert ping(at, issuer.token(rs256, {"kid": None})).status == 401


def test_the_subject_is_the_user(at: Endpoint, issuer: Issuer, world: World) -> None:
    world.connect()
    client = McpClient(at.mcp, issuer.token(aud=["https://other.example.com", URL]))
    result = result_of(client.older("tools/call", {"name": "get"}))
    assert result["content"][0]["text"] == "done"
    client.bearer = issuer.token(sub="kim")
    assert "/authorize?ticket=" in said(client.older("tools/call", {"name": "get"}))


BAD: dict[str, dict[str, Any]] = {
    "another issuer": {"iss": "https://customer.example.com"},
    "the issuer with a slash": {"iss": f"{ISSUER}/"},
    "no issuer": {"iss": ...},
    "another server": {"aud": URL.replace("crm", "mail")},
    "the origin": {"aud": URL.removesuffix("/mcp/crm")},
    "no audience": {"aud": ...},
    "no subject": {"sub": ...},
    "a subject with a control": {"sub": "jo\x00"},
    "a subject that is no text": {"sub": 7},
    "a long subject": {"sub": "x" * 257},
    "expired": {"exp": 1},
    "no expiry": {"exp": ...},
    "an expiry that is no time": {"exp": "soon"},
    "an expiry without end": {"exp": 1e300},
    "of the future": {"nbf": 4e9},
    "made in the future": {"iat": 4e9},
    "made at no time": {"iat": ...},
    "made at a time that is none": {"iat": "now"},
    "made at null": {"iat": None},
    "none": {"header": {"alg": "none"}},
    "an algorithm that is a list": {"header": {"alg": []}},
    "HS256 with the public key": {"header": {"alg": "HS256"}, "sign": hs256},
    "RS512": {"header": {"alg": "RS512"}},
    "critical extensions": {"header": {"crit": ["x"]}},
    "a key of nobody's": {"sign": lambda signed: rs256(signed, OTHER_RSA)},
    "a key that is too small": {
        "header": {"kid": "small"},
        "sign": lambda signed: rs256(signed, SMALL_RSA),
    },
    "RS256 by an EC key": {"header": {"kid": "ec"}, "sign": es256},
    "ES256 by an RSA key": {"header": {"alg": "ES256"}},
    "no signature": {"sign": lambda _: b""},
    "half a signature": {"header": {"alg": "ES256", "kid": "ec"}, "sign": lambda _: b"x" * 32},
    "a zero signature": {"header": {"alg": "ES256", "kid": "ec"}, "sign": lambda _: bytes(64)},
    "kid that is no text": {"header": {"kid": 7}},
}


@pytest.mark.parametrize("changes", BAD.values(), ids=BAD)
def test_a_token_that_is_not_good_is_refused(
    at: Endpoint, issuer: Issuer, changes: dict[str, Any]
) -> None:
    run = ping(at, issuer.token(**changes))
    assert (run.status, run.body["error"]) == (401, "invalid_token")


@pytest.mark.parametrize("token", ["a.b", "a.b.c", "...", "e30.e30.", "e30.W10.x"])
def test_what_is_no_token_is_refused_without_a_request(
    at: Endpoint, issuer: Issuer, token: str
) -> None:
    assert ping(at, token).status == 401
    assert issuer.asked == []


def test_keys_are_fetched_once_for_many_tokens(at: Endpoint, issuer: Issuer, world: World) -> None:
    assert [ping(at, issuer.token()).status for _ in range(3)] == [200] * 3
    assert issuer.asked == [METADATA, "/keys"]
    world.time.passes(601)
    assert ping(at, issuer.token()).status == 200
    assert len(issuer.asked) == 4


def test_a_new_key_is_found_and_invented_ones_make_no_flood(
    at: Endpoint, issuer: Issuer, world: World
) -> None:
    ping(at, issuer.token())
    issuer.keys.append(rsa_jwk(OTHER_RSA, "new"))
    world.time.passes(61)
    token = issuer.token(lambda signed: rs256(signed, OTHER_RSA), {"kid": "new"})
    assert ping(at, token).status == 200
    before = len(issuer.asked)
    assert {ping(at, issuer.token(header={"kid": f"k{n}"})).status for n in range(5)} == {401}
    assert len(issuer.asked) == before


def test_a_withdrawn_key_is_good_no_longer(at: Endpoint, issuer: Issuer, world: World) -> None:
    assert ping(at, issuer.token()).status == 200
    del issuer.keys[0]
    world.time.passes(601)
    assert ping(at, issuer.token()).status == 401


def test_an_issuer_that_is_away_locks_nobody_out(
    at: Endpoint, issuer: Issuer, world: World
) -> None:
    assert ping(at, issuer.token()).status == 200
    issuer.documents.clear()
    world.time.passes(601)
    assert ping(at, issuer.token()).status == 200


DOCUMENTS: dict[str, Any] = {
    "none": {},
    "of another issuer": {METADATA: {"issuer": "https://x.example.com", "jwks_uri": "https://x"}},
    "without keys": {METADATA: {"issuer": ISSUER}},
    "keys elsewhere": {METADATA: {"issuer": ISSUER, "jwks_uri": "http://169.254.169.254/keys"}},
}


@pytest.mark.parametrize("documents", DOCUMENTS.values(), ids=DOCUMENTS)
def test_an_issuer_whose_keys_were_never_seen_is_waited_for(
    at: Endpoint, issuer: Issuer, documents: dict[str, Any]
) -> None:
    issuer.documents = documents
    run = ping(at, issuer.token())
    assert (run.status, run.body["error"]) == (503, "temporarily_unavailable")


def test_openid_metadata_will_do(at: Endpoint, issuer: Issuer) -> None:
    issuer.documents = {"/tenant/.well-known/openid-configuration": issuer.documents[METADATA]}
    assert ping(at, issuer.token()).status == 200


def test_an_erased_user_is_let_in_by_later_tokens_alone(
    at: Endpoint, issuer: Issuer, world: World
) -> None:
    before = issuer.token()
    at.api(request("DELETE", "/v1/connections", rawQueryString="user_id=jo"))
    assert ping(at, before).status == 401
    world.time.passes(61)
    assert ping(at, issuer.token()).status == 200
    assert ping(at, before).status == 401


def test_an_erased_users_token_of_an_issuer_whose_clock_is_ahead_is_dead_as_well(
    at: Endpoint, issuer: Issuer, world: World
) -> None:
    before = issuer.token(iat=world.time.now().timestamp() + 59)
    assert ping(at, before).status == 200
    at.api(request("DELETE", "/v1/connections", rawQueryString="user_id=jo"))
    world.time.passes(60)
    assert ping(at, before).status == 401


def test_a_token_lives_for_a_day_at_most(at: Endpoint, issuer: Issuer, world: World) -> None:
    now = world.time.now().timestamp()
    day = LONGEST_LIFE.total_seconds()
    assert ping(at, issuer.token(exp=now + day)).status == 200
    assert ping(at, issuer.token(exp=now + day + 1)).status == 401
    assert ping(at, issuer.token(iat=1)).status == 401


def test_the_mark_of_an_erased_user_outlives_every_token(world: World, at: Endpoint) -> None:
    assert ERASED > LONGEST_LIFE + 2 * LEEWAY
    now = int(world.time.now().timestamp())
    at.api(request("DELETE", "/v1/connections", rawQueryString="user_id=jo"))
    [mark] = [i for i in world.cloud.items("PendingTable") if i["id"]["S"].startswith("erased#")]
    assert int(mark["ttl"]["N"]) >= now + ERASED.total_seconds()


def test_sessions_go_on_beside_it(at: Endpoint) -> None:
    assert ping(at, at.start()["bearer"]).status == 200


def test_the_challenge_leads_to_metadata_that_names_the_issuer(at: Endpoint) -> None:
    challenge = ping(at, None).answer["headers"]["WWW-Authenticate"]
    where = URL.replace("/mcp/", "/.well-known/oauth-protected-resource/mcp/")
    assert challenge == f'Bearer error="invalid_token", resource_metadata="{where}"'
    run = metadata(at)
    assert run.status == 200
    assert run.body == {
        "resource": URL,
        "authorization_servers": [ISSUER],
        "bearer_methods_supported": ["header"],
        "resource_name": "CRM",
    }


def test_there_is_no_metadata_of_an_unknown_server(at: Endpoint) -> None:
    assert metadata(at, "nowhere").status == 404


def test_there_is_no_metadata_and_no_token_is_read_without_an_issuer(
    world: World,
    issuer: Issuer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    at = endpoint(world, monkeypatch, capsys)
    assert metadata(at).status == 404
    assert ping(at, issuer.token()).status == 401
    assert issuer.asked == []


def metadata(at: Endpoint, server_id: str = "crm") -> Run:
    path = f"/.well-known/oauth-protected-resource/mcp/{server_id}"
    return at.mcp(request("GET", path, pathParameters={"server_id": server_id}))
