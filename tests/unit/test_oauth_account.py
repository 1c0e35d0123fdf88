import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.clock import Clock
from broker.errors import AuthorizationServerError
from broker.model import Account, AuthType, Secret, Server, TokenSet
from broker.oauth import AccountFinder, NonceMismatch, TokenResponse
from broker.outbound import Outbound

NOW = datetime(2026, 7, 28, 12, tzinfo=UTC)
ISSUER = "https://login.example.com"
SERVER = Server(
    server_id="crm",
    name="CRM",
    mcp_url="https://mcp.example.com/mcp",
    auth_type=AuthType.CONSUMER_OAUTH,
    client_id="client-1",
    token_endpoint="https://login.example.com/token",
    issuer=ISSUER,
)
WITH_USERINFO = replace(SERVER, userinfo_endpoint="https://login.example.com/userinfo")
CLAIMS: dict[str, object] = {
    "iss": ISSUER,
    "sub": "subject-1",
    "aud": "client-1",
    "exp": NOW.timestamp() + 3600,
    "nonce": "n-1",
    "email": "jo@example.com",
    "name": "Jo",
}


@dataclass(frozen=True, slots=True)
class StoppedClock(Clock):
    def now(self) -> datetime:
        return NOW

    def monotonic(self) -> float:
        return 0.0


@dataclass
class Userinfo:
    answer: Callable[[httpx.Request], httpx.Response]
    requests: list[httpx.Request] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return self.answer(request)


def saying(members: object, status: int = 200) -> Userinfo:
    return Userinfo(lambda _: httpx.Response(status, content=json.dumps(members)))


def jwt(claims: object) -> str:
    parts = [{"alg": "none"}, claims]
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode() for part in parts]
    return ".".join([*(part.rstrip("=") for part in encoded), "c2ln"])


def find(
    *,
    id_token: str | None = None,
    members: dict[str, object] | None = None,
    userinfo: Userinfo | None = None,
    server: Server = SERVER,
    nonce: str | None = "n-1",
) -> Account:
    tokens = TokenSet(Secret("at-1"), None, None, NOW)
    response = TokenResponse(tokens, Secret(id_token) if id_token else None, members or {})
    outbound = Outbound(StoppedClock(), httpx.MockTransport(userinfo or saying({}, 500)))
    finder = AccountFinder(outbound, StoppedClock())
    return finder.find(response, server, nonce=nonce, deadline=5.0)


def from_claims(
    server: Server = SERVER, sent_nonce: str | None = "n-1", /, **changed: object
) -> Account:
    claims = {name: value for name, value in (CLAIMS | changed).items() if value is not None}
    return find(id_token=jwt(claims), server=server, nonce=sent_nonce)


NOBODY = Account(None, None)


def test_the_id_token_names_the_account_and_no_request_is_made() -> None:
    userinfo = saying({"email": "other@example.com"})
    account = find(id_token=jwt(CLAIMS), userinfo=userinfo, server=WITH_USERINFO)
    assert account.label == "jo@example.com"
    assert account.subject_hash is not None
    assert userinfo.requests == []


@pytest.mark.parametrize(
    "changed",
    [
        {"aud": "other-client"},
        {"aud": ["other-client"]},
        {"aud": []},
        {"aud": None},
        {"aud": 5},
        {"aud": {"client-1": 1}},
        {"aud": ["client-1", "other"]},
        {"aud": ["client-1", "other"], "azp": "other"},
        {"iss": "https://login.example.com/"},
        {"iss": "https://evil.example.com"},
        {"iss": None},
        {"iss": 5},
        {"exp": NOW.timestamp() - 301},
        {"exp": None},
        {"exp": "soon"},
        {"exp": True},
        {"exp": float("nan")},
        {"nonce": None},
    ],
)
def test_an_id_token_that_fails_a_check_is_ignored(changed: dict[str, object]) -> None:
    assert from_claims(**changed) == NOBODY


@pytest.mark.parametrize(
    "changed",
    [
        {"aud": ["client-1"]},
        {"aud": ["client-1", "other"], "azp": "client-1"},
        {"exp": NOW.timestamp() - 299},
        {"exp": 10**25},
    ],
)
def test_an_id_token_that_passes_them_is_used(changed: dict[str, object]) -> None:
    assert from_claims(**changed).label == "jo@example.com"


def test_without_a_configured_issuer_any_issuer_is_taken() -> None:
    server = replace(SERVER, issuer=None)
    assert from_claims(server, iss="https://tenant.example.com").label == "jo@example.com"


def test_an_id_token_that_fails_leaves_the_word_to_the_next_source() -> None:
    userinfo = saying({"sub": "subject-2", "email": "next@example.com"})
    account = find(id_token=jwt(CLAIMS | {"aud": "x"}), userinfo=userinfo, server=WITH_USERINFO)
    assert account.label == "next@example.com"


@pytest.mark.parametrize("nonce", ["n-2", "", None, 5, ["n-1"]])
def test_another_nonce_means_that_the_response_is_not_ours(nonce: object) -> None:
    with pytest.raises(NonceMismatch):
        find(id_token=jwt(CLAIMS | {"nonce": nonce}))


def test_another_nonce_is_an_error_of_the_api_if_nobody_catches_it() -> None:
    with pytest.raises(AuthorizationServerError):
        find(id_token=jwt(CLAIMS | {"nonce": "n-2", "aud": "x"}))


def test_a_nonce_that_was_not_asked_for_does_not_matter() -> None:
    assert from_claims(SERVER, None).label == "jo@example.com"
    assert from_claims(SERVER, None, nonce=None).label == "jo@example.com"


@pytest.mark.parametrize("token", ["x", "a.b.c", "....", "e30.W10.c", "e30.eyJ9.c", "a.b.c.d.e"])
def test_an_id_token_that_is_none_is_ignored(token: str) -> None:
    assert find(id_token=token) == NOBODY


@pytest.mark.parametrize("parts", [2, 5])
def test_an_encrypted_or_unsecured_id_token_is_ignored(parts: int) -> None:
    header, claims, signature = jwt(CLAIMS).split(".")
    token = ".".join([header, claims, signature, signature, signature][:parts])
    assert find(id_token=token) == NOBODY


def test_userinfo_is_asked_with_the_access_token() -> None:
    userinfo = saying({"sub": "subject-1", "preferred_username": "jo"})
    account = find(userinfo=userinfo, server=WITH_USERINFO)
    (request,) = userinfo.requests
    assert request.method == "GET"
    assert request.headers["authorization"] == "Bearer at-1"
    assert account.label == "jo"


def test_userinfo_is_asked_for_a_name_when_the_id_token_has_only_a_subject() -> None:
    bare = {n: v for n, v in CLAIMS.items() if n not in ("email", "name")}
    userinfo = saying({"sub": "subject-1", "email": "jo@example.com"})
    account = find(id_token=jwt(bare), userinfo=userinfo, server=WITH_USERINFO)
    assert account.label == "jo@example.com"
    assert account.subject_hash == from_claims().subject_hash


def test_userinfo_about_somebody_else_is_not_used() -> None:
    bare = {n: v for n, v in CLAIMS.items() if n not in ("email", "name")}
    userinfo = saying({"sub": "subject-2", "email": "other@example.com"})
    account = find(id_token=jwt(bare), userinfo=userinfo, server=WITH_USERINFO)
    assert account.label == "subject-1"


@pytest.mark.parametrize(
    "userinfo",
    [
        saying({"email": "x@example.com"}, 401),
        saying([], 200),
        saying("text", 200),
        saying({}, 200),
        saying(None, 200),
        Userinfo(lambda _: httpx.Response(200, content=b"<html>")),
        Userinfo(lambda _: httpx.Response(200, content=b"\xff" * 70_000)),
        Userinfo(lambda _: httpx.Response(302, headers={"Location": "https://x.example/"})),
    ],
)
def test_a_userinfo_endpoint_that_fails_fails_nothing(userinfo: Userinfo) -> None:
    assert find(userinfo=userinfo, server=WITH_USERINFO) == NOBODY


@pytest.mark.parametrize("error", [httpx.ConnectError("no"), httpx.ReadTimeout("no")])
def test_a_userinfo_endpoint_that_cannot_be_reached_fails_nothing(error: Exception) -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        raise error

    account = find(userinfo=Userinfo(answer), server=WITH_USERINFO, members={"login": "jo"})
    assert account.label == "jo"


def test_a_blocked_userinfo_endpoint_fails_nothing() -> None:
    server = replace(SERVER, userinfo_endpoint="http://169.254.169.254/")
    assert find(userinfo=saying({"email": "x@example.com"}), server=server) == NOBODY


@pytest.mark.parametrize(
    ("members", "label"),
    [
        ({"email": "a@b.example", "preferred_username": "u", "name": "N"}, "a@b.example"),
        ({"preferred_username": "u", "name": "N", "login": "l"}, "u"),
        ({"name": "N", "login": "l", "sub": "s"}, "N"),
        ({"login": "l", "sub": "s"}, "l"),
        ({"sub": "s"}, "s"),
        ({"email": "a@b.example", "email_verified": True}, "a@b.example"),
        ({"email": "a@b.example", "email_verified": False, "name": "N"}, "N"),
        ({"email": "a@b.example", "email_verified": "false", "name": "N"}, "N"),
        ({"email": "a@b.example", "verified_email": False, "name": "N"}, "N"),
        ({"email": None, "name": "N"}, "N"),
        ({"email": "", "name": " ", "login": "l"}, "l"),
        ({"name": {"given": "x"}, "login": "l"}, "l"),
        ({"id": 12345}, "12345"),
        ({"login": 7}, "7"),
        ({"login": True, "id": 5}, "5"),
        ({"mail": None, "userPrincipalName": "u@b.example", "id": "i"}, "u@b.example"),
        ({"data": {"email": "a@b.example"}}, "a@b.example"),
        ({"user": {"name": "N"}}, "N"),
        ({"id": 1, "data": {"username": "u"}}, "u"),
        ({"data": [{"login": "twitch", "id": "9"}]}, "twitch"),
        ({"data": [{"login": "a"}, {"login": "b"}]}, None),
        ({"data": "x", "user": 5}, None),
    ],
)
def test_many_shapes_of_userinfo_are_read(members: dict[str, object], label: str | None) -> None:
    assert find(userinfo=saying(members), server=WITH_USERINFO).label == label


def test_a_named_field_of_the_token_response_comes_after_userinfo() -> None:
    members: dict[str, object] = {"authed_user": {"id": "U1"}, "name": "N"}
    server = replace(WITH_USERINFO, account_field="authed_user.id")
    assert find(members=members, server=server).label == "U1"
    asked = find(members=members, server=server, userinfo=saying({"email": "a@b.example"}))
    assert asked.label == "a@b.example"


@pytest.mark.parametrize("path", ["", ".", "a.b.c", "name.x", "missing", "authed_user"])
def test_a_named_field_that_is_not_there_leaves_the_usual_ones(path: str) -> None:
    members: dict[str, object] = {"authed_user": {"id": "U1"}, "name": "N"}
    assert find(members=members, server=replace(SERVER, account_field=path)).label == "N"


def test_the_id_of_a_token_response_is_not_taken_for_the_users() -> None:
    assert find(members={"id": "token-5"}) == NOBODY


def test_a_label_has_at_most_128_characters_and_nothing_invisible() -> None:
    name = "J\u202eo\x00\n\u2066 \u200fD\ud800oe" + "x" * 200
    label = find(userinfo=saying({"name": name}), server=WITH_USERINFO).label
    assert label is not None
    assert label.startswith("Jo Doexx")
    assert len(label) == 128


def test_the_hash_stays_the_same_for_the_same_account() -> None:
    assert from_claims().subject_hash == from_claims(name="New Name").subject_hash


def test_no_two_pairs_of_issuer_and_subject_share_a_hash() -> None:
    anywhere = replace(SERVER, issuer=None)
    pairs = [("a", "b"), ("a", "c"), ("ab", ""), ("a\x00b", "c"), ("a", "b\x00c"), ("a", '","b')]
    found = {from_claims(anywhere, iss=iss, sub=sub or "-").subject_hash for iss, sub in pairs}
    assert len(found) == len(pairs)


def test_a_number_and_its_text_are_the_same_subject() -> None:
    number = find(userinfo=saying({"id": 5}), server=WITH_USERINFO)
    text = find(userinfo=saying({"id": "5"}), server=WITH_USERINFO)
    assert number.subject_hash == text.subject_hash is not None


def test_a_name_alone_is_no_subject() -> None:
    account = find(userinfo=saying({"name": "Jo"}), server=WITH_USERINFO)
    assert account == Account("Jo", None)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["sub", "email", "name", "data", "user", "iss", "aud", "exp", "azp", "id"]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)


@given(claims=json_values, told=json_values, members=json_values)
def test_nothing_that_is_said_fails_a_connection(
    claims: object, told: object, members: object
) -> None:
    account = find(
        id_token=jwt(claims),
        userinfo=saying(told),
        members=members if isinstance(members, dict) else {},
        server=replace(WITH_USERINFO, account_field="data.user"),
        nonce=None,
    )
    assert account.label is None or 0 < len(account.label) <= 128
