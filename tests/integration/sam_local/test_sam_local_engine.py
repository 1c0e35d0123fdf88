"""Which container engine is used, and what is said where there is none."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingUnixStreamServer

import pytest

from local.sam_local.engine import NoEngineError, find_engine
from local.stack import ROOT

PODMAN = {"Version": "4.3.1", "Components": [{"Name": "Podman Engine"}]}
DOCKER = {"Version": "27.1", "Components": [{"Name": "Engine"}]}
OURS = "PUBLIC_BASE_URL=http://broker.localhost:1"
CONTAINERS = {"one": {"Config": {"Env": [OURS]}}, "two": {"Config": {"Env": []}}}


class StandIn(ThreadingUnixStreamServer):
    """Answers like an engine's API; remembers what was deleted."""

    daemon_threads = True

    def __init__(self, path: Path, version: object) -> None:
        self.version = version
        self.removed: list[str] = []
        super().__init__(str(path), _Exchange)


class _Exchange(BaseHTTPRequestHandler):
    server: StandIn

    def do_GET(self) -> None:
        parts = self.path.partition("?")[0].strip("/").split("/")
        answers: dict[tuple[str, ...], object] = {
            ("version",): self.server.version,
            ("containers", "json"): [{"Id": name} for name in CONTAINERS],
            **{("containers", name, "json"): each for name, each in CONTAINERS.items()},
            ("images", "public.ecr.aws", "lambda", "python:3.13-x86_64", "json"): {"Id": "image"},
        }
        self._answer(200 if tuple(parts) in answers else 404, answers.get(tuple(parts)))

    def do_DELETE(self) -> None:
        self.server.removed.append(self.path)
        self._answer(204, None)

    def _answer(self, status: int, body: object) -> None:
        content = json.dumps(body).encode() if status == 200 else b""
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def address_string(self) -> str:
        return "a client"

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def engine_at(tmp_path: Path) -> Iterator[StandIn]:
    with StandIn(tmp_path / "engine.sock", PODMAN) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield server
        server.shutdown()


def _hang_up(listener: socket.socket) -> None:
    connection, _ = listener.accept()
    connection.close()


def environ(server: StandIn) -> dict[str, str]:
    return {"DOCKER_HOST": f"unix://{server.server_address!s}"}


@pytest.mark.parametrize(
    ("version", "name", "host"),
    [
        (PODMAN, "Podman", "host.containers.internal"),
        (DOCKER, "Docker", "host.docker.internal"),
    ],
)
def test_an_engine_says_what_it_is_and_how_it_calls_this_machine(
    engine_at: StandIn, version: dict[str, object], name: str, host: str
) -> None:
    engine_at.version = version
    engine = find_engine(environ(engine_at))
    assert (engine.name, engine.host, engine.version) == (name, host, version["Version"])
    assert engine.environment == environ(engine_at)


def test_a_rootless_engine_is_found_where_it_listens(tmp_path: Path) -> None:
    (tmp_path / "podman").mkdir()
    with StandIn(tmp_path / "podman" / "podman.sock", PODMAN) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        found = find_engine({"XDG_RUNTIME_DIR": str(tmp_path), "HOME": str(tmp_path)})
        server.shutdown()
    assert found.socket.startswith(str(tmp_path)) or found.socket == "/var/run/docker.sock"


@pytest.mark.parametrize("broken", ["unix:///nowhere/engine.sock", "tcp://127.0.0.1:1"])
def test_where_docker_host_leads_nowhere_no_other_place_is_tried(broken: str) -> None:
    with pytest.raises(NoEngineError):
        find_engine({"DOCKER_HOST": broken})


def test_a_socket_on_which_nobody_speaks_http_is_no_engine(tmp_path: Path) -> None:
    path = tmp_path / "mute.sock"
    with socket.socket(socket.AF_UNIX) as mute:
        mute.bind(str(path))
        mute.listen()
        hanging_up = threading.Thread(target=_hang_up, args=(mute,), daemon=True)
        hanging_up.start()
        with pytest.raises(NoEngineError):
            find_engine({"DOCKER_HOST": f"unix://{path}"})
        hanging_up.join()


def test_an_image_that_is_here_need_not_be_pulled(engine_at: StandIn) -> None:
    engine = find_engine(environ(engine_at))
    assert engine.has_image("x86_64")
    assert not engine.has_image("arm64")


def test_containers_are_told_apart_by_what_they_were_started_with(engine_at: StandIn) -> None:
    engine = find_engine(environ(engine_at))
    assert engine.containers_with(OURS) == ["one"]
    engine.remove("one")
    assert engine_at.removed == ["/containers/one?force=true"]


@pytest.mark.parametrize("what", ["engine", "walk", "services"])
def test_without_an_engine_it_says_how_to_get_one_and_starts_nothing(what: str) -> None:
    options = [] if what == "engine" else ["--built", "template.yaml", "--sam", "sam"]
    done = subprocess.run(
        [sys.executable, "-m", "local.sam_local", what, *options],
        cwd=ROOT,
        env={**os.environ, "DOCKER_HOST": "unix:///nowhere/engine.sock"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("No container engine answers at unix:///nowhere/engine.sock")
    assert "apt-get install podman" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_walk_that_is_interrupted_leaves_no_container_and_no_process(
    engine_at: StandIn, tmp_path: Path, number: signal.Signals
) -> None:
    sam = tmp_path / "sam"
    sam.write_text(f"#!/bin/sh\ntouch {tmp_path}/started.$$\nexec sleep 60\n")
    sam.chmod(0o755)
    command = ["walk", "--built", str(ROOT / "template.yaml"), "--sam", str(sam)]
    walk = subprocess.Popen(
        [sys.executable, "-m", "local.sam_local", *command],
        cwd=ROOT,
        env={**os.environ, **environ(engine_at)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while not (started := list(tmp_path.glob("started.*"))):
        assert walk.poll() is None
    walk.send_signal(number)
    assert walk.wait(timeout=60) == 128 + number
    pid = int(started[0].suffix.removeprefix("."))
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
