"""The vault: a secret opens where it belongs and nowhere else."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from broker.errors import SealBroken, TemporarilyUnavailable
from broker.model import Secret
from broker.vault import Context, Kind, Place, Vault, code_place, verifier_place
from tests.integration.conftest import World

PLACE = Place(Context(Kind.REFRESH, "crm", "jo"), "grant-1", 1)
ELSEWHERE = {
    "user": replace(PLACE, context=replace(PLACE.context, user_id="mallory")),
    "no user": replace(PLACE, context=replace(PLACE.context, user_id=None)),
    "server": replace(PLACE, context=replace(PLACE.context, server_id="mail")),
    "kind": replace(PLACE, context=replace(PLACE.context, kind=Kind.ACCESS)),
    "flow": replace(PLACE, context=replace(PLACE.context, pending="x")),
    "grant": replace(PLACE, grant_id="grant-2"),
    "generation": replace(PLACE, generation=2),
    "purpose": replace(PLACE, purpose="mcp_session"),
}


@pytest.fixture
def vault(world: World) -> Vault:
    return world.core.vault


def test_what_was_sealed_opens_in_its_place(vault: Vault) -> None:
    assert vault.open(PLACE, vault.seal(PLACE, Secret("größer"))) == Secret("größer")


@pytest.mark.parametrize("place", ELSEWHERE.values(), ids=list(ELSEWHERE))
def test_it_opens_nowhere_else(vault: Vault, place: Place) -> None:
    sealed = vault.seal(PLACE, Secret("canary"))
    with pytest.raises(SealBroken) as failed:
        vault.open(place, sealed)
    assert "canary" not in repr(failed.value)


@pytest.mark.parametrize("place", ELSEWHERE.values(), ids=list(ELSEWHERE))
def test_it_opens_nowhere_else_in_a_cold_container_either(world: World, place: Place) -> None:
    sealed = world.core.vault.seal(PLACE, Secret("canary"))
    with pytest.raises(SealBroken):
        world.container().vault.open(place, sealed)


@pytest.mark.parametrize("part", ["nonce", "ciphertext", "wrapped_key"])
def test_what_was_altered_does_not_open(world: World, part: str) -> None:
    sealed = world.core.vault.seal(PLACE, Secret("canary"))
    whole = getattr(sealed, part)
    torn = replace(sealed, **{part: whole[:-1] + bytes([whole[-1] ^ 1])})
    with pytest.raises(SealBroken):
        world.container().vault.open(PLACE, torn)


def test_the_same_secret_is_never_sealed_alike(vault: Vault) -> None:
    key = vault.new_key(PLACE.context)
    seals = [key.seal(PLACE, Secret("x")) for _ in range(50)]
    assert len({sealed.nonce for sealed in seals}) == 50
    assert len({sealed.ciphertext for sealed in seals}) == 50


def test_the_key_service_never_sees_a_raw_user_id(world: World) -> None:
    contexts: list[Any] = []
    world.cloud.clients["kms"].meta.events.register(
        "provide-client-params.kms.GenerateDataKey", lambda params, **_: contexts.append(params)
    )
    world.core.vault.seal(PLACE, Secret("x"))
    [params] = contexts
    assert params["KeyId"] == world.cloud.physical["VaultKey"]
    assert params["EncryptionContext"].keys() == {"kind", "server_id", "user"}
    assert len(params["EncryptionContext"]["user"]) == 64


def test_a_warm_container_asks_the_key_service_once(world: World) -> None:
    sealed = world.core.vault.seal(PLACE, Secret("x"))
    other = world.container().vault
    world.cloud.sent.clear()
    for _ in range(3):
        other.open(PLACE, sealed)
    assert world.cloud.sent == ["Decrypt"]


def test_a_key_is_held_for_five_minutes_at_most(world: World) -> None:
    sealed = world.core.vault.seal(PLACE, Secret("x"))
    world.time.passes(299)
    world.cloud.sent.clear()
    world.core.vault.open(PLACE, sealed)
    world.time.passes(2)
    world.core.vault.open(PLACE, sealed)
    assert world.cloud.sent == ["Decrypt"]


def test_using_a_key_does_not_prolong_its_life(world: World) -> None:
    sealed = world.core.vault.seal(PLACE, Secret("x"))
    world.cloud.sent.clear()
    for _ in range(7):
        world.time.passes(60)
        world.core.vault.open(PLACE, sealed)
    assert world.cloud.sent.count("Decrypt") == 1


def test_keys_whose_time_is_up_do_not_stay_in_memory(world: World) -> None:
    for number in range(20):
        world.core.vault.seal(
            replace(PLACE, context=Context(Kind.ACCESS, f"s{number}")), Secret("x")
        )
    world.time.passes(301)
    world.core.vault.seal(PLACE, Secret("x"))
    assert len(world.core.vault._open) <= 2


def test_an_outage_of_the_key_service_is_temporary(world: World) -> None:
    sealed = world.core.vault.seal(PLACE, Secret("x"))
    for code in ("KMSInternalException", "ThrottlingException", "DisabledException"):
        world.cloud.refuses("Decrypt", code)
        with pytest.raises(TemporarilyUnavailable):
            world.container().vault.open(PLACE, sealed)
        world.cloud.recovers()


def test_a_code_belongs_to_its_own_flow(vault: Vault) -> None:
    sealed = vault.seal(code_place("crm", "state-1"), Secret("canary"))
    for place in (code_place("crm", "state-2"), verifier_place("crm", "state-1")):
        with pytest.raises(SealBroken):
            vault.open(place, sealed)


def test_neither_vault_nor_keys_print_what_they_hold(vault: Vault) -> None:
    key = vault.new_key(PLACE.context)
    shown = repr(key) + repr(vault) + str(key.seal(PLACE, Secret("canary")))
    assert key._plain.hex() not in shown
    assert repr(key._plain)[2:10] not in shown
    assert "canary" not in shown


ids = st.text(max_size=6, alphabet='ab#/:\x00 é́ﬁfi😀{}",\\')


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.tuples(ids, ids, ids), st.tuples(ids, ids, ids))
def test_no_two_places_are_written_alike(
    one: tuple[str, str, str], two: tuple[str, str, str]
) -> None:
    first, second = (
        Place(Context(Kind.ACCESS, server, user), grant) for server, user, grant in (one, two)
    )
    assert (first.associated_data() == second.associated_data()) == (one == two)
