"""What cannot be checked ends in one plain sentence of what to do."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from local.demo.neighbours import Neighbours
from local.deployment import Deployment
from tests.e2e.meddler import Meddler
from tests.e2e.smoke.running import NO_KEY, SUM, Smoke
from tests.unit.transformed import ROOT


@pytest.mark.parametrize(
    ("caller", "policy"),
    [("chat-backend", "BuilderPolicyArn"), ("builder", "ChatBackendPolicyArn")],
)
def test_a_caller_without_a_policy_is_told_which(
    run: Smoke, mcp: str, caller: str, policy: str
) -> None:
    status, _, err = run(caller, f"--mcp={mcp}", *SUM)
    assert status == 2
    assert f"lack the policy {policy}, have expired, or belong to another account" in err


@pytest.mark.parametrize(
    "changes", [{"AWS_REGION": "us-east-1"}, {"AWS_SECRET_ACCESS_KEY": "expired"}]
)
def test_credentials_for_elsewhere_and_credentials_that_are_no_more_are_explained(
    run: Smoke, mcp: str, changes: dict[str, str | None]
) -> None:
    status, out, err = run("operator", f"--mcp={mcp}", **changes)
    assert status == 2
    assert "the caller is admitted" not in out
    assert err.startswith("The gateway refuses GET /v1/servers (403 Forbidden): these credentials")


def test_a_profile_that_is_not_there_is_explained(run: Smoke, mcp: str) -> None:
    status, out, err = run("operator", f"--mcp={mcp}", AWS_PROFILE="nobodys")
    assert (status, out) == (2, "")
    assert "profile (nobodys) could not be found. Log in (aws sso login)" in err


def test_a_login_that_has_ended_is_explained(run: Smoke, mcp: str, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("[default]\ncredential_process = false\n")
    status, out, err = run("operator", f"--mcp={mcp}", **NO_KEY, AWS_CONFIG_FILE=str(config))
    assert (status, out) == (2, "")
    assert err.startswith("No AWS credentials can be read: ")
    assert len(err.splitlines()) == 1


def test_an_mcp_address_that_the_broker_does_not_take_is_explained(run: Smoke) -> None:
    status, _, err = run("operator", "--mcp=http://mcp.example.com/")
    assert status == 2
    assert err.startswith("The broker does not take this MCP address: mcp_url: ")


@pytest.mark.parametrize("named", [(), SUM])
def test_a_server_that_asks_for_credentials_is_explained(
    run: Smoke, further_parties: Neighbours, named: tuple[str, ...]
) -> None:
    caller = "chat-backend+builder" if named else "operator"
    status, _, err = run(caller, f"--mcp={further_parties.keyed_mcp_server}/x/mcp", *named)
    assert status == 2
    assert err.startswith("MCP asks for credentials: name a server that asks for none.")


def test_an_address_of_something_else_is_explained(
    run: Smoke, mcp: str, further_parties: Neighbours
) -> None:
    status, _, err = run("operator", f"--mcp={mcp}", api=further_parties.open_mcp_server)
    assert status == 2
    assert "has no route GET /v1/servers: API must be the stack's output ApiUrl." in err


@pytest.mark.parametrize(
    ("api", "sentence"),
    [
        ("http://127.0.0.1:9", "Nothing answers at http://127.0.0.1:9 ("),
        ("https://a..b", "API has a host or a port that cannot be: "),
        ("https://nobody.invalid", "There is no host nobody.invalid: API must be the stack's"),
    ],
)
def test_an_address_where_nobody_is_is_explained(
    run: Smoke, mcp: str, api: str, sentence: str
) -> None:
    status, out, err = run("operator", f"--mcp={mcp}", api=api)
    assert (status, out) == (2, "")
    assert err.startswith(sentence)


def test_a_failure_of_tls_is_explained(run: Smoke, mcp: str, bound: Deployment) -> None:
    address = bound.address.replace("http:", "https:")
    status, _, err = run("operator", f"--mcp={mcp}", api=address)
    assert status == 2
    assert err.startswith(f"{address} cannot be trusted, TLS fails: ")


def test_without_credentials_nothing_is_sent(mcp: str, meddler: Meddler, tmp_path: Path) -> None:
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    ran = subprocess.run(
        [sys.executable, "-m", "smoke", f"--api={meddler.origin}", f"--mcp={mcp}"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, meddler.seen) == (2, [])
    assert ran.stderr.startswith("There are no AWS credentials. Log in (aws sso login)")
