"""One request of a call that goes on from round to round: when its handle is taken, and given back.

A handle is good once. It is taken when all else is ready to be sent, so that whatever fails
before, and passes by itself, leaves it good for the client's next attempt.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from broker.errors import (
    BrokerError,
    RefreshInProgress,
    TemporarilyUnavailable,
    TooManyRequests,
)
from broker.model import Connection, InputRequired, McpRequest, Server, Session

from .rounds import Asked, Round, Rounds, not_ours

_PASSES = (RefreshInProgress, TemporarilyUnavailable, TooManyRequests)


@dataclass(slots=True)
class Turn:
    """A request that may go on with an earlier call, and may be answered by another question."""

    rounds: Rounds
    round_: Round | None
    grant_id: str | None = None
    """The consent that it was last sent with."""
    config_digest: str = ""
    """The configuration of the server that it was last sent to."""
    _taken: bool = False

    @property
    def connects(self) -> bool:
        """Say whether it is our own question that is answered: nothing of it goes on."""
        return self.round_ is not None and self.round_.waited.connects

    def claim(self, server: Server, connection: Connection | None) -> str | None:
        """Take the handle; return the MCP server's own state (``broker.calls.Claim``).

        Raise McpRefusal for a handle that is used, and for one whose state was given under
        another consent or by another configuration: the account may be another, or the server.
        """
        self.config_digest = server.config_digest
        self.grant_id = connection.grant_id if connection else None
        if self.round_ is None:
            return None
        waited = self.round_.waited
        given_under = (waited.config_digest, waited.grant_id)
        if not waited.connects and given_under != (self.config_digest, self.grant_id):
            raise not_ours()
        self.end()
        return self.round_.upstream_state

    def end(self) -> None:
        """Take the handle, if it is not taken yet: the request is answered, by whomever."""
        if self.round_ is not None and not self._taken:
            self.rounds.take(self.round_)
            self._taken = True

    @contextmanager
    def under_way(self) -> Iterator[None]:
        """Give the handle back where a failure passes by itself, and nothing ran."""
        try:
            yield
        except BrokerError as exc:
            if self.round_ is not None and self._taken and _ran_nothing(exc):
                self.rounds.give_back(self.round_)
                self._taken = False
            raise

    def wait_for(
        self, asked: InputRequired, server_id: str, session: Session, request: McpRequest
    ) -> str:
        """Return a handle for what the MCP server asked; raise McpResultTooLarge."""
        waits_for = Asked(
            server_id,
            connects=False,
            grant_id=self.grant_id,
            config_digest=self.config_digest,
            upstream_state=asked.request_state,
        )
        return self.rounds.begin(session, request, waits_for)


def _ran_nothing(failure: BrokerError) -> bool:
    if isinstance(failure, _PASSES) or failure.details.get("reason") == "unreachable":
        return True
    return failure.details.get("upstream_status") == 401
