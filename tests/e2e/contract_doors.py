"""The chapter of who is refused at the door, and of what is asked about nothing."""

import httpx

from tests.e2e.contract import document
from tests.e2e.contract_walk import Walk

TOO_LARGE = "x" * 1_000_001


def be_refused_at_the_door(walk: Walk) -> None:
    """Ask every signed route unsigned, with too much, with the unknown, and about nothing."""
    address = walk.bound.deployment.url
    with walk.recorder.visitor() as visitor:
        for path, item in document()["paths"].items():
            for method in item.keys() & {"get", "put", "post", "delete"}:
                if path.startswith("/v1"):
                    named = path.replace("{test_id}", "none").replace("{session_id}", "none")
                    url = address + _named_nothing(named, "nothing-here")
                    assert visitor.http.request(method, url).status_code == 403
                    _ask_about_nothing(walk, method, named)


def _ask_about_nothing(walk: Walk, method: str, path: str) -> None:
    builders = ("/v1/servers", "/v1/discover", "/v1/presets")
    of_servers = path.startswith(builders) and not path.endswith("/tools")
    client = walk.bound.builder if of_servers else walk.bound.chat
    known = {} if of_servers else {"user_id": "x"}
    known |= _NEEDED.get(path.rpartition("/")[2], {})

    def ask(server_id: str = "nothing-here", **more: str) -> httpx.Response:
        url = _named_nothing(path, server_id)
        if method in {"get", "delete"}:
            return client.request(method, url, params=known | more)
        return client.request(method, url, json=known | more)

    ask()
    assert ask(unknown="1").status_code == 400
    if method in {"put", "post"}:
        assert ask(unknown=TOO_LARGE).status_code == 413
    if _named_nothing(path, "x") != path:
        assert ask("a%2Fb").json()["error"] == "not_found"


def _named_nothing(path: str, name: str) -> str:
    return path.replace("{server_id}", name).replace("{preset_id}", name)


_NEEDED = {
    "discover": {"server_id": "nothing-here"},
    "invoke": {"server_id": "nothing-here", "tool": "whoami"},
    "complete": {"connect_id": "none", "completion_code": "none"},
}
