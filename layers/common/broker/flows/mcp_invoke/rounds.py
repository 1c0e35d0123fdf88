"""The ``requestState`` of our answers: random handles to calls that wait for their user."""

import hashlib
import json
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta

from broker.clock import Clock
from broker.endpoint_errors import McpRefusal
from broker.errors import McpResultTooLarge, SealBroken, TemporarilyUnavailable
from broker.model import McpRequest, Secret, Session
from broker.model.mcp import INVALID_PARAMS
from broker.storage.mcp_calls import McpCallStore, WaitingCall, handle_id_of
from broker.vault import open_under, seal_under

ROUND_LIFETIME = timedelta(minutes=10)
_LARGEST_STATE = 300_000
"""Bytes; an item of the table stops at 400 KB."""
PER_ROUND = frozenset({"_meta", "inputResponses", "requestState"})
"""Parameters that change from round to round of one call."""


@dataclass(frozen=True, slots=True)
class Round:
    """A call that is taken up again; ``upstream_state`` is the MCP server's, byte for byte."""

    waited: WaitingCall
    upstream_state: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a call waits for: the user's consent (``connects``), or what the MCP server asked."""

    server_id: str
    connects: bool
    grant_id: str | None
    """See WaitingCall."""
    config_digest: str | None = None
    upstream_state: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Rounds:
    """Hands out handles and takes them back, once, from whom and for what they were made."""

    clock: Clock
    calls: McpCallStore

    def begin(self, session: Session, request: McpRequest, asked: Asked) -> str:
        """Return the handle of a call that waits from now on; raise McpResultTooLarge."""
        state = asked.upstream_state
        if state is not None and len(state.encode()) > _LARGEST_STATE:
            raise McpResultTooLarge("The server's requestState is over 300 KB.")
        handle = Secret(secrets.token_urlsafe(32))
        handle_id = handle_id_of(handle)
        call = WaitingCall(
            handle_id,
            _digest(session, asked.server_id, request),
            self.clock.now() + ROUND_LIFETIME,
            asked.connects,
            asked.grant_id,
            None if state is None else seal_under(handle, handle_id, Secret(state)),
            asked.config_digest,
        )
        self.calls.put(call)
        return handle.reveal()

    def resume(self, session: Session, server_id: str, request: McpRequest) -> Round | None:
        """Find the call that ``requestState`` names; None: it names none.

        It is not taken yet (take()). Raise McpRefusal for a handle that is forged, used, expired,
        another user's or session's, or made for another server, method or parameters: one answer
        for all.
        """
        state = request.params.get("requestState")
        if state is None or not request.is_modern:
            return None
        handle = Secret(state) if isinstance(state, str) else None
        waited = handle and self.calls.find(
            handle_id_of(handle), _digest(session, server_id, request), self.clock.now()
        )
        if handle is None or waited is None:
            raise not_ours()
        if waited.upstream is None:
            return Round(waited, None)
        try:
            return Round(waited, open_under(handle, waited.handle_id, waited.upstream).reveal())
        except SealBroken as exc:
            raise not_ours() from exc

    def take(self, round_: Round) -> None:
        """Take a call up, once; raise McpRefusal where it has been, or has expired meanwhile."""
        waited = round_.waited
        if self.calls.take(waited.handle_id, waited.bound_to, self.clock.now()) is None:
            raise not_ours()

    def give_back(self, round_: Round) -> None:
        """Let a call that was taken be taken up again; to do so is best effort."""
        with suppress(TemporarilyUnavailable):
            self.calls.give_back(round_.waited)


def input_responses(request: McpRequest) -> Mapping[str, object] | None:
    """Return the answers of this round; raise McpRefusal for what is none."""
    given = request.params.get("inputResponses")
    if given is None or isinstance(given, Mapping):
        return given
    raise McpRefusal(INVALID_PARAMS, "inputResponses must be an object.")


def _digest(session: Session, server_id: str, request: McpRequest) -> str:
    asked = {name: value for name, value in request.params.items() if name not in PER_ROUND}
    bound = [session.session_id, session.user_id, server_id, request.method, asked]
    return hashlib.sha256(json.dumps(bound, sort_keys=True).encode()).hexdigest()


def not_ours() -> McpRefusal:
    """Return the one answer to a handle that is not good for this request."""
    return McpRefusal(
        INVALID_PARAMS, "The requestState is used, expired, or not one of ours for this request."
    )
