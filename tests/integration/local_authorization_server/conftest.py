"""The third-party service of the local stack, in a process of its own, and apps at it."""

from collections.abc import Iterator

import httpx
import pytest
from joserfc.jwk import KeySet

from local.authorization_server.records import Style
from local.authorization_server.sample_app import SECRET, SampleApp
from local.processes import Children

INVALID_GRANT = (400, "invalid_grant")
INVALID_CLIENT = (401, "invalid_client")


@pytest.fixture(scope="session")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    log = tmp_path_factory.mktemp("local") / "authorization_server.log"
    with Children() as children:
        child = children.start_module("local.authorization_server", log=log, env={})
        yield child.announced()["port"]
    assert "Traceback" not in log.read_text()


@pytest.fixture
def app(port: int, request: pytest.FixtureRequest) -> Iterator[SampleApp]:
    app = SampleApp(port, getattr(request, "param", Style.FORM_POST))
    yield app
    app.close()


def error_of(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]


def in_style(*styles: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("app", [Style(style) for style in styles], indirect=True)


def grant(app: SampleApp) -> dict[str, str]:
    return {"grant_type": "refresh_token", "refresh_token": app.tokens()["refresh_token"]}


def credentials(app: SampleApp, secret: str = SECRET) -> tuple[str | bytes, str | bytes]:
    return app.client_id, secret


def keys(app: SampleApp) -> KeySet:
    return KeySet.import_key_set(app.http.get(f"{app.issuer}/jwks").json())
