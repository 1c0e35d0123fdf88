"""The MCP server of the local stack in both eras, the app that it trusts, and its callers."""

import contextlib
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any

import anyio
import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CallToolResult, TextContent

from local.authorization_server.sample_app import SampleApp
from local.mcp_server.sample_caller import SampleCaller
from local.processes import Child, Children

MODERN, OLD = "2026-07-28", "2025-11-25"


@dataclass(slots=True)
class Caller(SampleCaller):
    """A caller who has the SDK's own client as well."""

    era: str = MODERN

    @contextlib.asynccontextmanager
    async def client(self, token: str = "", **options: Any) -> AsyncIterator[Client]:
        token = token or self.token
        bearer = {"Authorization": f"Bearer {token}"} if token else {}
        async with (
            httpx2.AsyncClient(headers=bearer, trust_env=False) as http,
            Client(streamable_http_client(self.url, http_client=http), **options) as client,
        ):
            yield client

    def run(self, act: Callable[[Client], Awaitable[Any]], token: str = "", **options: Any) -> Any:
        async def connected() -> Any:
            async with self.client(token, **options) as client:
                return await act(client)

        return anyio.run(connected)


@pytest.fixture(scope="session")
def children(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., int]]:
    logs = tmp_path_factory.mktemp("local")
    with Children() as running:

        def start(module: str, *arguments: str) -> int:
            log = logs / f"{secrets.token_hex(4)}.log"
            child: Child = running.start_module(module, *arguments, log=log, env={})
            port: int = child.announced()["port"]
            return port

        yield start
    assert not [log for log in logs.iterdir() if "Traceback" in log.read_text()]


@pytest.fixture(scope="session")
def app(children: Callable[..., int]) -> Iterator[SampleApp]:
    app = SampleApp(children("local.authorization_server"))
    yield app
    app.close()


@pytest.fixture(scope="session")
def ports(children: Callable[..., int], app: SampleApp) -> dict[str, int]:
    auth = ["--introspection", f"{app.issuer}/introspect", "--issuer", app.issuer]
    return {
        MODERN: children("local.mcp_server", *auth),
        OLD: children("local.mcp_server", "--era", OLD, *auth),
        "key": children("local.mcp_server", "--auth", "bearer:k-1"),
        "none": children("local.mcp_server", "--auth", "none", "--era", OLD, "--stateless"),
    }


@pytest.fixture(params=[MODERN, OLD])
def server(request: pytest.FixtureRequest, ports: dict[str, int], app: SampleApp) -> Caller:
    return Caller(ports[request.param], bearer(app), era=request.param)


@pytest.fixture
def modern(ports: dict[str, int], app: SampleApp) -> Caller:
    return Caller(ports[MODERN], bearer(app))


@pytest.fixture
def old(ports: dict[str, int], app: SampleApp) -> Caller:
    return Caller(ports[OLD], bearer(app), era=OLD)


def bearer(app: SampleApp, username: str = "alice", **more: str) -> str:
    token: str = app.tokens(username, **more)["access_token"]
    return token


def text_of(result: CallToolResult) -> str:
    assert isinstance(result.content[0], TextContent)
    return result.content[0].text
