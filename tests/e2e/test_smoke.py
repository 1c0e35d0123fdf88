"""`make smoke` against the local stack: what it says, and that it leaves nothing behind."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from local.demo.neighbours import Neighbours
from local.demo.tenant import Tenant
from local.deployment import Deployment
from local.loopback import Reply
from smoke import __main__ as smoke
from smoke import registration
from tests.e2e.meddler import CutOffError, Meddler, PassOn, meddling_with
from tests.unit.transformed import ROOT

SUM = ("--tool=add_numbers", '--arguments={"first": 19, "second": 23}')
NO_KEY: dict[str, str | None] = {"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None}
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


@pytest.fixture
def mcp(further_parties: Neighbours) -> str:
    return f"{further_parties.open_mcp_server}/smoke/mcp"


@pytest.fixture(autouse=True)
def nothing_is_left(bound: Deployment) -> Iterator[None]:
    """Hold every test of this file to it."""
    yield
    assert registered(bound) == []


@pytest.fixture
def meddler(bound: Deployment) -> Iterator[Meddler]:
    with meddling_with(bound.address) as standing:
        yield standing


@pytest.fixture
def run(
    bound: Deployment, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Smoke:
    """Run it in this process; return exit status, output and errors."""

    def run_as(
        caller: str, *arguments: str, api: str = bound.address, **changes: str | None
    ) -> tuple[int, str, str]:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            monkeypatch.delenv(name)
        for name, value in (credentials(bound, caller) | changes).items():
            if value is not None:
                monkeypatch.setenv(name, value)
        capsys.readouterr()
        status = smoke.main([f"--api={api}", *arguments])
        printed = capsys.readouterr()
        assert "Traceback" not in printed.out + printed.err
        return status, printed.out, printed.err

    return run_as


def start(deployment: Deployment, *arguments: str) -> subprocess.Popen[str]:
    """Start it as a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "smoke", *arguments],
        cwd=ROOT,
        env=credentials(deployment, "operator"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def seen_at(output: str, title: str) -> str:
    [line] = [line for line in output.splitlines() if title in line]
    return line.partition(title)[2].strip()


# What it walks


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


# Whose credentials, which address: one sentence, and nothing left


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


# It leaves nothing behind


def test_a_lost_answer_to_the_registration_leaves_nothing(
    run: Smoke, mcp: str, meddler: Meddler
) -> None:
    def lose(pass_on: PassOn) -> Reply:
        assert pass_on().status == 201
        raise CutOffError

    meddler.meddling["PUT /v1/servers/"] = lose
    status, out, _ = run("operator", f"--mcp={mcp}", api=meddler.origin)
    assert status == 1
    assert seen_at(out, "expected") == "an answer"
    assert seen_at(out, "seen").startswith("none to PUT /v1/servers/smoke-")
    assert "nothing: smoke-" in out


def test_a_registration_that_comes_through_after_its_answer_was_lost_is_found(
    run: Smoke, mcp: str, meddler: Meddler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registration, "STILL_RUNNING", 4.0)
    late: list[threading.Timer] = []

    def delay(pass_on: PassOn) -> Reply:
        late.append(threading.Timer(0.5, pass_on))
        late[0].start()
        raise CutOffError

    meddler.meddling["PUT /v1/servers/"] = delay
    status, out, _ = run("operator", f"--mcp={mcp}", api=meddler.origin)
    late[0].join()
    assert status == 1
    assert "nothing: smoke-" in out
    assert len([line for line in meddler.seen if line.startswith("DELETE")]) > 1


def test_a_registration_that_ran_and_was_answered_with_a_fault_leaves_nothing(
    run: Smoke, mcp: str, meddler: Meddler
) -> None:
    def spoil(pass_on: PassOn) -> Reply:
        assert pass_on().status == 201
        return Reply(503, [], b'{"message": "Service Unavailable"}')

    meddler.meddling["PUT /v1/servers/"] = spoil
    status, out, _ = run("operator", f"--mcp={mcp}", api=meddler.origin)
    assert status == 1
    assert seen_at(out, "seen") == "503 Service Unavailable"
    assert "nothing: smoke-" in out


def test_a_registration_that_somebody_on_the_way_sent_twice_leaves_nothing(
    run: Smoke, mcp: str, meddler: Meddler
) -> None:
    def double(pass_on: PassOn) -> Reply:
        assert pass_on().status == 201
        return pass_on()

    meddler.meddling["PUT /v1/servers/"] = double
    status, out, _ = run("operator", f"--mcp={mcp}", api=meddler.origin)
    assert status == 1
    assert seen_at(out, "seen").startswith("412 precondition_failed")
    assert "nothing: smoke-" in out


def test_a_refused_registration_needs_no_deletion(run: Smoke, mcp: str, meddler: Meddler) -> None:
    meddler.meddling["PUT /v1/servers/"] = lambda _: Reply(429, [], b'{"message": "Too Many"}')
    status, out, _ = run("operator", f"--mcp={mcp}", api=meddler.origin)
    assert status == 1
    assert seen_at(out, "seen") == "429 Too Many"
    assert not [line for line in meddler.seen if line.startswith("DELETE")]


def test_a_deletion_that_fails_is_tried_again(run: Smoke, mcp: str, meddler: Meddler) -> None:
    failing = [Reply(503), None]

    def fail(pass_on: PassOn) -> Reply:
        if failing:
            reply = failing.pop(0)
            if reply is None:
                raise CutOffError
            return reply
        return pass_on()

    meddler.meddling["DELETE "] = fail
    status, out, _ = run("operator", f"--mcp={mcp}", api=meddler.origin)
    assert status == 1
    assert seen_at(out, "the server is deleted") == "did not hold"
    assert "nothing: smoke-" in out


def test_a_deletion_whose_answer_is_lost_is_known_to_have_been_made(
    run: Smoke, mcp: str, meddler: Meddler
) -> None:
    lost: list[int] = []

    def lose(pass_on: PassOn) -> Reply:
        lost.append(pass_on().status)
        if len(lost) == 1:
            raise CutOffError
        return Reply(404, [], b'{"error": "server_not_found"}')

    meddler.meddling["DELETE "] = lose
    status, out, _ = run("operator", f"--mcp={mcp}", api=meddler.origin)
    assert (status, lost) == (1, [204, 404])
    assert "nothing: smoke-" in out


def test_what_cannot_be_deleted_is_named_with_the_command_that_deletes_it(
    run: Smoke, mcp: str, meddler: Meddler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registration, "PATIENCE", 1.0)
    meddler.meddling["DELETE "] = lambda _: Reply(500, [], b'{"message": "Internal Server Error"}')
    status, out, err = run("operator", f"--mcp={mcp}", api=meddler.origin)
    assert status == 1
    assert "all held" not in out
    left, _, command = err.splitlines()[-1].partition(" may still be registered; delete it: ")
    assert command == f"make smoke API={meddler.origin} REMOVE={left}"
    meddler.meddling.clear()
    assert run("operator", f"--remove={left}", api=meddler.origin) == (
        0,
        f"{left} is not registered any more.\n",
        "",
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_whoever_stops_it_finds_nothing_left(
    bound: Deployment, mcp: str, number: signal.Signals
) -> None:
    slow = ("--tool=slow", '--arguments={"seconds": 15}')
    with start(bound, f"--api={bound.address}", f"--mcp={mcp}", *slow) as process:
        assert process.stdout is not None
        while "its tools are listed" not in process.stdout.readline():
            assert process.poll() is None
        [server_id] = registered(bound)
        process.send_signal(number)
        out, err = process.communicate(timeout=20)
    assert process.returncode == 128 + number
    assert err.splitlines()[0] == f"Stopped by {number.name}."
    assert f"nothing: {server_id} is deleted" in out


def test_an_impatient_second_ctrl_c_does_not_stop_the_deletion(
    bound: Deployment, mcp: str, meddler: Meddler
) -> None:
    deleting = threading.Event()

    def take_long(pass_on: PassOn) -> Reply:
        deleting.set()
        time.sleep(1)
        return pass_on()

    meddler.meddling["DELETE "] = take_long
    meddler.meddling["POST /v1/invoke"] = lambda _: Reply(500)
    with start(bound, f"--api={meddler.origin}", f"--mcp={mcp}") as process:
        assert deleting.wait(20)
        for _ in range(3):
            process.send_signal(signal.SIGINT)
            time.sleep(0.1)
        out, err = process.communicate(timeout=20)
    assert process.returncode == 1
    assert "Traceback" not in err
    assert "nothing: smoke-" in out


def test_a_reader_who_goes_away_leaves_nothing(bound: Deployment, mcp: str) -> None:
    with start(bound, f"--api={bound.address}", f"--mcp={mcp}") as process:
        assert process.stdout is not None
        while "is registered" not in process.stdout.readline():
            assert process.poll() is None
        process.stdout.close()
        assert process.stderr is not None
        err = process.stderr.read()
    assert process.returncode == 1
    assert "Traceback" not in err


def test_a_reader_who_goes_away_does_not_keep_the_command_that_deletes_from_being_told(
    run: Smoke, bound: Deployment, mcp: str, meddler: Meddler, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_end, write_end = os.pipe()

    def go_away(pass_on: PassOn) -> Reply:
        os.close(read_end)
        return pass_on()

    monkeypatch.setattr(registration, "PATIENCE", 1.0)
    meddler.meddling["POST /v1/invoke"] = go_away
    meddler.meddling["DELETE "] = lambda _: Reply(500)
    with os.fdopen(write_end, "w") as nobody_reads, monkeypatch.context() as patched:
        patched.setattr(sys, "stdout", nobody_reads)
        status, _, err = run("operator", f"--mcp={mcp}", api=meddler.origin)
    [left] = registered(bound)
    assert status == 1
    assert err.endswith(f"delete it: make smoke API={meddler.origin} REMOVE={left}\n")
    meddler.meddling.clear()
    assert run("operator", f"--remove={left}", api=meddler.origin)[0] == 0


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
