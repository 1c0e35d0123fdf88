"""What `sam local` is given: the built template with every function's environment spelled out."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from local.account import REGION, function_key
from local.sam_local import events, services
from local.sam_local.templates import env_vars_of, own_credentials, write_template
from local.template import Template
from tests.unit.transformed import ROOT, TEMPLATE

FURTHER = {"AWS_ENDPOINT_URL": "http://host.containers.internal:1", "BROKER_LOCAL_ORIGINS": "a,b"}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("written") / "deeper" / "template.json"
    template = Template.load(TEMPLATE, {"ChatName": "Zoë’s Chat"}, REGION)
    write_template(
        TEMPLATE, template, lambda name: {**FURTHER, **own_credentials("local", name)}, target
    )
    return target


def read(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return document


def functions(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        name: resource["Properties"]
        for name, resource in document["Resources"].items()
        if resource["Type"] == "AWS::Serverless::Function"
    }


def test_every_variable_of_every_function_is_a_plain_text(written: Path) -> None:
    found = functions(read(written))
    assert len(found) == 8
    for properties in found.values():
        variables = properties["Environment"]["Variables"]
        assert all(isinstance(value, str) for value in variables.values())
        assert variables["CHAT_NAME"] == "Zoë’s Chat"
        assert FURTHER.items() <= variables.items()


def test_each_function_has_the_key_by_which_its_policy_is_found(written: Path) -> None:
    for name, properties in functions(read(written)).items():
        key = properties["Environment"]["Variables"]["AWS_ACCESS_KEY_ID"]
        assert key == function_key("local", name)


def test_the_same_values_stand_where_the_shell_cannot_overrule_them(written: Path) -> None:
    overruling = read(env_vars_of(written))
    found = functions(read(written))
    assert overruling == {
        name: properties["Environment"]["Variables"] for name, properties in found.items()
    }


def test_code_and_layer_are_found_from_wherever_the_template_lies(written: Path) -> None:
    document = read(written)
    folders = [Path(properties["CodeUri"]) for properties in functions(document).values()]
    folders.append(Path(document["Resources"]["CommonLayer"]["Properties"]["ContentUri"]))
    assert all(folder.is_absolute() and folder.is_dir() for folder in folders)


def test_the_documented_environment_names_what_is_written() -> None:
    config = tomllib.loads((ROOT / "samconfig.toml").read_text(encoding="utf-8"))
    template = services.FOLDER / f"{services.NAME}.json"
    for command in ("local_start_api", "local_invoke"):
        settings = config["local"][command]["parameters"]
        assert ROOT / settings["template_file"] == template
        assert ROOT / settings["env_vars"] == env_vars_of(template)
        assert settings["region"] == REGION
    assert config["local"]["local_start_api"]["parameters"]["port"] == services.PORT
    assert config["local"]["local_start_api"]["parameters"]["warm_containers"] == "LAZY"


def test_messages_become_a_batch_of_the_samples_shape() -> None:
    message = {"MessageId": "m1", "ReceiptHandle": "r1", "Body": "{}", "MD5OfBody": "d1"}
    sample = json.loads((events.SAMPLES / "due_batch.json").read_text(encoding="utf-8"))
    [record] = events.batch([message], "arn:aws:sqs:eu-central-1:1:queue")["Records"]
    assert record.keys() == sample["Records"][0].keys()
    assert record["messageId"] == "m1"
    assert record["eventSourceARN"] == "arn:aws:sqs:eu-central-1:1:queue"


def test_the_schedules_event_is_the_sample() -> None:
    assert events.scheduled()["detail-type"] == "Scheduled Event"
