"""The ways through the product on which every permission is needed, the rare ones included.

Containers are killed in between: a data key that one holds open needs no permission to be used.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from mcp.client.client import Client

from local.demo.journey import Journey, text_of
from local.demo.neighbours import Neighbours
from local.deployment import Deployment
from local.mcp_clients import with_client
from local.permissions import Ask, Guard
from local.visitor import Visitor
from tests.e2e.answers import asked
from tests.e2e.time_machine import TimeMachine

_CONNECTIONS = "ConnectionsTable"
_ENDED, _LATER = 3600, 3600
_LOOPBACK = "http://127.0.0.1:1/tested"
_ADD = {"arguments": {"first": 1, "second": 2}}


@dataclass(frozen=True)
class Ways:
    """Walks them on a deployment of each kind of session binding."""

    guard: Guard
    deployments: Sequence[Deployment]
    machine: TimeMachine
    others: Neighbours
    bound: Callable[..., Journey]
    """Makes an unregistered server; takes the origin of its MCP server."""
    unbound: Callable[..., Journey]

    def all(self) -> Iterable[Callable[[], None]]:
        """Return them, each independent of the others."""
        return (
            self.the_queues_are_mapped_to_the_worker,
            self.a_builder_tests_and_looks_around,
            self.a_builder_knows_nothing_but_a_url,
            self.a_server_with_nothing_but_a_url_is_wanted,
            self.a_builder_tests_a_shared_key_and_uses_it,
            self.a_service_declines_a_test,
            self.a_user_connects_calls_and_leaves,
            self.an_mcp_client_is_asked_and_goes_on,
            self.a_call_renews_and_its_token_set_is_rescued,
            self.the_schedule_renews_and_its_token_set_is_rescued,
            self.the_worker_meets_refusals,
            self.a_revocation_is_tried_again_by_the_worker,
            self.a_server_is_deleted_with_its_connections,
            self.the_opt_out_redeems_in_the_callback,
        )

    def the_queues_are_mapped_to_the_worker(self) -> None:
        """What Lambda does once, when the stack is deployed."""
        for deployment in self.deployments:
            deployment.clockwork.check()

    # The builder

    def a_builder_tests_and_looks_around(self) -> None:
        """Test a configuration, each step in a cold container; list, read, delete."""
        journey = self._registered()
        test_id, code = self._consented_test(journey)
        report = self._cold(journey).advance(test_id, completion_code=code).json()
        while report["next_step"]:
            report = self._cold(journey).advance(test_id).json()
        assert report["status"] == "succeeded", report
        self._cold(journey).advance(test_id, revoke=True).raise_for_status()
        journey.callers.builder.get("/v1/servers").raise_for_status()
        assert journey.delete().status_code == 204

    def a_builder_knows_nothing_but_a_url(self) -> None:
        """Discover a server, register a client for it, and have the registry take its secret."""
        journey = self._url_alone()
        found = self._cold(journey).discover().raise_for_status().json()
        assert found["client"] == "dynamic", found
        server = self._cold(journey).put(**found["server"]).raise_for_status().json()
        assert server["has_client_secret"]

    def a_server_with_nothing_but_a_url_is_wanted(self) -> None:
        """The first call of one, and the first link to another, have a client registered."""
        called, linked = self._url_alone(), self._url_alone()
        assert asked(self._cold(called).invoke("ana")) == "not_connected"
        assert called.get().json()["discovered"]["ready"]
        self._cold(linked).connect("ana")
        assert text_of(linked.invoke("ana")) == "alice"

    def a_builder_tests_a_shared_key_and_uses_it(self) -> None:
        """Test and call a server whose users share one key."""
        keyed = self.bound(self.others.keyed_mcp_server)
        key = self.others.shared_key
        answer = keyed.put(
            name="Keyed", mcp_url=keyed.tenant.url, auth_type="bearer", bearer_token=key
        )
        answer.raise_for_status()
        test_id = keyed.start_test().raise_for_status().json()["test_id"]
        assert self._cold(keyed).advance(test_id).json()["status"] == "succeeded"
        assert text_of(self._cold(keyed).invoke("ana", "add_numbers", **_ADD)) == "3"

    def a_service_declines_a_test(self) -> None:
        """The consent of a test is denied, and its report says so."""
        journey = self._registered()
        started = journey.start_test(return_url=_LOOPBACK).raise_for_status().json()
        with Visitor(decision="deny") as builder:
            builder.go(started["connect_url"], until=_LOOPBACK)
        path = f"/v1/servers/{journey.server_id}/test/{started['test_id']}"
        assert journey.callers.builder.get(path).json()["status"] == "failed"

    # Users

    def a_user_connects_calls_and_leaves(self) -> None:
        """Everything that a chat backend asks for, the last of it in cold containers."""
        journey = self._registered()
        assert asked(journey.invoke("ana")) == "not_connected"
        journey.connect("ana")
        assert text_of(self._cold(journey).invoke("ana")) == "alice"
        journey.tools("ana").raise_for_status()
        self._chat(journey, "GET", "/v1/connections", user_id="ana")
        journey.connection("ana").raise_for_status()
        listed = journey.callers.builder.get(f"/v1/servers/{journey.server_id}/connections")
        assert len(listed.json()["connections"]) == 1
        assert self._cold(journey).disconnect("ana").json()["revocation"] == "confirmed"
        self._chat(journey, "DELETE", "/v1/connections", user_id="ana")

    def an_mcp_client_is_asked_and_goes_on(self) -> None:
        """A session is started, its client asked to connect, and the user erased."""
        journey = self._registered()
        ended, session = journey.session("ana"), journey.session("ana")
        path = f"/v1/sessions/{ended['session_id']}"
        journey.callers.chat.delete(path).raise_for_status()

        def show(url: str) -> None:
            back = journey.consent(url).query
            done = journey.complete("ana", back["connect_id"], back["completion_code"])
            done.raise_for_status()

        async def act(client: Client) -> bool:
            return bool((await client.call_tool("whoami", {})).is_error)

        assert not with_client(session["mcp_url"], session["bearer"], act, show=show)
        self._chat(journey, "DELETE", "/v1/connections", user_id="ana")

    # Refresh

    def a_call_renews_and_its_token_set_is_rescued(self) -> None:
        """The table refuses what a call has renewed; the queue brings it back."""
        journey = self._registered()
        journey.connect("ana")
        self.machine.age(_CONNECTIONS, _ENDED, journey.server_id)
        with self.guard.failing(_stores_tokens("McpInvokeFunction", journey)):
            assert text_of(self._cold(journey).invoke("ana")) == "alice"
        self._rescued(journey)

    def the_schedule_renews_and_its_token_set_is_rescued(self) -> None:
        """The same for what the worker has renewed."""
        journey = self._registered()
        journey.connect("ana")
        self.machine.age(_CONNECTIONS, _ENDED, journey.server_id)
        with self.guard.failing(_stores_tokens("RefreshWorkerFunction", journey)):
            self._cold(journey).callers.deployment.tick()
        self._rescued(journey)

    def the_worker_meets_refusals(self) -> None:
        """A withdrawn grant is flagged and told; an unknown client is the server's fault."""
        withdrawn, unknown = self._registered(), self._registered()
        for journey in (withdrawn, unknown):
            journey.connect("ana")
            self.machine.age(_CONNECTIONS, _ENDED, journey.server_id)
        withdrawn.app.revoke("alice")
        unknown.app.forget()
        withdrawn.callers.deployment.tick()
        assert withdrawn.connection("ana").json()["status"] == "reconnect_required"
        assert unknown.connection("ana").json()["status"] == "active"
        assert asked(withdrawn.invoke("ana")) == "reconnect_required"
        withdrawn.connect("ana")
        withdrawn.app.revoke("alice")
        assert asked(withdrawn.invoke("ana")) == "reconnect_required"

    def a_revocation_is_tried_again_by_the_worker(self) -> None:
        """The service does not revoke now; the worker goes on and erases."""
        journey = self._registered()
        journey.connect("ana")
        journey.app.switch(revocation_mode="500")
        assert journey.disconnect("ana").json()["revocation"] == "pending"
        journey.app.switch(revocation_mode="normal")
        self.machine.age(_CONNECTIONS, _LATER / 6, journey.server_id)
        self._cold(journey).callers.deployment.tick()
        assert journey.connection("ana").status_code == 404

    def a_server_is_deleted_with_its_connections(self) -> None:
        """The registry hands the connections to the worker, and goes when they are gone."""
        journey = self._registered()
        journey.connect("ana")
        assert journey.delete().status_code == 409
        assert journey.delete(disconnect="true").status_code == 202
        journey.callers.deployment.tick()
        assert journey.delete(disconnect="true").status_code == 204

    def the_opt_out_redeems_in_the_callback(self) -> None:
        """Connect where SessionBinding is none; once more while the user is being erased."""
        journey = self.unbound()
        journey.register()
        self._consents_on_our_page(journey, "dora")
        assert text_of(journey.invoke("dora", user_label="Dora Diver")) == "alice"

        def erase() -> None:
            self._chat(journey, "DELETE", "/v1/connections", user_id="dirk")

        link = journey.link("dirk", user_label="Dirk Diver")
        with (
            self.guard.meanwhile(_fits("CallbackFunction", "dynamodb:PutItem"), erase),
            Visitor() as visitor,
        ):
            visitor.go(link["connect_url"])
        assert journey.connection("dirk").status_code == 404

    # Parts of them

    def _registered(self, style: str = "form_post") -> Journey:
        journey = self.bound()
        journey.register(style=style)
        return journey

    def _url_alone(self) -> Journey:
        journey = self.bound()
        journey.tenant.switch(issuer_path="/dynamic")
        about = {"mcp_url": journey.tenant.url, "auth_type": "consumer_oauth"}
        journey.put(name="Url Alone", **about).raise_for_status()
        return journey

    def _cold(self, journey: Journey) -> Journey:
        """Kill all containers, so that the next ones open every key anew."""
        for deployment in self.deployments:
            for container in deployment.containers():
                container.kill()
        return journey

    def _consented_test(self, journey: Journey) -> tuple[str, str]:
        started = journey.start_test(return_url=_LOOPBACK).raise_for_status().json()
        with Visitor() as builder:
            back = builder.go(started["connect_url"], until=_LOOPBACK)
        return started["test_id"], back.query["completion_code"]

    def _consents_on_our_page(self, journey: Journey, user_id: str) -> None:
        """Consent where SessionBinding is none, and the callback's container is a cold one."""
        link = journey.link(user_id, user_label=f"{user_id.title()} Diver")
        self._cold(journey)
        with Visitor() as visitor:
            visitor.go(link["connect_url"])

    def _rescued(self, journey: Journey) -> None:
        """The set that could not be stored is stored from the queue, and serves."""
        before = len(journey.app.refreshes())
        journey.callers.deployment.tick(redeliver=True)
        assert text_of(journey.invoke("ana")) == "alice"
        assert len(journey.app.refreshes()) == before == 1

    def _chat(self, journey: Journey, method: str, path: str, **query: str) -> None:
        journey.callers.chat.request(method, path, params=query).raise_for_status()


def _fits(function: str, action: str) -> Callable[[str, Ask], bool]:
    def fits(asking: str, ask: Ask) -> bool:
        return (asking, ask.action) == (function, action) and "Connections" in ask.resource

    return fits


def _stores_tokens(function: str, journey: Journey) -> Callable[[str, Ask], bool]:
    """Judge a write of a server's next token set: the update that names the sealed access token."""
    updates = _fits(function, "dynamodb:UpdateItem")

    def fits(asking: str, ask: Ask) -> bool:
        named = ask.context.get("dynamodb:Attributes", ())
        return updates(asking, ask) and "access" in named and journey.server_id in ask.key

    return fits
