"""The chapter of the walk in which a server says of itself what it needs."""

from tests.e2e.contract_walk import Walk

ELSEWHERE = {
    "token_request_style": "private_key_jwt",
    "client_assertion_audience": "https://elsewhere.example.com",
}


def discover_servers(walk: Walk) -> None:
    """Ask what a server says of itself, by its URL and by its id; read our client's document."""
    found, builder = walk.blank(), walk.bound.builder
    assert builder.post("/v1/discover", json={"mcp_url": found.tenant.url}).is_success
    assert builder.post("/v1/discover", json={"mcp_url": "https://10.0.0.1/"}).status_code == 422
    assert builder.post("/v1/discover", json={}).status_code == 400
    found.put(name="Url Alone", mcp_url=found.tenant.url, auth_type="consumer_oauth")
    assert found.get().json()["discovered"] is None
    assert found.invoke("ana").json()["status"] == "authorization_required"
    assert found.get().json()["discovered"]["ready"]
    assert found.put(**found.discover().json()["server"]).json()["missing"] == []
    found.tenant.switch(issuer_path="/nowhere")
    assert found.discover().json()["problems"]
    lost = walk.blank()
    lost.tenant.switch(issuer_path="/nowhere")
    lost.put(name="Lost", mcp_url=lost.tenant.url, auth_type="consumer_oauth")
    assert lost.invoke("ana").json()["problems"]
    with walk.recorder.visitor() as visitor:
        address = f"{walk.bound.deployment.url}/oauth/client-metadata"
        assert visitor.http.get(f"{address}/{found.server_id}.json").is_success
        assert visitor.http.get(f"{address}/nobody.json").status_code == 404
        assert visitor.http.get(f"{address}/no-ending").status_code == 400


def leave_the_style_to_the_broker(walk: Walk) -> None:
    """Register a server with `auto`, connect, and read what its style came to."""
    left = walk.blank()
    left.register(style="json_basic")
    left.put(**left.configuration(token_request_style="auto")).raise_for_status()
    assert left.get().json()["token_request_style_found"]["found_at"] is None
    left.connect("ana")
    found = left.get().json()["token_request_style_found"]
    assert (found["style"], found["sure"]) == ("json_basic", "certain")


def sign_instead_of_having_a_secret(walk: Walk) -> None:
    """Register a client that signs; read its keys and its document, and of what there is none."""
    signed = walk.blank()
    signed.register(style="private_key_jwt")
    about = signed.get().json()
    assert (about["jwks_uri"], about["missing"]) == (signed.jwks_uri, [])
    assert signed.put(**signed.configuration(client_secret=..., **ELSEWHERE)).status_code == 422
    with walk.recorder.visitor() as visitor:
        [key] = visitor.http.get(signed.jwks_uri).json()["keys"]
        assert (key["kty"], key["alg"]) == ("RSA", "RS256")
        address = f"{walk.bound.deployment.url}/oauth"
        document = visitor.http.get(f"{address}/client-metadata/{signed.server_id}.json").json()
        assert document["jwks_uri"] == signed.jwks_uri
        assert visitor.http.get(f"{address}/jwks/nobody.json").status_code == 404
        assert visitor.http.get(f"{address}/jwks/no-ending").status_code == 400


def pick_a_service(walk: Walk) -> None:
    """Read the catalogue; register a service of it, whole and in ways that are refused."""
    picked, builder = walk.blank(), walk.bound.builder
    listed = builder.get("/v1/presets").json()["presets"]
    assert len(listed) >= 70
    whole = builder.get("/v1/presets/zendesk").json()
    assert "{subdomain}" in whole["server"]["token_endpoint"]
    wanted = {"preset": "zendesk", "mcp_url": picked.tenant.url, "client_id": "picked"}
    made = picked.put(**wanted, values={"subdomain": "acme"})
    assert made.json()["token_endpoint"] == "https://acme.zendesk.com/oauth/tokens"
    assert picked.get().json()["preset"] == "zendesk"
    hostile = picked.put(**wanted, values={"subdomain": "a.example/@evil"})
    assert hostile.status_code == 422
    assert hostile.json()["error_description"].startswith("values.subdomain: ")
    assert picked.put(mcp_url=picked.tenant.url).status_code == 400
    picked.delete()


def check_without_a_browser(walk: Walk) -> None:
    """Check a server that works, one that does not, and one that is not there."""
    crm, builder = walk.journey(), walk.bound.builder
    assert crm.check().json()["checks"]
    crm.put(**crm.configuration(client_secret="not-the-secret-of-this-app", pkce=False))
    assert len(crm.check().json()["warnings"]) > 2
    assert walk.open_server().check().json()["warnings"] == []
    assert walk.blank().check().status_code == 404
    assert builder.post(f"/v1/servers/{crm.server_id}/check", json={"deep": 1}).status_code == 400
