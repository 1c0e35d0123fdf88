"""The stack's key signs what clients prove themselves with, and nothing is sent before it has."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from broker.errors import InvalidServer, ServerMisconfigured, ServerNotFound, TemporarilyUnavailable
from broker.inbound.registry_requests import PutServerRequest
from broker.metrics import KEY_REFUSED
from broker.model import Precondition, Server, TokenRequestStyle
from tests.fakes.services import form
from tests.integration.cloud import Container
from tests.integration.conftest import BASE_URL, SERVER, World
from tests.unit.metric_lines import counted

ISSUER = "https://login.example.com"
TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
BODY: dict[str, Any] = {
    **{name: value for name, value in SERVER.items() if name not in {"auth_type", "scopes"}},
    "server_id": "crm",
    "name": "CRM",
    "auth_type": "consumer_oauth",
    "issuer": ISSUER,
    "token_request_style": "private_key_jwt",
    "client_secret": None,
}


class Signing:
    """A server whose client signs, in a container of a stack that has a key."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.core = self.container()
        self.server = self.put()

    def container(self, wrong_by: timedelta = timedelta(0)) -> Container:
        arn = self.world.cloud.physical["AssertionKey"]
        return self.world.container(wrong_by, SIGNING_KEY_ID=arn)

    def put(self, **changes: Any) -> Server:
        return put(self.core, **changes)

    def keys(self) -> KeySet:
        published: Any = self.core.flows.servers.client_keys("crm")
        return KeySet.import_key_set(published)

    def claims(self, sent: dict[str, str]) -> dict[str, Any]:
        assert sent["client_assertion_type"] == TYPE
        assert "client_secret" not in sent
        decoded = jwt.decode(sent["client_assertion"], self.keys(), ["RS256"])
        assert decoded.header["kid"] == self.core.signing_key.kid  # type: ignore[union-attr]
        return dict(decoded.claims)


def put(core: Container, **changes: Any) -> Server:
    body = {name: value for name, value in (BODY | changes).items() if value is not ...}
    request = PutServerRequest.model_validate(body)
    return core.flows.servers.put(request.server_id, request.draft, Precondition()).server


@pytest.fixture
def signing(world: World) -> Signing:
    return Signing(world)


def due(signing: Signing) -> None:
    """Let a user be connected whose access token has ended."""
    signing.world.connect(server=signing.server)
    signing.world.time.passes(hours=2)


def refreshed(signing: Signing, core: Container | None = None) -> Any:
    core = core or signing.core
    return core.tokens.for_call(signing.server, "jo", signing.world.run())


def test_a_refresh_carries_an_assertion_that_the_published_key_proves(signing: Signing) -> None:
    due(signing)
    refreshed(signing)
    [sent] = signing.world.login.forms
    claims = signing.claims(sent)
    assert (claims["iss"], claims["sub"], claims["aud"]) == ("client-1", "client-1", ISSUER)
    assert claims["exp"] - claims["iat"] == 120


def test_the_audience_is_the_one_configured(signing: Signing) -> None:
    signing.server = signing.put(client_assertion_audience=f"{ISSUER}/token")
    due(signing)
    refreshed(signing)
    assert signing.claims(signing.world.login.forms[0])["aud"] == f"{ISSUER}/token"


def test_an_assertion_is_dated_by_the_tables_clock_not_by_a_wrong_one(signing: Signing) -> None:
    due(signing)
    refreshed(signing, signing.container(wrong_by=timedelta(hours=5)))
    claims = signing.claims(signing.world.login.forms[0])
    assert abs(claims["iat"] - signing.world.time.now().timestamp()) < 5


def test_each_token_of_a_disconnect_is_revoked_with_an_assertion_of_its_own(
    signing: Signing,
) -> None:
    signing.world.connect(server=signing.server)
    signing.core.remover.disconnect("jo", "crm", signing.server, signing.world.run())
    sent = [form(request) for request in signing.world.login.revocations]
    assert len(sent) == 2
    assert len({signing.claims(each)["jti"] for each in sent}) == 2


@pytest.mark.parametrize(
    "code", ["ThrottlingException", "DisabledException", "KMSInternalException"]
)
def test_while_the_key_does_not_sign_no_refresh_token_is_spent(signing: Signing, code: str) -> None:
    due(signing)
    signing.world.cloud.refuses("Sign", code)
    with pytest.raises(TemporarilyUnavailable):
        refreshed(signing)
    assert signing.world.login.token_requests == []
    signing.world.cloud.recovers()
    signing.world.time.passes(minutes=2)
    refreshed(signing)
    assert len(signing.world.login.refreshes) == 1


def test_a_key_that_kms_refuses_is_counted(
    signing: Signing, capsys: pytest.CaptureFixture[str]
) -> None:
    signing.world.cloud.refuses("Sign", "DisabledException")
    with pytest.raises(TemporarilyUnavailable):
        signing.core.credentials.of(signing.server)
    assert counted(capsys.readouterr().out, KEY_REFUSED) == [{}]


def test_a_disconnect_waits_for_the_key(signing: Signing) -> None:
    signing.world.connect(server=signing.server)
    signing.world.cloud.unavailable("Sign")
    done = signing.core.remover.disconnect("jo", "crm", signing.server, signing.world.run())
    assert done is not None
    assert done.value == "pending"
    assert signing.world.login.revocations == []


def test_what_a_refresh_got_for_a_connection_that_is_gone_is_revoked_by_a_new_assertion(
    signing: Signing,
) -> None:
    signing.server = signing.put(revocation_scope="token")
    due(signing)

    def disconnected() -> None:
        signing.core.connections.remove(signing.world.connection())

    signing.world.login.during.append(disconnected)
    refreshed(signing)
    [refresh], [revocation] = signing.world.login.forms, signing.world.login.revocations
    assert signing.claims(refresh)["jti"] != signing.claims(form(revocation))["jti"]


def test_kms_is_asked_for_the_public_key_once_in_a_container(signing: Signing) -> None:
    for _ in range(3):
        signing.core.flows.servers.client_keys("crm")
    assert signing.world.cloud.sent.count("GetPublicKey") == 1


def test_the_published_key_is_one_that_can_only_prove(signing: Signing) -> None:
    published: Any = signing.core.flows.servers.client_keys("crm")
    [key] = published["keys"]
    assert set(key) == {"kty", "use", "alg", "kid", "n", "e"}
    assert (key["kty"], key["use"], key["alg"], key["e"]) == ("RSA", "sig", "RS256", "AQAB")


@pytest.mark.parametrize("server_id", ["unknown", "shared"])
def test_a_server_without_a_client_has_no_keys(signing: Signing, server_id: str) -> None:
    shared = {"server_id": "shared", "auth_type": "bearer", "mcp_url": BODY["mcp_url"]}
    put(signing.core, **dict.fromkeys(BODY, ...) | shared | {"name": "Shared"})
    with pytest.raises(ServerNotFound):
        signing.core.flows.servers.client_keys(server_id)


def test_a_stack_without_a_key_publishes_none_and_says_no_more(world: World) -> None:
    with pytest.raises(ServerNotFound):
        world.core.flows.servers.client_keys("crm")


def test_a_stack_without_a_key_takes_no_server_that_needs_one(world: World) -> None:
    with pytest.raises(InvalidServer, match=r"token_request_style.*SigningKey"):
        put(world.core)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"token_endpoint": "https://evil.example.net/token"}, "token_endpoint"),
        ({"refresh_endpoint": "https://evil.example.net/token"}, "refresh_endpoint"),
        ({"revocation_endpoint": "https://evil.example.net/token"}, "revocation_endpoint"),
        ({"client_assertion_audience": "https://evil.example.net"}, "token_endpoint"),
        ({"client_secret": "canary-secret"}, "client_secret"),
        ({"client_assertion_audience": "http://login.example.com"}, "client_assertion_audience"),
        (
            {"token_request_style": "none", "client_assertion_audience": ISSUER},
            "client_assertion_audience",
        ),
        ({"issuer": f"{ISSUER}/{'x' * 1500}", "client_id": "c" * 1000}, "client_id"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_would_go_astray_is_refused_by_name(
    signing: Signing, changes: dict[str, str], field: str
) -> None:
    with pytest.raises(InvalidServer, match=f"^{field}:"):
        signing.put(**changes)


def test_without_an_issuer_there_is_nobody_to_be_known_to(signing: Signing) -> None:
    assert signing.put(issuer=...).missing == ("issuer",)
    audience = f"{ISSUER}/token"
    assert signing.put(issuer=..., client_assertion_audience=audience).missing == ()


def test_the_clients_document_names_the_keys_where_it_signs(signing: Signing) -> None:
    document = signing.core.flows.servers.client_metadata("crm", BASE_URL)
    assert document["token_endpoint_auth_method"] == "private_key_jwt"
    assert document["token_endpoint_auth_signing_alg"] == "RS256"
    assert document["jwks_uri"] == f"{BASE_URL}/oauth/jwks/crm.json"


def test_a_key_that_is_gone_is_the_builders_to_know_and_spends_nothing(signing: Signing) -> None:
    due(signing)
    with pytest.raises(ServerMisconfigured):
        refreshed(signing, signing.world.core)  # a stack whose key was taken away
    assert signing.world.login.token_requests == []
    assert signing.world.connection().status.value == "active"


def test_the_audience_is_kept_and_moves_no_connection(signing: Signing) -> None:
    changed = signing.put(client_assertion_audience=f"{ISSUER}/token")
    stored = signing.core.servers.get("crm")
    assert stored is not None
    assert stored.client_assertion_audience == f"{ISSUER}/token"
    assert stored.token_request_style is TokenRequestStyle.PRIVATE_KEY_JWT
    assert changed.config_digest == replace(changed, client_assertion_audience=None).config_digest
