"""What the documents show to be sent and run is taken, and answers as they say."""

import json
import os
import re
import secrets
import shlex
import subprocess
import sys
from typing import Any

from broker.inbound.registry_requests import PutServerRequest
from broker.inbound.requests import CompleteRequest, InvokeRequest
from local.demo.neighbours import Neighbours
from local.deployment import Deployment
from tests.unit.documents import page
from tests.unit.transformed import ROOT


def salesforce() -> dict[str, Any]:
    """Return the body that the README registers Salesforce with."""
    blocks = [json.loads(block) for block in page("README.md").blocks("json")]
    [body] = [block for block in blocks if "token_endpoint" in block]
    assert isinstance(body, dict)
    return body


def test_the_bodies_that_are_shown_are_taken() -> None:
    invoke, complete = (
        json.loads(block) for block in page("docs/chat-integration.md").blocks("json")
    )
    InvokeRequest.model_validate(invoke)
    CompleteRequest.model_validate(complete | {"server_id": "crm"})
    PutServerRequest.model_validate(salesforce() | {"server_id": "salesforce"})
    [first] = re.findall(r"-d '(\{\"name\".+\})'", page("README.md").text)
    PutServerRequest.model_validate(json.loads(first) | {"server_id": "salesforce"})


def _unique(name: str) -> str:
    return f"{name}-{secrets.token_hex(4)}"


def test_salesforce_is_registered_by_the_readme_and_lacks_nothing(bound: Deployment) -> None:
    with bound.api("builder") as builder:
        answer = builder.put(f"/v1/servers/{_unique('salesforce')}", json=salesforce())
    assert (answer.status_code, answer.json()["missing"]) == (201, [])
    assert answer.json()["default_expires_in"] == 7200


def _invoke_signed(deployment: Deployment, *arguments: str) -> subprocess.CompletedProcess[str]:
    key = deployment.keys["chat-backend"]
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": "/nonexistent",  # no profile of this machine
        "AWS_ACCESS_KEY_ID": key.access_key_id,
        "AWS_SECRET_ACCESS_KEY": key.secret,
        "AWS_REGION": "eu-central-1",
        "BROKER_URL": deployment.address,
    }
    command = [sys.executable, str(ROOT / "examples" / "invoke_signed.py"), *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_the_signed_example_runs_a_tool(bound: Deployment, further_parties: Neighbours) -> None:
    server_id = _unique("tides")
    url = f"{further_parties.open_mcp_server}/{server_id}/mcp"
    with bound.api("builder") as builder:
        builder.put(
            f"/v1/servers/{server_id}", json={"name": "Tides", "mcp_url": url, "auth_type": "none"}
        ).raise_for_status()
    numbers = '{"first": 19, "second": 23}'
    ran = _invoke_signed(bound, "jo", server_id, "add_numbers", numbers)
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout)["result"]["content"][0]["text"] == "42"


def test_the_signed_example_shows_the_prompt_of_the_readme(bound: Deployment) -> None:
    server_id = _unique("salesforce")
    with bound.api("builder") as builder:
        builder.put(f"/v1/servers/{server_id}", json=salesforce()).raise_for_status()
    answer = json.loads(_invoke_signed(bound, "jo", server_id, "query").stdout)
    [shown] = [
        block
        for block in map(json.loads, page("README.md").blocks("json"))
        if "connect_url" in block
    ]
    assert answer.keys() == shown.keys()
    for name in ("status", "reason", "scopes"):
        assert answer[name] == shown[name]
    assert answer["prompt"]["button_label"] == shown["prompt"]["button_label"]


def test_the_signed_example_fails_on_a_refusal(bound: Deployment) -> None:
    refused = _invoke_signed(bound, "jo", "nothing-here", "query")
    assert refused.returncode == 1
    assert json.loads(refused.stdout)["error"] == "server_not_found"


def test_a_parameter_with_blanks_reaches_sam_within_quotes_of_its_own() -> None:
    """SAM joins the words of --parameter-overrides and splits them again at blanks."""
    deploy = page("docs/deploy.md")
    [command] = [block for block in deploy.blocks("sh") if "--parameter-overrides" in block]
    pairs = [word.partition("=") for word in shlex.split(command) if "=" in word]
    assert [name for name, _, _ in pairs] == ["ChatName", "AllowedReturnUrls", "DefaultReturnUrl"]
    for name, _, value in pairs:
        assert " " not in value or re.fullmatch(r'"[^"]+"', value), name
