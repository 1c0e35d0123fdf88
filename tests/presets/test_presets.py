"""The short form of `make presets`: services unlike each other; and that a stand-in takes no other.

A journey that holds shows something only if it does not hold where the service is another one.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from broker.presets import Catalogue, Preset
from local.stack import LocalStack
from tests.presets.facts import all_facts
from tests.presets.journey import Walk
from tests.presets.run import walks
from tests.presets.service import Service

SAMPLE = ("airtable", "figma", "github", "google", "jira", "notion", "slack", "tiktok")
_ROUNDED = 60
"""Seconds: services say 3599 of an hour."""
OTHERWISE: dict[str, tuple[str, dict[str, Any]]] = {
    "another token request style": ("jira", {"style": "form_basic"}),
    "a JSON body": ("jira", {"style": "json_post"}),
    "another separator": ("figma", {"separator": " "}),
    "another name for a scope": ("google", {"listed_as": {"email": "mail"}}),
    "another parameter for the scopes": ("slack", {"scope_parameter": "scope", "label": "-"}),
    "another name for the client id": ("tiktok", {"client_parameter": "client_id"}),
    "no PKCE": ("jira", {"pkce": "refused"}),
    "PKCE": ("figma", {"pkce": "required"}),
    "a parameter more for a refresh token": ("google", {"offline_parameters": {"offline": "yes"}}),
    "a scope more for a refresh token": ("jira", {"offline_scope": "offline"}),
    "another parameter at the login page": ("notion", {"requires": {"owner": "workspace"}}),
    "a parameter at the token endpoint": ("jira", {"token_requires": {"expires_in": "1800"}}),
    "another token endpoint": ("jira", {"token": "https://auth.atlassian.com/oauth/tokens"}),
    "another refresh endpoint": ("figma", {"refresh": None}),
    "another revocation endpoint": ("google", {"revoke": "https://oauth2.googleapis.com/end"}),
    "another userinfo endpoint": ("jira", {"userinfo": "https://api.atlassian.com/you"}),
    "another account": ("jira", {"account": {"email": "ben@harbor.example"}}),
}


@pytest.fixture(scope="module")
def every(stack: LocalStack) -> Iterator[dict[str, Walk]]:
    """The sample, ready to be walked."""
    refused = len(stack.guard.refusals)
    with walks(stack, SAMPLE) as found:
        yield {walk.preset: walk for walk in found}
    assert stack.guard.refusals[refused:] == []


def test_there_are_facts_for_every_preset() -> None:
    assert all_facts().keys() == {preset.preset_id for preset in Catalogue().all()}


@pytest.mark.parametrize("preset", list(Catalogue().all()), ids=lambda preset: preset.preset_id)
def test_a_preset_promises_no_other_life_than_its_service_gives(preset: Preset) -> None:
    facts, said = all_facts()[preset.preset_id], preset.lifetimes
    if said.access_token_seconds and facts.lifetime and not facts.renews_itself:
        assert abs(said.access_token_seconds - facts.lifetime) <= _ROUNDED
    if said.access_token_ends is False:
        assert facts.expiry == "none"
        assert facts.lifetime is None
    assert (said.refresh_token == "never") <= (facts.refreshes == "never")
    assert bool(preset.server.revocation_endpoint) is bool(facts.revoke)


def test_the_sample_differs() -> None:
    facts = [all_facts()[name] for name in SAMPLE]
    assert len({each.style for each in facts}) == 3
    assert {each.pkce for each in facts} == {"required", "checked", "refused"}
    assert {each.refreshes for each in facts} == {"rotates", "keeps", "never"}
    assert len({each.errors for each in facts}) == 4


@pytest.mark.parametrize("preset", SAMPLE)
def test_a_preset_takes_its_user_the_whole_way(every: dict[str, Walk], preset: str) -> None:
    every[preset].whole()


@pytest.mark.parametrize("difference", OTHERWISE)
def test_a_service_that_is_otherwise_does_not_do(every: dict[str, Walk], difference: str) -> None:
    preset, changes = OTHERWISE[difference]
    walk = every[preset]
    usual = walk.service.facts
    walk.service.facts = usual.model_copy(update=changes)
    try:
        with pytest.raises(AssertionError):
            walk.whole()
    finally:
        walk.service.facts = usual
        _forget(walk.service)


def _forget(service: Service) -> None:
    service.grants.every.clear()
    service.refusals.clear()
