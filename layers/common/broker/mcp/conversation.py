"""The way to one answer from a server of any era, with as few requests as that era allows."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from broker.diagnosis import media_type
from broker.errors import BrokerError, McpServerError, OutboundError
from broker.model import Secret

from .eras import (
    HANDSHAKE_VERSION,
    HANDSHAKE_VERSIONS,
    MODERN_VERSION,
    Era,
    Learned,
    Verdict,
    is_lost,
    is_refusal,
    judge,
    proves_older,
)
from .exchange import Exchange, Reply
from .failures import refused, unanswered
from .messages import CLIENT_INFO, Request, RpcError

_SESSION = re.compile(r"[\x21-\x7e]{1,4096}")  # 2025-11-25, Session Management


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


@dataclass(frozen=True, slots=True)
class Conversation:
    """One question to one server; ``remembered`` is what was learned of it before."""

    exchange: Exchange
    capabilities: Mapping[str, object]
    remembered: Learned | None

    def ask(self, draft: Draft, *, cap: int) -> Settled:
        """Return the result; raise what the answer means.

        The steady state is one POST in every era. A request is sent again only after an answer
        that proves that it was not processed.
        """
        if self.remembered is None or self.remembered.era is Era.MODERN:
            return self._ask_modern_first(draft, cap)
        return self._ask_older_first(draft, self.remembered, cap)

    def _ask_modern_first(self, draft: Draft, cap: int) -> Settled:
        reply = self._post_modern(draft, cap)
        if self._is_answer(reply):
            return _settle(reply, draft, _MODERN)
        learned = self._initialize()
        if isinstance(learned, Reply):
            raise _refused(reply, draft)  # neither era: the first refusal says more
        return _settle(self._post_older(draft, learned, cap), draft, learned)

    def _ask_older_first(self, draft: Draft, remembered: Learned, cap: int) -> Settled:
        if remembered.session is not None or remembered.era is Era.SESSIONLESS:
            reply = self._post_older(draft, remembered, cap)
            if not is_lost(reply.status, _error(reply)):
                return _settle(reply, draft, remembered)
        learned = self._initialize()
        if isinstance(learned, Reply):
            return self._ask_modern_instead(draft, cap, refusal=learned)
        return _settle(self._post_older(draft, learned, cap), draft, learned)

    def _ask_modern_instead(self, draft: Draft, cap: int, refusal: Reply) -> Settled:
        """Try 2026-07-28 once, for a server that has left its older era behind."""
        reply = self._post_modern(draft, cap)
        if self._is_answer(reply):
            return _settle(reply, draft, _MODERN)
        raise _refused(refusal, Draft("initialize", {}))

    def _is_answer(self, reply: Reply) -> bool:
        known = self.remembered is not None and self.remembered.era is Era.MODERN
        verdict = judge(reply.status, _error(reply), known=known)
        if verdict is Verdict.UNCLEAR:
            return not self._is_proven_older()
        return verdict is Verdict.ANSWERED

    def _is_proven_older(self) -> bool:
        """Ask what every 2026-07-28 server must answer, and what does nothing."""
        try:
            reply = self._post_modern(Draft("server/discover", {}), _SMALL)
        except BrokerError:
            return False  # no proof; the call's own answer says more than this failure
        return proves_older(reply.status, _error(reply), _result(reply))

    def _initialize(self) -> Learned | Reply:
        """Shake hands as before 2026 (2025-11-25, Lifecycle); return a refusal as it came."""
        params = {
            "protocolVersion": HANDSHAKE_VERSION,
            "capabilities": {},
            "clientInfo": CLIENT_INFO,
        }
        request = Request("initialize", params)
        # Without a version header: a server of both eras would read it as the request's era.
        reply = self.exchange.post(request, {}, cap=_SMALL, questions=False)
        if is_refusal(reply.status) or _error(reply) is not None:
            return reply
        result = _result(reply)
        if result is None:
            raise refused(reply.status, None, request.method)
        learned = _learn(result.get("protocolVersion"), reply.headers.get("mcp-session-id"))
        self._tell_initialized(learned)
        return learned

    def _tell_initialized(self, learned: Learned) -> None:
        message = {"jsonrpc": "2.0", "method": "notifications/initialized"}
        try:
            self.exchange.notify(message, _older_headers(learned))
        except OutboundError as exc:
            raise unanswered(exc, "notifications/initialized") from exc

    def _post_modern(self, draft: Draft, cap: int) -> Reply:
        meta = {
            "io.modelcontextprotocol/protocolVersion": MODERN_VERSION,
            "io.modelcontextprotocol/clientInfo": CLIENT_INFO,
            "io.modelcontextprotocol/clientCapabilities": self.capabilities,
        }
        params = {**draft.params, **draft.modern_params, "_meta": meta}
        headers = {
            **draft.modern_headers,
            "MCP-Protocol-Version": MODERN_VERSION,
            "Mcp-Method": draft.method,
        }
        request = Request(draft.method, params)
        return self.exchange.post(request, headers, cap=cap, questions=False)

    def _post_older(self, draft: Draft, learned: Learned, cap: int) -> Reply:
        request = Request(draft.method, draft.params)
        return self.exchange.post(request, _older_headers(learned), cap=cap, questions=True)


_MODERN = Learned(Era.MODERN, None, MODERN_VERSION)
_SMALL = 256 * 1024


def _older_headers(learned: Learned) -> dict[str, str]:
    headers = {"MCP-Protocol-Version": learned.protocol_version}
    if learned.session is not None:
        headers["Mcp-Session-Id"] = learned.session.reveal()
    return headers


def _learn(version: object, session: str | None) -> Learned:
    if not isinstance(version, str) or version not in HANDSHAKE_VERSIONS:
        raise McpServerError(
            "The MCP server and the broker have no protocol version in common.",
            details={"reason": "protocol_version"},
        )
    if session is None:
        return Learned(Era.SESSIONLESS, None, version)
    if not _SESSION.fullmatch(session):
        raise McpServerError(
            "The MCP server's session id is not one.", details={"reason": "not_understood"}
        )
    return Learned(Era.SESSIONS, Secret(session), version)


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
