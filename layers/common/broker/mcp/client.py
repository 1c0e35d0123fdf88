"""McpClient: call a tool, ask for what else a server has, at a server of any era."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from broker.clock import Clock
from broker.errors import InvalidRequest, InvalidToolArguments
from broker.model import NOTHING, Hearing, Secret
from broker.outbound import Outbound

from .answers import Called, Listing, ToolList, read_outcome
from .conversation import Conversation, Draft
from .eras import HANDSHAKE_VERSION, MODERN_VERSION, Era, Learned
from .exchange import Exchange
from .failures import HeaderMismatch
from .headers import encode_value, param_headers
from .messages import encode
from .methods import LISTS, METHODS, QUESTIONS
from .notices import Ear
from .pages import list_all
from .weight import CAP

FORMS: Mapping[str, object] = {"elicitation": {"form": {}}}
"""What we declare to 2026-07-28 servers unless told otherwise: they may ask for a form to be
filled in, which is data, and which invoke hands on as ``input_required``. Not ``url``, a page of
a stranger's that somebody must warn the user of, nor sampling, which would spend the customer's
model on a stranger's prompt: who can handle those, says so in ``capabilities``. To older servers
nothing is declared, for there the question would have to be answered while the call waits."""


@dataclass(frozen=True, slots=True)
class Target:
    """A server, a user's credentials at it, and what was learned of it before."""

    url: str
    headers: Mapping[str, str] = field(repr=False)
    era: Era | None = None
    session: Secret | None = None
    protocol_version: str | None = None
    """As negotiated with a server of before 2026-07-28."""

    @property
    def remembered(self) -> Learned | None:
        """Return what is known of the server; None if it was never spoken to."""
        if self.era is None:
            return None
        usual = MODERN_VERSION if self.era is Era.MODERN else HANDSHAKE_VERSION
        session = self.session if self.era is Era.SESSIONS else None
        return Learned(self.era, session, self.protocol_version or usual)


@dataclass(frozen=True, slots=True)
class McpClient:
    """A client of MCP servers; it keeps nothing: what is learned is returned.

    Its methods raise:
        Unauthorized: The token is not taken; its challenge says what would be.
        InsufficientScope: The token is good for less than this.
        MissingCapability: The server wants a caller that can be asked more.
        TooManyRequests: With seconds to wait.
        McpServerTimeout: The tool may have run.
        McpResultTooLarge: The answer is over 4 MB.
        McpServerError: Anything else; ``details`` says what was seen.
    """

    outbound: Outbound
    clock: Clock

    def call_tool(
        self,
        target: Target,
        name: str,
        arguments: Mapping[str, object],
        *,
        deadline: float,
        input_schema: Mapping[str, object] | None = None,
        input_responses: Mapping[str, object] | None = None,
        request_state: str | None = None,
        capabilities: Mapping[str, object] = FORMS,
        hearing: Hearing = NOTHING,
    ) -> Called:
        """Call a tool, once, with one request where the server is known.

        Args:
            target: Whom to call, with whose credentials.
            name: The tool.
            arguments: As JSON would read them.
            deadline: In ``Clock.monotonic()`` seconds, for all requests together.
            input_schema: The tool's, as last listed: a 2026-07-28 server may want arguments
                mirrored in headers (x-mcp-header). Without it, or if it is out of date, such a
                server refuses, the tools are listed, and the call is made once more.
            input_responses: Answers to an earlier InputNeeded.
            request_state: The same one's, byte for byte.
            capabilities: Which requests for input the caller can handle (ClientCapabilities).
            hearing: Which notifications the caller wants.

        Raises also InvalidToolArguments: No such tool, or not with these arguments.
        """
        round_trip = _round_trip(input_responses, request_state)
        draft = _tools_call(name, arguments, round_trip, input_schema)
        with self._conversation(target, deadline, capabilities, hearing) as conversation:
            try:
                return _call(conversation, draft)
            except HeaderMismatch:
                # Refused before it ran (Streamable HTTP, Client Behavior): learn, and once more.
                listed = _list_tools(conversation)
                better = _tools_call(name, arguments, round_trip, _schema(listed, name))
                if better.modern_headers == draft.modern_headers:
                    raise
                return replace(_call(conversation, better), listed=listed)

    def ask(
        self,
        target: Target,
        method: str,
        params: Mapping[str, object],
        *,
        deadline: float,
        input_responses: Mapping[str, object] | None = None,
        request_state: str | None = None,
        capabilities: Mapping[str, object] = FORMS,
        hearing: Hearing = NOTHING,
    ) -> Called:
        """Ask prompts/get, resources/read or completion/complete, once; ``params`` without _meta.

        Raises also InvalidRequest: Another method, or parameters that JSON cannot carry.
        """
        if method not in QUESTIONS:
            raise InvalidRequest("The method is not one that is passed on to MCP servers.")
        draft = _question(method, params, _round_trip(input_responses, request_state))
        with self._conversation(target, deadline, capabilities, hearing) as conversation:
            return _call(conversation, draft)

    def list_all(
        self,
        target: Target,
        method: str,
        *,
        deadline: float,
        capabilities: Mapping[str, object] = FORMS,
    ) -> Listing:
        """List prompts, resources, resource templates or tools, page after page.

        Fewer than 1,000 pages, and 4 MB in all. A key (name, URI) is kept once, the first time;
        an entry without a printable one, or a tool with invalid x-mcp-header annotations, not at
        all. Raises also InvalidRequest: Another method.
        """
        if method not in LISTS:
            raise InvalidRequest("The method is not one that is passed on to MCP servers.")
        with self._conversation(target, deadline, capabilities, NOTHING) as conversation:
            return list_all(conversation, method)

    def list_tools(
        self,
        target: Target,
        *,
        deadline: float,
        capabilities: Mapping[str, object] = FORMS,
    ) -> ToolList:
        """List the tools, as list_all()."""
        with self._conversation(target, deadline, capabilities, NOTHING) as conversation:
            return _list_tools(conversation)

    def _conversation(
        self,
        target: Target,
        deadline: float,
        capabilities: Mapping[str, object],
        hearing: Hearing,
    ) -> Conversation:
        exchange = Exchange(
            self.outbound, self.clock, target.url, target.headers, deadline, Ear(hearing)
        )
        return Conversation(exchange, capabilities, target.remembered)


def _list_tools(conversation: Conversation) -> ToolList:
    found = list_all(conversation, "tools/list")
    return ToolList(found.entries, found.ttl_ms, found.cache_scope, found.learned)


def _schema(listed: ToolList, name: str) -> object:
    return next((tool.get("inputSchema") for tool in listed.tools if tool["name"] == name), None)


def _call(conversation: Conversation, draft: Draft) -> Called:
    settled = conversation.ask(draft, cap=CAP)
    outcome = read_outcome(settled.result, draft.method, settled.learned.era)
    return Called(outcome, settled.learned, conversation.exchange.ear.notices())


def _tools_call(
    name: str,
    arguments: Mapping[str, object],
    round_trip: Mapping[str, object],
    schema: object,
) -> Draft:
    params = {"name": name, "arguments": arguments}
    try:
        encode({**params, **round_trip})
        headers = {**param_headers(schema, arguments), "Mcp-Name": encode_value(name)}
    except (ValueError, TypeError, RecursionError):
        raise InvalidToolArguments("The arguments are not ones that JSON can carry.") from None
    return Draft("tools/call", params, round_trip, headers)


def _question(method: str, params: Mapping[str, object], round_trip: Mapping[str, object]) -> Draft:
    named = METHODS[method].names
    headers: dict[str, str] = {}
    try:
        encode({**params, **round_trip})
        if named is not None:
            headers["Mcp-Name"] = encode_value(_text(params, named))
    except (ValueError, TypeError, RecursionError):
        raise InvalidRequest(f"The parameters are not ones of {method}.") from None
    return Draft(method, params, round_trip, headers)


def _text(params: Mapping[str, object], name: str) -> str:
    value = params.get(name)
    if not isinstance(value, str):
        raise TypeError(name)
    return value


def _round_trip(
    input_responses: Mapping[str, object] | None, request_state: str | None
) -> Mapping[str, object]:
    given: dict[str, object] = {}
    if input_responses is not None:
        given["inputResponses"] = input_responses
    if request_state is not None:
        given["requestState"] = request_state
    return given
