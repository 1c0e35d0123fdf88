"""What is looked at with each client, at `/mcp/{server_id}` of one server."""

from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from local.demo.journey import Journey
from local.visitor import Visitor
from tests.interop.field import Field, completed
from tests.interop.processes import AnsweredError, Browse, ClientFailedError, Puppet
from tests.interop.registry import ASKED, INPUT_REQUIRED, Client, Server
from tests.interop.server_features import Feature, consented, slug

_URL_ELICITATION_REQUIRED = -32042
_SUBJECT = "person-1001"
"""Who alice is in the tokens of the authorization server."""


@dataclass(frozen=True, slots=True)
class Stay:
    """One client on the field, with the server that it is tried at; features follow each other."""

    field: Field
    client: Client
    puppet: Puppet
    server: Server

    @property
    def journey(self) -> Journey:
        """The server, which is completed already."""
        return self.field.journeys[self.server.name]

    @property
    def user(self) -> str:
        """The chat's user; alice at the service."""
        return f"carl-{slug(self.client.name)}"

    def enter(self, user: str = "", journey: Journey | None = None, **order: Any) -> str:
        """Open a session of the client's with a bearer; return the session's id."""
        at = journey or self.journey
        session = self.field.session(at, user or self.user)
        self.puppet.open(session["mcp_url"], bearer=session["bearer"], **order)
        return str(session["session_id"])

    def browse(self, user: str = "", journey: Journey | None = None) -> Browse:
        """Return what goes through login and consent as alice, for a user of the chat."""
        return lambda url: consented(journey or self.journey, user or self.user, url)

    def call(self, browse: Browse | None = None) -> dict[str, Any]:
        """Call the tool."""
        return self.puppet.do("call", browse, **self.server.tool.params)

    def works(self, answer: dict[str, Any] | None = None) -> None:
        """See that the tool answered alice."""
        said = answer or self.call()
        wanted = self.server.tool.text.format(username="alice")
        assert not said.get("isError"), said
        assert wanted in said["content"][0]["text"], said

    def refused(self) -> AnsweredError | ClientFailedError:
        """Call the tool, and return what the client made of the refusal."""
        try:
            said = self.call()
        except (AnsweredError, ClientFailedError) as exc:
            return exc
        raise AssertionError(said)

    def shown(self, browse: Browse) -> None:
        """Call the tool: the client shows the URL in its own form, and then the call works."""
        before = len(self.puppet.shown)
        if self.client.told == INPUT_REQUIRED:
            self.works(self.call(browse))
            assert len(self.puppet.shown) == before + 1
            return
        refused = self.refused()
        assert isinstance(refused, AnsweredError), refused
        assert refused.code == _URL_ELICITATION_REQUIRED, refused
        [elicitation] = refused.data["elicitations"]
        browse(elicitation["url"])
        self.works()

    def log_in(self, url: str) -> str:
        """Go through the login of the customer's authorization server, which gives out JWTs."""
        asked = dict(parse_qsl(urlsplit(url).query))
        app = replace(self.journey.app, client_id=asked["client_id"])
        app.switch(jwt_access_token=True)
        with Visitor("alice") as visitor:
            return visitor.go(url, until=asked["redirect_uri"]).url


def nobody_let_in(stay: Stay) -> None:
    """A client without a good bearer is not let in, and the server hears nothing of it."""
    tap = stay.field.taps[stay.server.name]
    mark = len(tap.exchanges)
    session = stay.field.session(stay.journey, stay.user)
    try:
        stay.puppet.open(session["mcp_url"], bearer="x" * 43)
        stay.puppet.do("tools")
    except (ClientFailedError, AnsweredError):
        stay.puppet.close()
    else:
        raise AssertionError("it was let in")
    assert tap.since(mark) == []


def connect_tool(stay: Stay) -> None:
    """Before the user is connected there is one tool, and no prompt and no resource."""
    stay.enter(elicits=True)
    assert [tool["name"] for tool in stay.puppet.do("tools")["tools"]] == ["connect"]
    assert stay.puppet.do("prompts")["prompts"] == []
    assert stay.puppet.do("resources")["resources"] == []


def told_by_url(stay: Stay) -> None:
    """A client that can show a URL shows it; the user consents, and the call works."""
    stay.enter(elicits=True)
    stay.shown(stay.browse())
    assert stay.journey.connection(stay.user).json()["status"] == "active"


def told_by_text(stay: Stay) -> None:
    """A client that cannot is given the link as text; after the consent the call works."""
    user = f"{stay.user}-text"
    stay.enter(user)
    said = stay.call()
    assert said["isError"], said
    stay.browse(user)(said["content"][0]["text"].rpartition(" ")[2])
    stay.works()


def worked_on(stay: Stay) -> None:
    """Tools, prompts, resources and templates are the server's; each call is one request."""
    stay.enter()
    tap = stay.field.taps[stay.server.name]
    names = [tool["name"] for tool in stay.puppet.do("tools")["tools"]]
    assert stay.server.tool.params["name"] in names, names
    used(stay.puppet, stay.server)
    mark = len(tap.exchanges)
    for _ in range(3):
        stay.works()
    assert len(tap.since(mark)) == 3 * stay.server.each, list(map(str, tap.since(mark)))


def told_of_progress(stay: Stay) -> None:
    """The server's progress reaches a client that asks for it."""
    stay.enter()
    done = stay.puppet.do("call_and_watch", name="count", arguments={"to": 3})
    assert done["content"][0]["text"] == "Counted to 3.", done
    assert done["heard"] == [1, 2, 3], done


def asked_by_server(stay: Stay) -> None:
    """What the server asks reaches the client's user, and the answer reaches the server."""
    stay.enter(elicits=True)
    done = stay.puppet.do("call", name="confirm", arguments={"question": "Sail?"})
    assert done["content"][0]["text"] == "Sail? Yes.", done


def stepped_up(stay: Stay) -> None:
    """A missing scope is asked for in the client's form; after the consent the call works."""
    narrow = stay.field.journey(stay.server, f"{slug(stay.client.name)}-narrow-client")
    narrow = completed(narrow, scopes=["openid", "email"])
    narrow.connect(stay.user)
    stay.enter(journey=narrow, elicits=True)
    stay.shown(stay.browse(journey=narrow))
    assert "contacts.read" in narrow.connection(stay.user).json()["scopes"]


def reconnected(stay: Stay) -> None:
    """A grant that died is asked for anew in the client's form; then the call works."""
    stay.enter(elicits=True)
    stay.works()
    stay.journey.app.revoke("alice")
    stay.shown(stay.browse())


def session_ended(stay: Stay) -> None:
    """A session that the chat ended is over in mid-conversation."""
    session_id = stay.enter()
    stay.works()
    chat = stay.journey.callers.chat
    chat.delete(f"/v1/sessions/{session_id}").raise_for_status()
    stay.refused()


def logged_in(stay: Stay) -> None:
    """Without a bearer the client finds the customer's authorization server and logs in itself."""
    url = f"{stay.field.front.origin}/mcp/{stay.journey.server_id}"
    stay.puppet.open(url, stay.log_in)
    stay.journey.disconnect(_SUBJECT)
    said = stay.call()
    assert said["isError"], said
    stay.browse(_SUBJECT)(said["content"][0]["text"].rpartition(" ")[2])
    stay.works()


def used(puppet: Puppet, server: Server) -> None:
    """Use the prompt, its completion, the resource and the template of a server."""
    prompts = [each["name"] for each in puppet.do("prompts")["prompts"]]
    assert server.prompt.params["name"] in prompts, prompts
    prompt = puppet.do("prompt", **server.prompt.params)
    assert server.prompt.text in prompt["messages"][0]["content"]["text"], prompt
    assert puppet.do("resources")["resources"]
    assert puppet.do("resource_templates")["resourceTemplates"]
    completed = puppet.do("complete", **server.completion.params)["completion"]["values"]
    assert server.completion.text in completed, completed
    for asked in (server.resource, server.template):
        read = puppet.do("resource", **asked.params)
        assert asked.text in read["contents"][0]["text"], read


CLIENT_FEATURES: tuple[Feature[Stay], ...] = (
    ("refused without a bearer", nobody_let_in),
    ("one tool before connecting", connect_tool),
    ("told by a URL", told_by_url),
    ("told by text", told_by_text),
    ("tools, prompts, resources, completion", worked_on),
    ("told of progress", told_of_progress),
    (ASKED, asked_by_server),
    ("stepped up", stepped_up),
    ("reconnected", reconnected),
    ("session ended", session_ended),
    ("logged in by itself", logged_in),
)
