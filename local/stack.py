"""The local stack: AWS services, third parties, and deployments of the template upon them.

A test, or a demonstration, begins like this:

    with LocalStack() as stack:
        deployment = stack.deployment(return_urls=["http://chat.localhost:8000/return"])
        with deployment.api("chat-backend") as api:
            api.get("/v1/connections", params={"user_id": "u1"})
"""

import secrets
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from local.account import REGION
from local.aws import Aws, start_moto
from local.containers import ContainerPool
from local.deployment import Deployment, Settings
from local.gateway import BOTH, BUILDER, CHAT_BACKEND, OPERATOR
from local.permissions import Guard
from local.processes import Child, Children
from local.signing import AccessKey
from local.template import Template

ROOT = Path(__file__).resolve().parents[1]
_OLD_ERA = "2025-11-25"


@dataclass(frozen=True, slots=True)
class ThirdParties:
    """The service and the MCP servers that the product talks to."""

    authorization_server: str
    """Origin for browsers and the broker; the issuer."""
    authorization_server_control: str
    """The same server by address, where its control interface answers."""
    mcp_server: str
    """`{origin}/{tenant}/mcp` is a server of its own, for any tenant."""
    old_mcp_server: str

    def origins(self) -> list[str]:
        """Return the origins that the broker may call over plain http."""
        by_name, by_address = self.authorization_server, self.authorization_server_control
        return [by_name, by_address, self.mcp_server, self.old_mcp_server]


@dataclass
class LocalStack:
    """Everything that runs; a context manager, after which nothing is left."""

    template: Path = ROOT / "template.yaml"
    third_parties: bool = True
    container_limit: int = 8
    run_folder: Path | None = None
    """Where logs go; by default a new folder under `.local/`."""
    login_host: str = "login.localhost"
    """The authorization server's name, as browsers and functions both know it."""
    services: ThirdParties = field(init=False, repr=False)
    aws: Aws = field(init=False, repr=False)
    """The services themselves: nobody is refused anything."""
    guard: Guard = field(init=False, repr=False)
    """The services as the functions meet them: each held to its own policy."""
    logs: Path = field(init=False, repr=False)
    keys: Mapping[str, AccessKey] = field(init=False, repr=False)
    """The callers' credentials, by name."""
    children: Children = field(init=False, repr=False)
    """All processes of the stack."""
    _made: Mapping[str, str] | None = field(init=False, default=None, repr=False)
    chat_url: str = field(init=False, default="")
    """Origin of the example chat, once a deployment has started it."""

    def __enter__(self) -> Self:
        with ExitStack() as starting:
            self._start(starting)
            self._running = starting.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._running.close()

    def deployment(
        self,
        name: str = "default",
        *,
        return_urls: Sequence[str] = (),
        local_origins: Sequence[str] = (),
        settings: Settings | None = None,
        chat: bool = False,
        **parameters: str,
    ) -> Deployment:
        """Start a deployment with these template parameters; it ends with the stack.

        Args:
            name: tells deployments apart, in logs and access key ids.
            return_urls: allowed pages to come back to; the first is the default one.
            local_origins: further origins that the broker may call over plain http.
            settings: see Settings.
            chat: also start the example chat, and allow its return page.
            parameters: template parameters, such as SessionBinding="none".
        """
        deployment = Deployment(name, self._pool, self.logs)
        self._running.callback(deployment.close)
        if chat:
            self.chat_url = self.start_chat(deployment.address)
            return_urls = [f"{self.chat_url}/return", *return_urls]
            local_origins = [self.chat_url, *local_origins]
        values = {
            "PublicBaseUrl": deployment.url,
            "AllowedReturnUrls": ",".join(return_urls),
            "DefaultReturnUrl": next(iter(return_urls), ""),
            "SigningKey": "create",
            **parameters,
        }
        template = Template.load(self.template, values, REGION)
        deployment.open(
            template.with_physical_ids(self.resources(template)),
            self.aws,
            self.guard,
            self.keys,
            self._with_local_origins(
                settings or Settings(), [*local_origins, *map(origin_of, return_urls)]
            ),
        )
        return deployment

    def resources(self, template: Template) -> Mapping[str, str]:
        """Return logical id → physical id of the data resources.

        They are made with the first deployment; the others share them.
        """
        if self._made is None:
            self._made = self.aws.create(template)
        return self._made

    def start_mcp_server(self, name: str, *arguments: str) -> str:
        """Start a further MCP server; return its origin, `{origin}/{tenant}/mcp` is a server."""
        return f"http://127.0.0.1:{_port(self._child('local.mcp_server', name, *arguments))}"

    def start_chat(self, broker: str) -> str:
        """Start `examples.chat`; return its origin for browsers.

        It is told where the broker's API is (by address, so that it needs no local names) and whose
        credentials to sign with; it prints `{"port": N}`, and its return page is `/return`.
        """
        key = self.keys[CHAT_BACKEND]
        environment = {
            "AWS_ACCESS_KEY_ID": key.access_key_id,
            "AWS_SECRET_ACCESS_KEY": key.secret,
            "AWS_REGION": REGION,
            "BROKER_URL": broker,
        }
        port = _port(self._child("examples.chat", "chat", environment=environment))
        return f"http://chat.localhost:{port}"

    def _start(self, starting: ExitStack) -> None:
        self.logs = self.run_folder or new_run_folder()
        self.logs.mkdir(parents=True, exist_ok=True)
        self.keys = {name: _new_key(name) for name in (CHAT_BACKEND, BUILDER, BOTH, OPERATOR)}
        self.children = starting.enter_context(Children())
        self._pool = ContainerPool(self.children, self.logs, self.container_limit)
        starting.callback(self._pool.close)
        moto = start_moto(self.children, self.logs)
        if self.third_parties:
            self.services = self._start_third_parties()
        self.aws = Aws(f"http://127.0.0.1:{_port(moto)}")
        self.guard = starting.enter_context(Guard(self.aws.endpoint))

    def _start_third_parties(self) -> ThirdParties:
        named = ["--host", self.login_host]
        port = _port(self._child("local.authorization_server", "authorization_server", *named))
        issuer = f"http://{self.login_host}:{port}"
        oauth = ["--introspection", f"{issuer}/introspect", "--issuer", issuer]
        new = self._child("local.mcp_server", "mcp_server", *oauth)
        old = self._child("local.mcp_server", "old_mcp_server", "--era", _OLD_ERA, *oauth)
        return ThirdParties(
            authorization_server=issuer,
            authorization_server_control=f"http://127.0.0.1:{port}",
            mcp_server=f"http://127.0.0.1:{_port(new)}",
            old_mcp_server=f"http://127.0.0.1:{_port(old)}",
        )

    def _child(
        self, module: str, name: str, *arguments: str, environment: Mapping[str, str] | None = None
    ) -> Child:
        log = self.logs / f"{name}.log"
        return self.children.start_module(
            module, "--port", "0", *arguments, log=log, env=environment or {}
        )

    def _with_local_origins(self, settings: Settings, further: Sequence[str]) -> Settings:
        """Allow plain http to exactly these origins: this variable is set nowhere else."""
        origins = [*(self.services.origins() if self.third_parties else []), *further]
        variable = {"BROKER_LOCAL_ORIGINS": ",".join(origins)} if origins else {}
        return replace(settings, environment={**variable, **settings.environment})


def origin_of(url: str) -> str:
    """Return a URL's origin."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _port(child: Child) -> int:
    return int(child.announced()["port"])


def _new_key(caller: str) -> AccessKey:
    name = "".join(filter(str.isalnum, caller)).upper()
    return AccessKey(f"AKIALOCAL{name}", secrets.token_urlsafe(30))


def new_run_folder() -> Path:
    """Make a folder for what one run leaves."""
    runs = ROOT / ".local"
    runs.mkdir(exist_ok=True)
    return Path(tempfile.mkdtemp(prefix="run-", dir=runs))
