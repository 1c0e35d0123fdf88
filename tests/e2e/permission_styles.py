"""The ways on which a client proves itself otherwise than by a style and secret that are set."""

from collections.abc import Callable, Iterable

from local.demo.journey import Journey, text_of
from tests.e2e.permission_paths import _CONNECTIONS, _ENDED, Ways


class StyledWays(Ways):
    """The others, and these."""

    def all(self) -> Iterable[Callable[[], None]]:
        """Return them, each independent of the others."""
        return (*super().all(), self.a_client_signs, self.a_guessed_style_is_proven_by_a_code)

    def a_client_signs(self) -> None:
        """Everywhere that tokens are requested: a test, a consent, a call, the schedule."""
        journey = self._registered("private_key_jwt")
        test_id, code = self._consented_test(journey)
        assert journey.advance(test_id, completion_code=code).json()["status"] == "running"
        journey.connect("ana")
        for renew in (lambda: journey.invoke("ana"), journey.callers.deployment.tick):
            self.machine.age(_CONNECTIONS, _ENDED, journey.server_id)
            renew()
        assert [entry["outcome"] for entry in journey.app.refreshes()] == ["ok", "ok"]
        unbound = self.unbound()
        unbound.register(style="private_key_jwt")
        self._consents_on_our_page(unbound, "dora")
        assert text_of(unbound.invoke("dora", user_label="Dora Diver")) == "alice"

    def a_guessed_style_is_proven_by_a_code(self) -> None:
        """The service holds us back before the browser; the code then shows what it takes."""
        bound, unbound = self.bound(), self.unbound()
        for journey in (bound, unbound):
            journey.register(style="form_basic")
            journey.put(**journey.configuration(token_request_style="auto")).raise_for_status()
            journey.app.switch(token_endpoint_mode="429", mode_count=1)
        bound.connect("ana")
        self._consents_on_our_page(unbound, "dora")
        for journey in (bound, unbound):
            assert _found(journey) == ("form_basic", "proven", "certain")
            outcomes = [entry["outcome"] for entry in journey.app.exchanges()]
            assert outcomes == [None, "invalid_client", "ok"]


def _found(journey: Journey) -> tuple[str, str, str]:
    found = journey.get().json()["token_request_style_found"]
    return found["style"], found["verdict"], found["sure"]
