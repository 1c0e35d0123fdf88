"""What checkov says of the template, and that it would say something."""

import copy
import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.unit.transformed import ROOT, transformed

NAKED_QUEUE = {"Type": "AWS::SQS::Queue", "Properties": {"MessageRetentionPeriod": 60}}
OPEN_TO_ALL = {
    "Type": "AWS::EC2::SecurityGroup",
    "Properties": {
        "GroupDescription": "Everybody",
        "SecurityGroupIngress": [
            {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "CidrIp": "0.0.0.0/0"}
        ],
    },
}


def _scan(template: dict[str, Any], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the very command of `make check`."""
    file = folder / "transformed.json"
    file.write_text(json.dumps(template, indent=1), encoding="utf-8")
    return _scanned(file)


def _scanned(file: Path) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if "MAKE" not in name}
    command = ["make", "--silent", "scan", f"TEMPLATE={file}"]
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )


def _skipped() -> Iterator[tuple[str, dict[str, str]]]:
    for name, resource in transformed()["Resources"].items():
        for skip in resource.get("Metadata", {}).get("checkov", {}).get("skip", []):
            yield name, skip


def test_whatever_is_made_unsafe_is_found_and_nothing_else(tmp_path: Path) -> None:
    template = copy.deepcopy(transformed())
    template["Resources"] |= {"NakedQueue": NAKED_QUEUE, "OpenDoor": OPEN_TO_ALL}
    template["Resources"]["VaultKey"]["Properties"]["EnableKeyRotation"] = False
    scanned = _scan(template, tmp_path)
    assert scanned.returncode != 0
    found = set(re.findall(r"Check: (\w+):.*\n\s+FAILED for resource: \S+\.(\w+)", scanned.stdout))
    assert {name for _, name in found} == {"NakedQueue", "OpenDoor", "VaultKey"}
    assert found >= {
        ("CKV_AWS_27", "NakedQueue"),
        ("CKV_AWS_24", "OpenDoor"),
        ("CKV_AWS_7", "VaultKey"),
    }


def test_the_check_runs_the_scan_on_the_transformed_template() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    check = makefile.partition("\ncheck:")[2].partition("\n\n")[0]
    assert "scan TEMPLATE=.cache/transformed.json" in check


@pytest.mark.parametrize("content", [None, "", "no template", "{}"])
def test_a_scan_that_had_nothing_to_judge_does_not_pass(
    tmp_path: Path, content: str | None
) -> None:
    file = tmp_path / "template.json"
    if content is not None:
        file.write_text(content, encoding="utf-8")
    assert _scanned(file).returncode != 0


def test_every_rule_that_is_skipped_has_its_reason_beside_it() -> None:
    skipped = list(_skipped())
    assert skipped
    for name, skip in skipped:
        assert skip.keys() == {"id", "comment"}, name
        assert skip["comment"].endswith("."), name


def test_what_a_reason_says_is_so() -> None:
    resources = transformed()["Resources"]
    for name, skip in _skipped():
        properties = resources[name]["Properties"]
        if skip["id"] == "CKV_AWS_27":
            assert properties["SqsManagedSseEnabled"] is True, name
        if skip["id"] == "CKV_AWS_28":
            assert name not in {"ConnectionsTable", "ServersTable"}
