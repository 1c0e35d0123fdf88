"""Which service of the catalogue an authorization server is like."""

import re

import pytest

from broker.flows.probe.resemblance import _GAP, resembling, set_by
from broker.presets import Catalogue, Preset

CATALOGUE = Catalogue()
PRESETS = list(CATALOGUE.all())


def like(authorization: str, token: str) -> dict[str, tuple[str, dict[str, str]]]:
    seen = {"authorization_endpoint": authorization, "token_endpoint": token}
    found = resembling(PRESETS, seen)
    return {one.preset_id: (one.by, dict(one.values)) for one in found}


def filled(preset: Preset) -> dict[str, str]:
    examples = {name: value.example for name, value in preset.values.items()}
    endpoints = preset.filled(examples, ())
    return {name: endpoints[name] for name in ("authorization_endpoint", "token_endpoint")}


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.preset_id)
def test_every_preset_is_found_by_its_own_endpoints(preset: Preset) -> None:
    # An example at example.com stands for any host, of which nothing can be said.
    seen = {n: url.replace("gitlab.example.com", "gitlab.com") for n, url in filled(preset).items()}
    ours = [one for one in resembling(PRESETS, seen) if one.preset_id == preset.preset_id]
    assert [one.by for one in ours] == ["endpoints"]
    others = {name: v.example for name, v in preset.values.items() if name not in ours[0].values}
    again = preset.filled({**ours[0].values, **others}, ())
    assert {name: again[name] for name in seen} == seen


def test_the_values_that_the_urls_hold_are_named() -> None:
    assert like(
        "https://acme.zendesk.com/oauth/authorizations/new", "https://acme.zendesk.com/oauth/tokens"
    ) == {"zendesk": ("endpoints", {"subdomain": "acme"})}


def test_other_endpoints_on_a_presets_hosts_are_said_to_be_no_more() -> None:
    assert like("https://acme.zendesk.com/o/a", "https://acme.zendesk.com/o/t") == {
        "zendesk": ("hosts", {"subdomain": "acme"})
    }


def test_what_has_the_very_endpoints_hides_what_has_the_hosts() -> None:
    found = like(
        "https://accounts.google.com/o/oauth2/v2/auth", "https://oauth2.googleapis.com/token"
    )
    assert len(found) > 1
    assert {by for by, _ in found.values()} == {"endpoints"}


@pytest.mark.parametrize(
    ("authorization", "token"),
    [
        ("https://acme.zendesk.com/oauth/authorizations/new", "https://evil.example.com/t"),
        ("https://acme.zendesk.com/oauth/a", "https://other.zendesk.com/oauth/tokens"),
        ("https://zendesk.com.evil.example.net/oauth/a", "https://zendesk.com.evil.example.net/t"),
        ("https://a.b.zendesk.com/oauth/a", "https://a.b.zendesk.com/oauth/tokens"),
        ("https://acme.zendesk.com:444/oauth/a", "https://acme.zendesk.com/oauth/tokens"),
        ("http://acme.zendesk.com/oauth/a", "http://acme.zendesk.com/oauth/tokens"),
        ("https://u@acme.zendesk.com/oauth/a", "https://u@acme.zendesk.com/oauth/tokens"),
        ("https://github.com.evil.example.net/login/oauth/authorize", "https://github.com/x"),
        ("https://host.example.com/services/oauth2/authorize", "https://host.example.com/x"),
        ("https://my.notsalesforce.com/services/oauth2/authorize", "https://login.x.com/x"),
        ("", ""),
        ("https://[", "https://]"),
    ],
)
def test_what_only_looks_like_a_service_is_not(authorization: str, token: str) -> None:
    assert like(authorization, token) == {}


def test_a_host_of_ones_own_is_known_by_the_services_site() -> None:
    acme = "https://acme.my.salesforce.com/services/oauth2/"
    found = like(f"{acme}authorize", f"{acme}token")
    assert found["salesforce"] == ("endpoints", {"host": "acme.my.salesforce.com"})


def test_an_issuer_will_do_where_no_endpoint_is_known() -> None:
    (found,) = resembling(PRESETS, {"issuer": "https://acme.zendesk.com"})
    assert (found.preset_id, found.by) == ("zendesk", "hosts")
    assert resembling(PRESETS, {}) == ()


def test_no_more_than_ten_are_named() -> None:
    preset = CATALOGUE.get("zendesk")
    assert preset
    assert len(resembling([preset] * 30, filled(preset))) == 10


def test_a_host_that_would_be_tried_in_many_ways_is_judged_once() -> None:
    host = "a." * 1000 + "x"
    assert like(f"https://{host}/services/oauth2/authorize", f"https://{host}/x") == {}
    host = "-" * 2000 + ".salesforce.com"
    assert like(f"https://{host}/services/oauth2/authorize", f"https://{host}/x") == {}


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.preset_id)
def test_what_a_preset_sets_is_known_as_its_own(preset: Preset) -> None:
    examples = {name: value.example for name, value in preset.values.items()}
    fields = preset.filled(examples, ())
    hosts = [v.kind == "host" and v.example.endswith("example.com") for v in preset.values.values()]
    own = set_by(preset, fields)
    if not any(hosts):
        assert own == fields.keys()
    changed = dict.fromkeys(fields, "changed by the builder")
    gaps = {n for n, t in preset.server.set_fields().items() if re.fullmatch(_GAP, str(t))}
    assert set_by(preset, changed) <= gaps
