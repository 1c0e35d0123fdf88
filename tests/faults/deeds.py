"""What a worker does when it is told to: the product's own flows, as its functions call them."""

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from broker.clock import Clock
from broker.errors import BrokerError, SealBroken
from broker.inbound.batch import process
from broker.model import Invocation, Server
from broker.queues import DueMessage, RescueMessage
from broker.tokens import Unusable, Usable
from broker.wiring import Parts, Wiring

type Told = dict[str, Any]


class Deeds:
    """The commands of one worker; each is answered with what can be written as JSON."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._flows = Wiring(parts)
        self._clock: Clock = parts.clock
        self._do: Mapping[str, Callable[..., Any]] = {
            "call": self.call,
            "deliver": self.deliver,
            "tick": self.tick,
            "disconnect": self.disconnect,
            "warm": self.warm,
        }

    def do(self, command: Mapping[str, Any]) -> Any:
        """Obey one command."""
        arguments = {key: value for key, value in command.items() if key not in {"do", "id"}}
        return self._do[command["do"]](**arguments)

    def warm(self, server: str) -> None:
        """Build what a first call would build."""
        self._parts.servers.get(server)
        _ = self._parts.tokens, self._parts.refresher, self._parts.outbound, self._parts.queues
        _ = self._flows.refresh_worker, self._parts.events, self._parts.vault

    def call(
        self,
        server: str,
        users: list[str],
        seconds: float = 29.0,
        at: float = 0.0,
        *,
        threads: int = 0,
        refused: bool = False,
    ) -> list[Told]:
        """Ask for a token for each user, all at once, at a moment of the monotonic clock.

        ``threads``: with no more than so many at a time.
        """
        registered = self._parts.servers.get(server)
        assert registered, "no such server"
        begin = threading.Barrier(len(users) if not threads else 1)

        def one(user: str) -> Told:
            begin.wait()
            time.sleep(max(0.0, at - time.monotonic()))
            return self._called(registered, user, seconds, refused=refused)

        with ThreadPoolExecutor(threads or len(users)) as pool:
            return list(pool.map(one, users))

    def _called(self, server: Server, user: str, seconds: float, *, refused: bool) -> Told:
        try:
            found = self._parts.tokens.for_call(server, user, self._run(seconds))
            if refused and isinstance(found, Usable):  # as after a 401 of the MCP server
                found = self._parts.tokens.for_call(
                    server, user, self._run(seconds), refused=found.connection
                )
        except BrokerError as exc:
            return {"user": user, "error": exc.error, "retry_after": exc.retry_after or 0}
        except SealBroken:
            return {"user": user, "error": "seal_broken"}
        if isinstance(found, Unusable):
            stands = found.connection
            reason = stands.reason.value if stands and stands.reason else ""
            return {"user": user, "error": "unusable", "reason": reason}
        return {"user": user, "token": found.access_token.reveal()}

    def deliver(self, event: Mapping[str, Any], seconds: float = 29.0) -> Told:
        """Handle a batch of messages, as the refresh worker's handler does."""
        run = self._run(seconds)
        worker = self._flows.refresh_worker
        handlers = {
            self._parts.settings.due_queue_url: lambda body: worker.look(
                DueMessage.model_validate_json(body), run
            ),
            self._parts.settings.rescue_queue_url: lambda body: worker.rescue(
                RescueMessage.model_validate_json(body)
            ),
        }
        return process(event, handlers)

    def tick(self, seconds: float = 29.0) -> Told:
        """Queue what is due, as the scheduler's handler does."""
        tick = self._flows.refresh_scheduler.tick(self._run(seconds))
        return {"due": tick.due, "queued": tick.queued}

    def disconnect(self, server: str, user: str, seconds: float = 29.0) -> str:
        """End a connection, as the user or the chat asks for it."""
        revocation = self._flows.connections.disconnect(user, server, self._run(seconds))
        return revocation.value

    def _run(self, seconds: float) -> Invocation:
        return Invocation("request-1", self._clock.monotonic() + seconds)
