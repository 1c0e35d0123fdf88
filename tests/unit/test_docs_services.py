"""``docs/services.md`` shows the catalogue as it is, and its walk-through can be followed."""

import json

from broker.inbound.registry_requests import PutServerRequest
from broker.presets import Catalogue
from tests.unit.documents import page
from tests.unit.services_page import between, written

SERVICES = page("docs/services.md")


def test_the_page_shows_the_catalogue_as_it_is() -> None:
    found = between(SERVICES.text)
    assert found
    assert found[0] == written(), "make services"


def test_every_service_has_a_section_and_a_line() -> None:
    presets = list(Catalogue().all())
    assert SERVICES.rows("## The services").keys() == {one.preset_id for one in presets}
    headings = [line for line in SERVICES.prose.splitlines() if line.startswith("### ")]
    assert headings == [f"### {one.name}" for one in presets]
    assert f"The broker knows {len(presets)} services" in SERVICES.text


def test_the_bodies_of_the_walk_through_are_taken() -> None:
    bodies = [json.loads(block) for block in SERVICES.blocks("json")]
    wanted = [PutServerRequest.model_validate(one | {"server_id": "crm"}) for one in bodies]
    assert [one.preset for one in wanted] == ["salesforce", "salesforce"]
    for one in wanted:
        preset = Catalogue().get(one.preset or "")
        assert preset
        assert preset.filled(one.values, one.draft.given)["token_endpoint"].startswith("https://")
