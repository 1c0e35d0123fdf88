"""What `make smoke` walks, and what it says of it."""

import json
import subprocess
from pathlib import Path

import pytest

from local.demo.neighbours import Neighbours
from local.demo.tenant import Tenant
from local.deployment import Deployment
from local.loopback import Reply
from tests.e2e.meddler import Meddler, PassOn
from tests.e2e.smoke.running import NO_KEY, SUM, Smoke, credentials, seen_at
from tests.unit.transformed import ROOT

TITLES = [
    "a stranger is refused",
    "an unknown path is not found",
    "a link that nobody made gets a page",
    "the caller is admitted",
    "a server is registered",
    "it reads back as it was written",
    "its tools are listed",
    "a tool runs",
    "the server is deleted",
    "it is gone",
]


def test_make_smoke_walks_the_journey(bound: Deployment, mcp: str) -> None:
    asked = [f"API={bound.address}", f"MCP={mcp}", "TOOL=add_numbers"]
    command = ["make", "--silent", "smoke", *asked, 'ARGUMENTS={"first": 19, "second": 23}']
    ran = subprocess.run(
        command,
        cwd=ROOT,
        env=credentials(bound, "operator"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    lines = ran.stdout.splitlines()
    assert [line[4:48].strip() for line in lines[:10]] == TITLES
    assert lines[-1] == "smoke: 10 steps, all held"
    assert seen_at(ran.stdout, "a tool runs") == "add_numbers → 42"


def test_make_hands_over_whatever_is_asked_for_as_it_is(bound: Deployment, mcp: str) -> None:
    odd = """it's "$odd" $(x) `y` #"""
    command = ["make", "--silent", "smoke", f"API={bound.address}", f"MCP={mcp}", f"TOOL={odd}"]
    environment = credentials(bound, "operator")
    ran = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert f"expected  a tool {odd}" in ran.stdout


def test_an_administrator_who_names_no_tool_sees_one_run_that_only_reads(
    run: Smoke, mcp: str
) -> None:
    status, out, _ = run("operator", f"--mcp={mcp}")
    assert status == 0
    assert seen_at(out, "its tools are listed").startswith("10: list_contacts, ")
    assert seen_at(out, "a tool runs") == "whoami → nobody"


def test_both_policies_in_one_hand_may_not_list_tools_and_run_the_one_that_is_named(
    run: Smoke, mcp: str
) -> None:
    status, out, _ = run("chat-backend+builder", f"--mcp={mcp}", *SUM)
    assert status == 0
    assert seen_at(out, "its tools are listed").startswith("not run: BuilderPolicyArn denies it")
    assert seen_at(out, "a tool runs") == "add_numbers → 42"
    assert out.splitlines()[-1] == "smoke: 9 steps held, 1 not run"


def test_both_policies_in_one_hand_must_name_the_tool(run: Smoke, mcp: str) -> None:
    status, out, err = run("chat-backend+builder", f"--mcp={mcp}")
    assert status == 2
    assert "name the tool to run with TOOL=name." in err
    assert "nothing: smoke-" in out


def test_a_tool_of_which_nobody_knows_that_it_only_reads_is_not_run_and_not_counted_as_held(
    run: Smoke, mcp: str, meddler: Meddler
) -> None:
    def strip_hints(pass_on: PassOn) -> Reply:
        reply = pass_on()
        body = json.loads(reply.body)
        for tool in body.get("tools", []):
            tool.pop("annotations", None)
        return Reply(reply.status, reply.headers, json.dumps(body).encode())

    meddler.meddling["GET /v1/servers/smoke-"] = strip_hints
    status, out, _ = run("operator", f"--mcp={mcp}", api=meddler.origin)
    assert status == 0
    assert seen_at(out, "a tool runs").startswith("not run: no tool says that it only reads")
    assert out.splitlines()[-1] == "smoke: 9 steps held, 1 not run"
    assert "POST /v1/invoke" not in meddler.seen


def test_the_key_in_an_mcp_address_is_not_printed(run: Smoke, mcp: str) -> None:
    status, out, err = run("operator", f"--mcp={mcp}?apiKey=opensesame")
    assert status == 0
    assert "opensesame" not in out + err


# What does not hold


def test_an_address_that_reads_back_otherwise_does_not_hold_and_is_not_printed(
    run: Smoke, mcp: str, meddler: Meddler
) -> None:
    def swap(pass_on: PassOn) -> Reply:
        reply = pass_on()
        return Reply(reply.status, reply.headers, reply.body.replace(b"opensesame", b"opensomeway"))

    meddler.meddling["GET /v1/servers/smoke-"] = swap
    status, out, err = run("operator", f"--mcp={mcp}?apiKey=opensesame", api=meddler.origin)
    assert status == 1
    assert seen_at(out, "it reads back as it was written") == "did not hold"
    assert seen_at(out, "seen") == "another one"
    assert "openso" not in out + err
    assert "openses" not in out + err


@pytest.mark.parametrize("named", [(), SUM])
def test_a_server_that_lists_no_tools_does_not_hold(
    run: Smoke, further_parties: Neighbours, named: tuple[str, ...]
) -> None:
    bare = Tenant(further_parties.open_mcp_server)
    bare.switch(empty_tools=True)
    status, out, _ = run("operator", f"--mcp={bare.url}", *named)
    assert status == 1
    assert seen_at(out, "its tools are listed") == "did not hold"
    assert (seen_at(out, "expected"), seen_at(out, "seen")) == ("at least one tool", "none")


def test_a_tool_that_the_server_does_not_have_does_not_hold(run: Smoke, mcp: str) -> None:
    status, out, _ = run("operator", f"--mcp={mcp}", "--tool=fly")
    assert status == 1
    lines = out.splitlines()
    assert lines[7].split() == ["expected", "a", "tool", "fly"]
    assert lines[8].split()[:2] == ["seen", "list_contacts,"]
    assert lines[-1].startswith("    left      nothing: smoke-")


def test_a_tool_that_fails_does_not_hold(run: Smoke, mcp: str) -> None:
    status, out, _ = run("operator", f"--mcp={mcp}", "--tool=fail")
    assert status == 1
    assert "The harbor is closed." in seen_at(out, "seen")


def test_a_page_without_its_security_headers_does_not_hold(
    run: Smoke, mcp: str, meddler: Meddler
) -> None:
    def undress(pass_on: PassOn) -> Reply:
        reply = pass_on()
        kept = [pair for pair in reply.headers if pair[0] != "referrer-policy"]
        return Reply(reply.status, kept, reply.body)

    meddler.meddling["GET /authorize"] = undress
    status, out, _ = run("operator", f"--mcp={mcp}", api=meddler.origin)
    assert status == 1
    assert "'referrer-policy': None" in seen_at(out, "seen")


def test_an_open_route_does_not_hold(run: Smoke, mcp: str, meddler: Meddler) -> None:
    meddler.meddling["GET /v1/servers"] = lambda _: Reply(200, [], b'{"servers": []}')
    status, out, _ = run("operator", f"--mcp={mcp}", api=meddler.origin)
    assert (status, seen_at(out, "expected"), seen_at(out, "seen")) == (1, "403", "200")


def test_what_a_stranger_says_does_not_reach_the_terminal_as_it_is(
    run: Smoke, mcp: str, meddler: Meddler
) -> None:
    text = {"type": "text", "text": "\x1b[2Jclear\r\nscreen"}
    said = {"status": "completed", "result": {"content": [text]}}
    meddler.meddling["POST /v1/invoke"] = lambda _: Reply(200, [], json.dumps(said).encode())
    status, out, _ = run("operator", f"--mcp={mcp}", api=meddler.origin)
    assert status == 0
    assert seen_at(out, "a tool runs") == "whoami → [2Jclear screen"


def test_temporary_credentials_are_sent_with_their_session_token(
    run: Smoke, mcp: str, meddler: Meddler
) -> None:
    status, out, _ = run("operator", f"--mcp={mcp}", api=meddler.origin, AWS_SESSION_TOKEN="token")
    assert status == 0
    assert "credentials by env, region eu-central-1" in seen_at(out, "the caller is admitted")
    assert meddler.tokens == {"token"}


def test_credentials_and_region_of_a_profile_are_found(
    run: Smoke, mcp: str, bound: Deployment, tmp_path: Path
) -> None:
    key, config = bound.keys["operator"], tmp_path / "config"
    config.write_text(
        f"[profile check]\nregion = eu-central-1\naws_access_key_id = {key.access_key_id}\n"
        f"aws_secret_access_key = {key.secret}\n"
    )
    found: dict[str, str | None] = {"AWS_CONFIG_FILE": str(config), "AWS_PROFILE": "check"}
    status, out, _ = run("operator", f"--mcp={mcp}", **NO_KEY, **found)
    assert status == 0
    assert "credentials by config-file, region" in seen_at(out, "the caller is admitted")


def test_no_proxy_stands_before_an_api_on_this_machine(run: Smoke, mcp: str) -> None:
    status, _, _ = run("operator", f"--mcp={mcp}", HTTP_PROXY="http://127.0.0.1:9", NO_PROXY="")
    assert status == 0
