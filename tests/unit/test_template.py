"""template.yaml as a whole, and the settings that deploy it."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.unit.transformed import ROOT, TEMPLATE, source, transformed

SECTIONS = ["Metadata", "Parameters", "Rules", "Conditions", "Globals", "Resources", "Outputs"]


def test_the_transformed_template_has_nothing_for_the_linter_to_say(tmp_path: Path) -> None:
    template = tmp_path / "transformed.json"
    template.write_text(json.dumps(transformed()), encoding="utf-8")
    linter = Path(sys.executable).with_name("cfn-lint")
    command = [str(linter), "--regions", "us-east-1", "--", str(template)]
    linted = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (linted.returncode, linted.stdout) == (0, "")


def test_the_sections_stand_in_their_order() -> None:
    found = re.findall(r"^([A-Z][A-Za-z]+):", TEMPLATE.read_text(encoding="utf-8"), re.MULTILINE)
    assert found == ["AWSTemplateFormatVersion", "Transform", "Description", *SECTIONS]


@pytest.mark.parametrize("environment", ["default", "dev", "prod"])
def test_sam_deploy_asks_nothing_and_overrides_only_parameters_that_exist(environment: str) -> None:
    config = tomllib.loads((ROOT / "samconfig.toml").read_text(encoding="utf-8"))
    deploy = config[environment]["deploy"]["parameters"]
    assert deploy["capabilities"] == "CAPABILITY_IAM"
    assert deploy["resolve_s3"] is True
    assert deploy["confirm_changeset"] is False
    assert deploy["fail_on_empty_changeset"] is False
    assert deploy["on_failure"] == "DELETE"
    assert f"environment={environment}" in deploy["tags"].split()
    overridden = {pair.split("=")[0] for pair in deploy.get("parameter_overrides", "").split()}
    assert overridden <= source()["Parameters"].keys()
    names = [
        each["deploy"]["parameters"]["stack_name"]
        for name, each in config.items()
        if name != "version" and "deploy" in each
    ]
    assert len(names) == len(set(names)) == 3
