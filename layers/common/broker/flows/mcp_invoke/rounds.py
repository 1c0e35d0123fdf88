"""The ``requestState`` of our answers: random handles to calls that wait for their user."""

import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from broker.clock import Clock
from broker.endpoint_errors import McpRefusal
from broker.errors import McpResultTooLarge, SealBroken
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
class Rounds:
    """Hands out handles and takes them back, once, from whom and for what they were made."""

    clock: Clock
    calls: McpCallStore

    def begin(
        self,
        session: Session,
        server_id: str,
        request: McpRequest,
        *,
        connects: bool,
        grant_id: str | None = None,
        upstream_state: str | None = None,
    ) -> str:
        """Return the handle of a call that waits from now on; raise McpResultTooLarge."""
        if upstream_state is not None and len(upstream_state.encode()) > _LARGEST_STATE:
            raise McpResultTooLarge("The server's requestState is over 300 KB.")
        handle = Secret(secrets.token_urlsafe(32))
        handle_id = handle_id_of(handle)
        sealed = None
        if upstream_state is not None:
            sealed = seal_under(handle, handle_id, Secret(upstream_state))
        bound_to = _digest(session, server_id, request)
        until = self.clock.now() + ROUND_LIFETIME
        self.calls.put(WaitingCall(handle_id, bound_to, until, connects, grant_id, sealed))
        return handle.reveal()

    def resume(self, session: Session, server_id: str, request: McpRequest) -> Round | None:
        """Take up the call that ``requestState`` names; None: it names none.

        Raise McpRefusal for a handle that is forged, used, expired, another user's or session's,
        or made for another server, method or parameters: one answer for all.
        """
        state = request.params.get("requestState")
        if state is None or not request.is_modern:
            return None
        handle = Secret(state) if isinstance(state, str) else None
        waited = handle and self.calls.take(
            handle_id_of(handle), _digest(session, server_id, request), self.clock.now()
        )
        if handle is None or waited is None:
            raise _not_ours()
        if waited.upstream is None:
            return Round(waited, None)
        try:
            return Round(waited, open_under(handle, waited.handle_id, waited.upstream).reveal())
        except SealBroken as exc:
            raise _not_ours() from exc


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


def _not_ours() -> McpRefusal:
    return McpRefusal(
        INVALID_PARAMS, "The requestState is used, expired, or not one of ours for this request."
    )
