"""The chapter of MCP clients: sessions, one card for several servers, and the endpoint."""

import httpx

from local.demo.journey import RETURN_URL
from tests.e2e.contract_walk import Walk

PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}


def let_mcp_clients_in(walk: Walk) -> None:
    """Start sessions, ask the endpoint with and without a bearer, and end them."""
    crm = walk.journey()
    chat = crm.callers.chat
    wish = {"user_id": "jo", "server_ids": [crm.server_id], "return_url": RETURN_URL}
    for route in ("/v1/connections/prompt", "/v1/sessions"):
        assert chat.post(route, json=wish).is_success
        assert chat.post(route, json={**wish, "server_ids": ["nowhere"]}).status_code == 404
        assert chat.post(route, json={**wish, "further": 1}).status_code == 400
        assert chat.post(route, content="x" * 1_000_001).status_code == 413
    walk.connect(crm, "jo")
    assert chat.post("/v1/connections/prompt", json=wish).json()["status"] == "connected"
    session = chat.post("/v1/sessions", json=wish).json()
    with walk.recorder.visitor() as visitor:
        url = f"{walk.bound.deployment.url}/mcp/{crm.server_id}"
        _ask(visitor.http, url, {"Authorization": f"Bearer {session['bearer']}"})
        issuing = f"{walk.hurried.deployment.url}/.well-known/oauth-protected-resource/mcp"
        statuses = [
            visitor.http.get(f"{issuing}/{name}").status_code for name in ("nowhere", "UPPER")
        ]
        assert statuses == [404, 400]
        known = walk.journey(walk.hurried)
        assert visitor.http.get(f"{issuing}/{known.server_id}").is_success
    path = f"/v1/sessions/{session['session_id']}"
    assert chat.delete(path).status_code == 204
    assert chat.delete(path, params={"user_id": "jo"}).status_code == 400


def _ask(client: httpx.Client, url: str, headers: dict[str, str]) -> None:
    told = {"jsonrpc": "2.0", "method": "notifications/initialized"}
    assert client.post(url, json=PING, headers=headers).is_success
    assert client.post(url, json=[PING, PING], headers=headers).is_success
    assert client.post(url, json=told, headers=headers).status_code == 202
    assert client.post(url, json={}, headers=headers).status_code == 400
    assert client.post(url, json=PING).status_code == 401
    foreign = {**headers, "Origin": "https://elsewhere.example.com"}
    assert client.post(url, json=PING, headers=foreign).status_code == 403
    assert client.post(url, content="x" * 1_000_001, headers=headers).status_code == 413
    nowhere = url.rpartition("/")[0] + "/UPPER"
    for method, status in (("POST", 400), ("GET", 405), ("DELETE", 405)):
        assert client.request(method, nowhere, headers=headers).status_code == 400
        assert client.request(method, url, headers=headers).status_code == status
