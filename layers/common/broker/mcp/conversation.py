"""The way to one answer from a server of any era, with as few requests as that era allows."""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from broker.diagnosis import media_type
from broker.errors import BrokerError

from .eras import (
    MODERN_VERSION,
    Era,
    Learned,
    Verdict,
    is_in_doubt,
    is_lost,
    judge,
    may_be_http_sse,
    offers_modern,
    proves_older,
)
from .exchange import Exchange, Reply
from .failures import SessionInDoubt, refused
from .handshake import SMALL, older_headers, shake_hands, shake_hands_on
from .http_sse import Channel, open_channel
from .messages import CLIENT_INFO, Request, RpcError


@dataclass(frozen=True, slots=True)
class Draft:
    """A request as it is meant, before an era gives it its form."""

    method: str
    params: Mapping[str, object] = field(repr=False)
    modern_params: Mapping[str, object] = field(default_factory=dict, repr=False)
    """What only 2026-07-28 knows."""
    modern_headers: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Settled:
    """A result, and what was learned on the way to it."""

    result: Mapping[str, object] = field(repr=False)
    learned: Learned
    size: int


@dataclass(slots=True)
class Conversation:
    """Some questions to one server, in a ``with`` block.

    ``remembered`` is what was learned of the server before, and then what every answer taught.
    """

    exchange: Exchange
    capabilities: Mapping[str, object]
    remembered: Learned | None
    _channel: Channel | None = None
    _stack: ExitStack = field(default_factory=ExitStack, repr=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def ask(self, draft: Draft, *, cap: int) -> Settled:
        """Return the result; raise what the answer means.

        The steady state is one POST in every era but HTTP+SSE. A request is sent again only after
        an answer that proves that it was not processed.
        """
        settled = self._ask(draft, cap)
        self.remembered = settled.learned
        return settled

    def _ask(self, draft: Draft, cap: int) -> Settled:
        known = self.remembered
        if known is None or known.era is Era.MODERN:
            return self._ask_modern_first(draft, cap)
        if known.era is Era.HTTP_SSE:
            found = self._ask_on_a_channel(draft)
            return self._ask_modern_first(draft, cap) if found is None else found
        return self._ask_older_first(draft, known, cap)

    def _ask_modern_first(self, draft: Draft, cap: int) -> Settled:
        reply = self._post_modern(draft, cap)
        if offers_modern(reply.status, _error(reply)):
            # Of several behind one address some may be newer than others, for a while.
            reply = self._post_modern(draft, cap)
        if self._is_answer(reply, draft):
            return _settle(reply, draft, _MODERN)
        learned = shake_hands(self.exchange)
        if not isinstance(learned, Reply):
            return _settle(self._post_older(draft, learned, cap), draft, learned)
        found = self._ask_on_a_channel_after(learned, draft)
        if found is None:
            raise _refused(reply, draft)  # no era at all: the first refusal says more
        return found

    def _ask_older_first(self, draft: Draft, remembered: Learned, cap: int) -> Settled:
        if remembered.session is not None or remembered.era is Era.SESSIONLESS:
            reply = self._post_older(draft, remembered, cap)
            if not is_lost(reply.status, _error(reply)):
                return self._settle_in_session(reply, draft, remembered)
        learned = shake_hands(self.exchange)
        if isinstance(learned, Reply):
            return self._ask_otherwise(draft, cap, refusal=learned)
        return _settle(self._post_older(draft, learned, cap), draft, learned)

    def _settle_in_session(self, reply: Reply, draft: Draft, remembered: Learned) -> Settled:
        if remembered.session is not None and is_in_doubt(reply.status, _error(reply)):
            failure = refused(reply.status, _error(reply), draft.method)
            raise SessionInDoubt(failure.message, details=failure.details)
        return _settle(reply, draft, remembered)

    def _ask_otherwise(self, draft: Draft, cap: int, refusal: Reply) -> Settled:
        """Try the other eras once, for a server that has left its own behind."""
        reply = self._post_modern(draft, cap)
        if self._is_answer(reply, draft):
            return _settle(reply, draft, _MODERN)
        found = self._ask_on_a_channel_after(refusal, draft)
        if found is None:
            raise _refused(refusal, Draft("initialize", {}))
        return found

    def _ask_on_a_channel_after(self, refusal: Reply, draft: Draft) -> Settled | None:
        if not may_be_http_sse(refusal.status, _error(refusal)):
            return None
        return self._ask_on_a_channel(draft)

    def _ask_on_a_channel(self, draft: Draft) -> Settled | None:
        """Ask over HTTP+SSE; None: the server does not speak it, and was asked nothing."""
        if self._channel is None or self.remembered is None:
            channel = open_channel(self.exchange, self._stack)
            if isinstance(channel, Reply):
                return None
            learned = shake_hands_on(channel)
            if isinstance(learned, Reply):
                raise _refused(learned, Draft("initialize", {}))
            self._channel, self.remembered = channel, learned
        request = Request(draft.method, self._older_params(draft))
        return _settle(self._channel.ask(request), draft, self.remembered)

    def _is_answer(self, reply: Reply, draft: Draft) -> bool:
        known = self.remembered is not None and self.remembered.era is Era.MODERN
        runs = draft.method == "tools/call"
        verdict = judge(reply.status, _error(reply), known=known, runs=runs)
        if verdict is Verdict.UNCLEAR:
            return not self._is_proven_older()
        return verdict is Verdict.ANSWERED

    def _is_proven_older(self) -> bool:
        """Ask what every 2026-07-28 server must answer, and what does nothing."""
        try:
            reply = self._post_modern(Draft("server/discover", {}), SMALL)
        except BrokerError:
            return False  # no proof; the call's own answer says more than this failure
        return proves_older(reply.status, _error(reply), _result(reply))

    def _post_modern(self, draft: Draft, cap: int) -> Reply:
        ear = self.exchange.ear
        meta: dict[str, object] = {
            "io.modelcontextprotocol/protocolVersion": MODERN_VERSION,
            "io.modelcontextprotocol/clientInfo": CLIENT_INFO,
            "io.modelcontextprotocol/clientCapabilities": self.capabilities,
            **ear.meta(),
        }
        if ear.hearing.log_level is not None:
            meta["io.modelcontextprotocol/logLevel"] = ear.hearing.log_level
        params = {**draft.params, **draft.modern_params, "_meta": meta}
        headers = {
            **draft.modern_headers,
            "MCP-Protocol-Version": MODERN_VERSION,
            "Mcp-Method": draft.method,
        }
        request = Request(draft.method, params)
        return self.exchange.post(request, headers, cap=cap, older=False)

    def _post_older(self, draft: Draft, learned: Learned, cap: int) -> Reply:
        request = Request(draft.method, self._older_params(draft))
        return self.exchange.post(request, older_headers(learned), cap=cap, older=True)

    def _older_params(self, draft: Draft) -> Mapping[str, object]:
        meta = self.exchange.ear.meta()
        return {**draft.params, "_meta": meta} if meta else draft.params


_MODERN = Learned(Era.MODERN, None, MODERN_VERSION)


def _result(reply: Reply) -> Mapping[str, object] | None:
    return reply.response.result if reply.response else None


def _error(reply: Reply) -> RpcError | None:
    return reply.response.error if reply.response else None


def _settle(reply: Reply, draft: Draft, learned: Learned) -> Settled:
    result = _result(reply)
    if result is None or not 200 <= reply.status < 300:
        raise _refused(reply, draft)
    return Settled(result, learned, reply.size)


def _refused(reply: Reply, draft: Draft) -> Exception:
    failure = refused(reply.status, _error(reply), draft.method)
    media = media_type(reply.headers.get("content-type"))
    if reply.response is None and media is not None and reply.status < 500:
        failure.details["content_type"] = media  # a page here means a wrong address
    return failure
