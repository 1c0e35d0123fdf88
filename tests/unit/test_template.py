"""template.yaml as a whole: valid, in order, and with parameters that refuse what cannot work."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.unit.transformed import ROOT, TEMPLATE, source, transformed

SECTIONS = ["Metadata", "Parameters", "Rules", "Conditions", "Globals", "Resources", "Outputs"]
HTTPS_ONLY = ["ChatLogoUrl", "AllowedReturnUrls", "DefaultReturnUrl", "PublicBaseUrl"]


def _parameters() -> dict[str, dict[str, Any]]:
    parameters: dict[str, dict[str, Any]] = source()["Parameters"]
    return parameters


def _accepts(parameter: str, value: str) -> bool:
    return re.search(_parameters()[parameter]["AllowedPattern"], value) is not None


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


def test_a_deployment_needs_no_answer_and_every_parameter_says_what_it_is_for() -> None:
    for name, parameter in _parameters().items():
        assert "Default" in parameter, name
        assert parameter["Description"].endswith("."), name
        assert parameter.keys() & {"AllowedPattern", "AllowedValues", "MinValue"}, name
        if "AllowedValues" not in parameter:
            assert parameter["ConstraintDescription"].endswith("."), name


def test_every_parameter_is_labelled_and_grouped_once_and_is_used() -> None:
    interface = source()["Metadata"]["AWS::CloudFormation::Interface"]
    grouped = [name for group in interface["ParameterGroups"] for name in group["Parameters"]]
    assert sorted(grouped) == sorted(_parameters())
    assert interface["ParameterLabels"].keys() == _parameters().keys()
    used = json.dumps([transformed()["Conditions"], transformed()["Resources"]])
    for name in _parameters():
        assert f'"Ref": "{name}"' in used or f"${{{name}}}" in used, name


def test_every_default_passes_its_own_pattern() -> None:
    for name, parameter in _parameters().items():
        if "AllowedPattern" in parameter:
            assert _accepts(name, parameter["Default"]), name


@pytest.mark.parametrize("parameter", HTTPS_ONLY)
@pytest.mark.parametrize(
    "value",
    [
        "http://chat.example.com",
        "javascript:alert(1)",
        "//chat.example.com",
        "https://",
        "https://chat.example.com/ b",
        'https://chat.example.com/"',
        " https://chat.example.com",
    ],
)
def test_an_address_that_is_not_plainly_https_is_refused(parameter: str, value: str) -> None:
    assert _accepts(parameter, "https://chat.example.com")
    assert not _accepts(parameter, value)


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("PublicBaseUrl", "https://broker.example.com/"),
        ("PublicBaseUrl", "https://broker.example.com/v1"),
        ("PublicBaseUrl", "https://user@broker.example.com"),
        ("DefaultReturnUrl", "https://chat.example.com/return#here"),
        ("AllowedReturnUrls", "https://chat.example.com/return#here"),
        ("CustomDomainName", "https://broker.example.com"),
        ("CustomDomainName", "localhost"),
        ("CertificateArn", "arn:aws:iam::123456789012:server-certificate/x"),
        ("AlarmEmail", "nobody"),
        ("ChatName", ""),
        ("ChatName", "<b>chat</b>"),
        ("ChatName", "x" * 65),
    ],
)
def test_a_value_that_would_fail_later_is_refused_at_once(parameter: str, value: str) -> None:
    assert not _accepts(parameter, value)


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("PublicBaseUrl", "https://broker.example.com:8443"),
        ("AllowedReturnUrls", "https://chat.example.com/connected?from=broker"),
        ("CustomDomainName", "broker.example.com"),
        ("CertificateArn", "arn:aws:acm:eu-central-1:123456789012:certificate/12ab-34cd"),
        ("CertificateArn", "arn:aws-us-gov:acm:us-gov-west-1:123456789012:certificate/12ab"),
        ("AlarmEmail", "ops@example.com"),
        ("ChatName", "Zoë’s Chat & Co."),
    ],
)
def test_a_value_that_works_is_accepted(parameter: str, value: str) -> None:
    assert _accepts(parameter, value)


def test_users_are_protected_from_forwarded_links_unless_the_builder_opts_out() -> None:
    assert _parameters()["SessionBinding"]["Default"] == "backend"


@pytest.mark.parametrize("environment", ["default", "dev", "prod"])
def test_sam_deploy_asks_nothing_and_overrides_only_parameters_that_exist(environment: str) -> None:
    config = tomllib.loads((ROOT / "samconfig.toml").read_text(encoding="utf-8"))
    deploy = config[environment]["deploy"]["parameters"]
    assert deploy["capabilities"] == "CAPABILITY_IAM"
    assert deploy["resolve_s3"] is True
    assert deploy["confirm_changeset"] is False
    assert deploy["fail_on_empty_changeset"] is False
    overridden = {pair.split("=")[0] for pair in deploy.get("parameter_overrides", "").split()}
    assert overridden <= _parameters().keys()
    names = [
        each["deploy"]["parameters"]["stack_name"]
        for name, each in config.items()
        if name != "version" and "deploy" in each
    ]
    assert len(names) == len(set(names)) == 3
