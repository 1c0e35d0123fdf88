"""How the smoke check is run, and what it left."""

import os
import subprocess
import sys
from collections.abc import Callable

from local.deployment import Deployment
from tests.unit.transformed import ROOT

SUM = ("--tool=add_numbers", '--arguments={"first": 19, "second": 23}')
NO_KEY: dict[str, str | None] = {"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None}
_SMOKE = """
import runpy, signal
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # whoever runs the tests may have it ignored
runpy.run_module("smoke", run_name="__main__", alter_sys=True)
"""
type Smoke = Callable[..., tuple[int, str, str]]


def credentials(deployment: Deployment, caller: str) -> dict[str, str]:
    """Return the environment of a machine with these credentials and no others."""
    key = deployment.keys[caller]
    return {
        "PATH": os.environ["PATH"],
        "HOME": "/nonexistent",
        "AWS_ACCESS_KEY_ID": key.access_key_id,
        "AWS_SECRET_ACCESS_KEY": key.secret,
        "AWS_REGION": "eu-central-1",
    }


def registered(deployment: Deployment) -> list[str]:
    """Return the ids of smoke tests that are in the registry."""
    ids: list[str] = []
    query: dict[str, str] = {}
    with deployment.api("operator") as api:
        while True:
            page = api.get("/v1/servers", params=query).raise_for_status().json()
            ids += [server["server_id"] for server in page["servers"]]
            if not page["cursor"]:
                return [each for each in ids if each.startswith("smoke-")]
            query = {"cursor": page["cursor"]}


def start(deployment: Deployment, *arguments: str) -> subprocess.Popen[str]:
    """Start it as a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", _SMOKE, *arguments],
        cwd=ROOT,
        env=credentials(deployment, "operator"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def seen_at(output: str, title: str) -> str:
    [line] = [line for line in output.splitlines() if title in line]
    return line.partition(title)[2].strip()
