"""The container engine of this machine: Docker, or something that speaks as it does."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from local.browser_names import MACHINE_NAMES

_PODMAN, _DOCKER = MACHINE_NAMES
_IMAGE = "public.ecr.aws/lambda/python:3.13-{architecture}"
_ABSENT = """\
`sam local` runs functions in containers. To get an engine:
  Debian, Ubuntu   apt-get install podman
                   podman system service --time=0 unix:///tmp/podman.sock &
                   export DOCKER_HOST=unix:///tmp/podman.sock
  Mac, Windows     Docker Desktop, Podman Desktop or Finch
DOCKER_HOST names the engine's socket where it is not at one of the usual places."""


class NoEngineError(Exception):
    """No container engine answers; the message says how to get one."""


@dataclass(frozen=True, slots=True)
class Engine:
    """An engine that answers."""

    socket: str
    """Path of its Unix socket."""
    name: str
    version: str
    host: str
    """What its containers call this machine."""

    @property
    def environment(self) -> Mapping[str, str]:
        """Return what `sam` needs to find it."""
        return {"DOCKER_HOST": f"unix://{self.socket}"}

    def has_image(self, architecture: str) -> bool:
        """Return whether Lambda's image is here already, so that none need be pulled."""
        with self._client() as http:
            name = _IMAGE.format(architecture=architecture)
            return http.get(f"/images/{name}/json").is_success

    def containers_with(self, text: str) -> list[str]:
        """Return the ids of the containers, running or not, whose description holds a text."""
        with self._client() as http:
            listed = http.get("/containers/json", params={"all": "true"}).raise_for_status()
            found = []
            for container in listed.json():
                described = http.get(f"/containers/{container['Id']}/json")
                if described.is_success and text in described.text:
                    found.append(str(container["Id"]))
            return found

    def remove(self, container: str) -> None:
        """End a container and delete it; one that is gone is fine."""
        with self._client() as http:
            http.delete(f"/containers/{container}", params={"force": "true"})

    def _client(self) -> httpx.Client:
        return _client(self.socket)


def find_engine(environ: Mapping[str, str] = os.environ) -> Engine:
    """Return the engine that answers; raise NoEngineError."""
    for socket in _sockets(environ):
        if (version := _version(socket)) is not None:
            podman = "Podman" in str(version)
            return Engine(
                socket=socket,
                name="Podman" if podman else "Docker",
                version=str(version.get("Version", "")),
                host=_PODMAN if podman else _DOCKER,
            )
    named = environ.get("DOCKER_HOST")
    where = f"at {named}, which DOCKER_HOST names" if named else "here"
    raise NoEngineError(f"No container engine answers {where}. {_ABSENT}")


def _sockets(environ: Mapping[str, str]) -> Iterator[str]:
    """Yield where an engine may listen; where DOCKER_HOST says so, nowhere else."""
    if named := environ.get("DOCKER_HOST"):
        if named.startswith("unix://"):
            yield named.removeprefix("unix://")
        return
    yield "/var/run/docker.sock"
    yield f"{environ.get('XDG_RUNTIME_DIR', '/run')}/podman/podman.sock"
    yield str(Path(environ.get("HOME", "/"), ".docker/run/docker.sock"))


def _version(socket: str) -> dict[str, Any] | None:
    if not Path(socket).is_socket():
        return None
    try:
        with _client(socket) as http:
            answer: dict[str, Any] = http.get("/version", timeout=5).raise_for_status().json()
            return answer
    except (httpx.HTTPError, ValueError):
        return None


def _client(socket: str) -> httpx.Client:
    transport = httpx.HTTPTransport(uds=socket)
    return httpx.Client(transport=transport, base_url="http://engine", timeout=30)
