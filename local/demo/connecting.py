"""Chapter two: users connect, and tools run as them."""

import httpx
from mcp.client.client import Client

from local.demo.journey import RETURN_URL, text_of
from local.demo.stage import Stage, Step
from local.mcp_clients import with_client
from local.telling import expect, expect_within


def ana_is_asked_to_connect(stage: Stage) -> str:
    """Invoke as a user without a connection."""
    answer = stage.crm.invoke("ana", client_state="message-7", user_label="Ana").json()
    wanted = {"status": "authorization_required", "reason": "not_connected"}
    expect_within(wanted, answer)
    expect({"text", "button_label", "detail"}, set(answer["prompt"]))
    stage.notes["connect_url"] = answer["connect_url"]
    return f"“{answer['prompt']['text']}” [{answer['prompt']['button_label']}]"


def ana_logs_in_and_comes_back(stage: Stage) -> str:
    """Log in and consent as alice, up to the chat's own page."""
    spent = len(stage.crm.app.exchanges())
    back = stage.crm.consent(stage.notes["connect_url"], "alice").query
    expect({"connect_id", "completion_code", "client_state"}, set(back))
    expect("message-7", back["client_state"])
    expect(spent, len(stage.crm.app.exchanges()))
    stage.notes |= back
    return "at the chat's page with connect_id, completion_code, client_state; code unspent"


def mallory_cannot_complete(stage: Stage) -> str:
    """Complete as another user: refused before the token endpoint hears of it."""
    spent = len(stage.crm.app.exchanges())
    notes = stage.notes
    for user in ("mallory", "ana"):  # the code is gone for its own user as well
        refused = stage.crm.complete(user, notes["connect_id"], notes["completion_code"])
        expect((403, "session_mismatch"), (refused.status_code, refused.json()["error"]))
    expect(spent, len(stage.crm.app.exchanges()))
    return "403 session_mismatch, 0 token requests, the code erased"


def ana_is_connected(stage: Stage) -> str:
    """Go again, and complete as who asked."""
    connected = stage.crm.connect("ana", "alice")
    expect("connected", connected["status"])
    expect_within({"status": "active", "account": "alice@example.com"}, connected["connection"])
    return f"connected as {connected['connection']['account']}"


def the_tool_runs_as_alice(stage: Stage) -> str:
    """Call again: the answer is alice's data."""
    expect("alice", text_of(stage.crm.invoke("ana")))
    return f"list_contacts → {_contacts(stage, 'ana')}"


def ben_sees_his_own(stage: Stage) -> str:
    """Connect ben as bob, and call in turns."""
    stage.crm.connect("ben", "bob")
    for user, person in (("ben", "bob"), ("ana", "alice"), ("ben", "bob")):
        expect(person, text_of(stage.crm.invoke(user)))
    return f"ben is bob: {_contacts(stage, 'ben')}; ana is still alice"


def a_shared_key_needs_no_prompt(stage: Stage) -> str:
    """Call a server with one key for everybody."""
    origin = stage.neighbours.keyed_mcp_server
    keyed = stage.journey("shared-key", mcp_origin=origin)
    key = stage.neighbours.shared_key
    about = {"name": "Tide tables", "mcp_url": keyed.tenant.url}
    keyed.put(**about, auth_type="bearer", bearer_token=key).raise_for_status()
    return f"add_numbers → {_sum(keyed.invoke('ana', 'add_numbers', arguments=_NUMBERS))}"


def an_open_server_needs_no_prompt(stage: Stage) -> str:
    """Call a server that asks for nothing."""
    open_one = stage.journey("open", mcp_origin=stage.neighbours.open_mcp_server)
    about = {"name": "Tide tables", "mcp_url": open_one.tenant.url}
    open_one.put(**about, auth_type="none").raise_for_status()
    return f"add_numbers → {_sum(open_one.invoke('ana', 'add_numbers', arguments=_NUMBERS))}"


def an_old_server_is_remembered(stage: Stage) -> str:
    """Call a 2025-11-25 server: a handshake once, then one request a call."""
    old = stage.journey("old-era", mcp_origin=stage.stack.services.old_mcp_server)
    old.register()
    old.connect("ana", "alice")
    expect("alice", text_of(old.invoke("ana")))
    cold = len(old.tenant.requests())
    old.tenant.clear()
    expect("alice", text_of(old.invoke("ana")))
    expect(1, len(old.tenant.requests()))
    return f"{cold} requests cold, 1 warm"


def an_mcp_client_calls_as_cid(stage: Stage) -> str:
    """Hand a session to the mcp SDK's client: it shows the link, waits, and calls as bob."""
    chat = stage.bound.chat
    asked = {"user_id": "cid", "server_ids": ["harbor-crm", "old-era"], "return_url": RETURN_URL}
    card = chat.post("/v1/connections/prompt", json=asked).raise_for_status().json()
    expect(2, len(card["servers"]))
    session = stage.crm.session("cid")

    def consents(connect_url: str) -> None:
        back = stage.crm.consent(connect_url, "bob").query
        stage.crm.complete("cid", back["connect_id"], back["completion_code"]).raise_for_status()

    async def calls(client: Client) -> str:
        answer = await client.call_tool("whoami", {})
        [content, *_] = answer.content
        return str(getattr(content, "text", content))

    said = with_client(session["mcp_url"], session["bearer"], calls, show=consents)
    expect("bob", said)
    ended = chat.delete(f"/v1/sessions/{session['session_id']}")
    expect(204, ended.status_code)
    with stage.bound.deployment.browser() as stranger:  # without McpIssuer there is none
        where = "/.well-known/oauth-protected-resource/mcp/harbor-crm"
        expect(404, stranger.get(where).status_code)
    stage.crm.disconnect("cid").raise_for_status()
    return f"whoami → {said}; the session ended"


_NUMBERS = {"first": 19, "second": 23}


def _sum(answer: httpx.Response) -> str:
    total = text_of(answer)
    expect("42", total)
    return total


def _contacts(stage: Stage, user: str) -> str:
    answer = stage.crm.invoke(user, "list_contacts").json()
    contacts = answer["result"]["structuredContent"]["result"]
    return ", ".join(contact["name"] for contact in contacts)


STEPS: tuple[Step, ...] = (
    ("ana asks, and is asked to connect", ana_is_asked_to_connect),
    ("she consents as alice and comes back", ana_logs_in_and_comes_back),
    ("mallory cannot complete it", mallory_cannot_complete),
    ("ana completes it and is connected", ana_is_connected),
    ("the tool runs as alice", the_tool_runs_as_alice),
    ("ben connects as bob; data do not mix", ben_sees_his_own),
    ("a server with a shared key, no prompt", a_shared_key_needs_no_prompt),
    ("a server without authorization, no prompt", an_open_server_needs_no_prompt),
    ("a server of 2025-11-25, its era remembered", an_old_server_is_remembered),
    ("an MCP client connects cid and calls", an_mcp_client_calls_as_cid),
)
