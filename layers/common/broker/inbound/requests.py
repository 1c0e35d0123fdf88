"""What callers send: shapes, sizes and characters; meaning is the flows' business."""

import base64
import re
from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from broker.errors import InvalidRequest
from broker.model import Claimant, Purpose, Secret, ToolCall, Wish
from broker.wire import Wire

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_BIDI = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def _printable(value: str) -> str:
    if _CONTROL.search(value):
        raise ValueError("must not contain control characters or lone surrogates")
    return value


def _in_order(value: str) -> str:
    """Refuse what makes shown text read differently from what it is."""
    if _BIDI.search(value):
        raise ValueError("must not contain marks that change the direction of text")
    return value


type Text = Annotated[str, AfterValidator(_printable)]
type UserId = Annotated[Text, Field(min_length=1, max_length=256)]
type ServerId = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
type Url = Annotated[Text, Field(min_length=1, max_length=2048)]
type Shown = Annotated[Text, AfterValidator(_in_order)]
type Label = Annotated[Shown, Field(min_length=1, max_length=128)]
type Handle = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,128}$")]
type Locale = Annotated[str, Field(pattern=r"^[A-Za-z]{2,8}([-_][A-Za-z0-9]{1,8}){0,4}$")]
type ServerIds = Annotated[list[ServerId], Field(min_length=1, max_length=20)]


class ApiRequest(Wire):
    """A request to our own API: an unknown field is a mistake worth telling."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Named(ApiRequest):
    """A request about one server."""

    server_id: ServerId


class ForUser(ApiRequest):
    """A request about one user."""

    user_id: UserId


class ForUserAt(ForUser, Named):
    """A request about one user at one server."""


class WishFields(ForUser):
    """What the chat backend says about the user who may have to connect."""

    return_url: Url | None = None
    user_label: Label | None = None
    client_state: Annotated[Text, Field(max_length=512)] | None = None
    locale: Locale | None = None

    @property
    def wish(self) -> Wish:
        """Return the part about the user, in the broker's terms."""
        return Wish(self.user_id, self.return_url, self.user_label, self.client_state, self.locale)


class InvokeRequest(WishFields, Named):
    """``POST /v1/invoke``."""

    tool: Annotated[Text, Field(min_length=1, max_length=256)]
    arguments: Mapping[str, object] = Field(default_factory=dict, repr=False)
    input_responses: Mapping[str, object] | None = Field(default=None, repr=False)
    request_state: Annotated[str, Field(max_length=65_536)] | None = Field(default=None, repr=False)

    @property
    def call(self) -> ToolCall:
        """Return the call, in the broker's terms."""
        return ToolCall(
            self.server_id,
            self.tool,
            self.wish,
            self.arguments,
            self.input_responses,
            self.request_state,
        )


class ConnectRequest(WishFields, Named):
    """``POST /v1/connections/{server_id}/connect``."""


class PromptRequest(WishFields):
    """``POST /v1/connections/prompt``."""

    server_ids: ServerIds


class CompleteRequest(ForUserAt):
    """``POST /v1/connections/{server_id}/complete``."""

    connect_id: Annotated[Text, Field(min_length=1, max_length=128)]
    completion_code: Annotated[Text, Field(min_length=1, max_length=256)] = Field(repr=False)

    @property
    def claimant(self) -> Claimant:
        """Return who says that the consent is theirs."""
        return Claimant(Purpose.CONNECT, self.user_id, self.server_id, self.connect_id)

    @property
    def code(self) -> Secret:
        """Return the completion code."""
        return Secret(self.completion_code)


class DeleteServerRequest(Named):
    """``DELETE /v1/servers/{server_id}``."""

    disconnect: Literal["true", "false"] = "false"


class PageRequest(ApiRequest):
    """A list, from the beginning or from where the last page ended."""

    cursor: Annotated[str, Field(max_length=2048, pattern=r"^[A-Za-z0-9_-]*$")] | None = None

    @property
    def start(self) -> str | None:
        """Return the key to go on after; raise InvalidRequest."""
        if not self.cursor:
            return None
        try:
            return base64.urlsafe_b64decode(self.cursor + "==").decode()
        except ValueError:
            raise InvalidRequest("cursor: not one of ours.") from None


class ServerConnectionsRequest(PageRequest, Named):
    """``GET /v1/servers/{server_id}/connections``."""


class DiscoverRequest(ApiRequest):
    """``POST /v1/discover``: one of the two."""

    mcp_url: Url | None = None
    server_id: ServerId | None = None

    @model_validator(mode="after")
    def _names_one(self) -> Self:
        if (self.mcp_url is None) == (self.server_id is None):
            raise ValueError("name either mcp_url or server_id")
        return self


class ClientMetadataRequest(ApiRequest):
    """``GET /oauth/client-metadata/{document}``: a server's id, and ``.json``."""

    document: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}\.json$")]

    @property
    def server_id(self) -> str:
        """Return whose client it is about."""
        return self.document.removesuffix(".json")


class ClientKeysRequest(ClientMetadataRequest):
    """``GET /oauth/jwks/{document}``: a server's id, and ``.json``."""


class CheckRequest(Named):
    """``POST /v1/servers/{server_id}/check``: nothing but the server."""


class StartTestRequest(Named):
    """``POST /v1/servers/{server_id}/test``."""

    return_url: Url | None = None
    publish_tools: bool = True


class ReadTestRequest(Named):
    """``GET /v1/servers/{server_id}/test/{test_id}``."""

    test_id: Handle


class AdvanceTestRequest(ReadTestRequest):
    """``POST /v1/servers/{server_id}/test/{test_id}/advance``."""

    completion_code: Annotated[Text, Field(min_length=1, max_length=256)] | None = Field(
        default=None, repr=False
    )
    revoke: bool = False

    @property
    def code(self) -> Secret | None:
        """Return the completion code, if there is one."""
        return Secret(self.completion_code) if self.completion_code else None


class TicketRequest(ApiRequest):
    """``GET /authorize``."""

    ticket: Handle = Field(repr=False)

    @property
    def secret(self) -> Secret:
        """Return the ticket."""
        return Secret(self.ticket)


class ConsentRequest(TicketRequest):
    """``POST /authorize``: the consent page's form."""

    csrf: Handle = Field(repr=False)

    @property
    def csrf_secret(self) -> Secret:
        """Return what must equal the page's cookie."""
        return Secret(self.csrf)


def cursor_of(key: str | None) -> str | None:
    """Return the opaque cursor of a page's last key."""
    return None if key is None else base64.urlsafe_b64encode(key.encode()).rstrip(b"=").decode()
