"""The catalogue of services: every file is a preset, and no slip of the pen gets by."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from broker.errors import InvalidServer
from broker.presets import Catalogue, Kind, Preset, PresetValue
from broker.templates import gaps
from tests.unit.test_settings import COMPLETE
from tests.unit.transformed import ROOT

CATALOGUE = Catalogue()
FILES = sorted(CATALOGUE.folder.iterdir())
HOSTILE = [
    "",
    " ",
    "a.b/@evil.example",
    "a@evil.example",
    "evil.example/",
    "evil.example#",
    "evil.example?",
    "evil.example:8443",
    "a\\b",
    "a\nb",
    "acme\n",
    "acme\r",
    "a%2Fb",
    "https://evil.example",
    "javascript:alert(1)",
    "..",
    ".",
    "ácme",
    "a" * 300,
    "{host}",
]


def preset(preset_id: str) -> Preset:
    found = CATALOGUE.get(preset_id)
    assert found is not None
    return found


def written(name: str = "zendesk", **changes: Any) -> dict[str, Any]:
    said = tomllib.loads((CATALOGUE.folder / f"{name}.toml").read_text("utf-8"))
    return {**said, "preset_id": name, **changes}


def test_there_are_at_least_seventy_services() -> None:
    assert len(FILES) >= 70
    assert {path.suffix for path in FILES} == {".toml"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_file_is_a_preset_that_makes_a_whole_configuration(path: Path) -> None:
    found = preset(path.stem)
    fields = found.filled({name: value.example for name, value in found.values.items()}, ())
    assert fields.keys() >= {"authorization_endpoint", "token_endpoint", "token_request_style"}
    texts = [text for text in str(fields).split("'") if "https://" in text]
    assert {gap for text in texts for gap in gaps(text)} <= found.server.later.keys()
    assert found.console or found.values or found.notes


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_value_of_a_preset_is_either_given_or_has_a_default(path: Path) -> None:
    found = preset(path.stem)
    needed = [name for name, value in found.values.items() if value.default is None]
    if needed:
        with pytest.raises(InvalidServer, match=rf"values\.{needed[0]}: required"):
            found.filled({}, ())
    else:
        assert found.filled({}, ())["token_endpoint"].startswith("https://")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_no_value_of_a_preset_takes_hostile_text(path: Path) -> None:
    found = preset(path.stem)
    everything = found.server.set_fields()
    for name in found.values:
        for text in HOSTILE:
            with pytest.raises(InvalidServer, match=rf"^values\.{name}: "):
                found.filled({name: text}, everything)


@pytest.mark.parametrize(
    ("kind", "text"),
    [(Kind.LABEL, "a.b"), (Kind.HOST, "intranet"), (Kind.SEGMENT, "a/b"), (Kind.SEGMENT, ".well")],
)
def test_a_kind_takes_no_more_than_its_name_says(kind: Kind, text: str) -> None:
    example = {Kind.LABEL: "a", Kind.HOST: "a.example", Kind.SEGMENT: "a"}[kind]
    value = PresetValue(kind=kind, description="x", example=example)
    assert value.text_for(example) == example
    with pytest.raises(ValueError, match=f"such as {example}"):
        value.text_for(text)


def test_what_the_builder_gives_is_left_out_and_needs_no_value() -> None:
    given = {"authorization_endpoint", "token_endpoint", "userinfo_endpoint", "scopes"}
    fields = preset("zendesk").filled({}, given)
    assert not fields.keys() & given
    assert fields["extra_token_params"] == {"expires_in": "1800"}


def test_values_fill_urls_and_parameters_alike() -> None:
    fields = preset("bigcommerce").filled({"store_hash": "abc"}, ())
    assert fields["extra_authorize_params"] == {"context": "stores/abc"}
    assert fields["extra_token_params"] == {"context": "stores/abc"}


@pytest.mark.parametrize(("region", "host"), [("us", "app."), ("eu", "app.eu."), (None, "app.")])
def test_a_choice_stands_for_its_text(region: str | None, host: str) -> None:
    fields = preset("intercom").filled({"region": region} if region else {}, ())
    assert fields["authorization_endpoint"] == f"https://{host}intercom.com/oauth"


def test_a_gap_that_connections_fill_stays() -> None:
    server = SERVER | {
        "kept_fields": {"realm": KEPT},
        "userinfo_endpoint": "https://{subdomain}.zendesk.com/{realm}/{client_id}",
    }
    fields = Preset.model_validate(written(server=server)).filled({"subdomain": "acme"}, ())
    assert fields["userinfo_endpoint"] == "https://acme.zendesk.com/{realm}/{client_id}"
    assert fields["kept_fields"] == {"realm": KEPT}


def test_an_unknown_value_is_refused_by_its_name_with_those_there_are() -> None:
    with pytest.raises(InvalidServer, match=r"values\.domain: the preset's values are: subdomain"):
        preset("zendesk").filled({"subdomain": "acme", "domain": "x"}, ())


def test_how_long_a_refresh_token_may_lie_idle_becomes_the_servers_own() -> None:
    assert preset("xero").filled({}, ())["refresh_idle_days"] == 60
    assert "refresh_idle_days" not in preset("slack").filled({}, ())


@pytest.mark.parametrize(
    "name", ["../services/slack", "slack.toml", "", "Slack", "a" * 64, "nobody"]
)
def test_what_is_no_id_of_a_service_is_not_looked_up_elsewhere(name: str) -> None:
    assert CATALOGUE.get(name) is None


SERVER = written()["server"]
VALUE = written()["values"]["subdomain"]
KEPT = {"source": "callback", "field": "realmId"}


@pytest.mark.parametrize(
    "changes",
    [
        {"colour": "blue"},
        {"server": SERVER | {"token_uri": "https://a.example/"}},
        {"server": SERVER | {"token_endpoint": "http://{subdomain}.zendesk.com/oauth/tokens"}},
        {"server": SERVER | {"token_endpoint": "https://jo@{subdomain}.zendesk.com/"}},
        {"server": SERVER | {"token_endpoint": "https://{subdomain}.zendesk.com/#top"}},
        {"server": SERVER | {"token_endpoint": "https://{subdomain}.zendesk.com/a b"}},
        {"server": SERVER | {"token_endpoint": "https://{account}.zendesk.com/oauth/tokens"}},
        {"server": SERVER | {"token_request_style": "basic"}},
        {"server": SERVER | {"extra_token_params": {"a": "b\nc"}}},
        {"values": {}},
        {"values": {"subdomain": VALUE, "unused": VALUE}},
        {"values": {"subdomain": VALUE | {"kind": "anything"}}},
        {"values": {"subdomain": VALUE | {"example": "a/b"}}},
        {"values": {"subdomain": VALUE | {"default": "a@b"}}},
        {"values": {"subdomain": VALUE | {"kind": "choice"}}},
        {"values": {"subdomain": VALUE | {"options": {"a": "b"}}}},
        {"scopes": [{"name": "a b", "gives": "x"}]},
        {"scopes": [{"name": "a", "gives": "x"}, {"name": "a", "gives": "y"}]},
        {"scopes": [{"name": "a", "gives": ""}]},
        {
            "server": SERVER | {"scope_separator": "comma"},
            "scopes": [{"name": "a,b", "gives": "x"}],
        },
        {"server": SERVER | {"kept_fields": {"subdomain": KEPT}}},
        {"server": SERVER | {"kept_fields": {"x": KEPT | {"kind": "url"}}}},
        {"server": SERVER | {"kept_fields": {"x": KEPT | {"colour": "blue"}}}},
        {"server": SERVER | {"refresh_request": {"method": "PUT"}}},
        {"server": SERVER | {"revocation_endpoint": "https://{nobody}.example.com/"}},
        {"lifetimes": {"access_token_seconds": 0}},
        {"lifetimes": {"access_token_ends": False, "access_token_seconds": 60}},
        {"lifetimes": {"refresh_token": "never", "refresh_token_idle_days": 60}},
        {"lifetimes": {"refresh_token_idle_days": 60, "refresh_token_absolute_days": 30}},
        {"sources": []},
        {"console": "http://example.com/"},
        {"version": 0},
    ],
)
def test_a_slip_of_the_pen_is_refused(changes: dict[str, Any]) -> None:
    assert Preset.model_validate(written())
    with pytest.raises(ValidationError):
        Preset.model_validate(written(**changes))


@pytest.mark.parametrize(
    "function", ["mcp_invoke", "authorize", "callback", "connections", "servers"]
)
def test_a_cold_start_does_not_pay_for_the_catalogue(function: str) -> None:
    script = f"import app; flow = app.wiring().{function}; import sys; print(*sys.modules)"
    places = (ROOT / "functions" / function, ROOT / "layers" / "common")
    environment = {
        **COMPLETE,
        "PYTHONPATH": os.pathsep.join(map(str, places)),
        "AWS_DEFAULT_REGION": "eu-central-1",
    }
    command = [sys.executable, "-c", script]
    loaded = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    modules = loaded.stdout.split()
    assert f"broker.flows.{function}" in modules
    assert [name for name in modules if name.startswith("broker.presets")] == []
