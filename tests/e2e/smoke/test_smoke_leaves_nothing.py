"""However the check ends, nothing stays registered, or it says what does."""

import os
import signal
import sys
import threading
import time

import pytest

from local.deployment import Deployment
from local.loopback import Reply
from smoke import registration
from tests.e2e.meddler import CutOffError, Meddler, PassOn
from tests.e2e.smoke.running import Smoke, registered, seen_at, start


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
