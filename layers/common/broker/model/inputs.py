"""What flows are asked: requests, parsed and checked for shape, in the broker's own terms."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from .mcp import NOTHING, Hearing
from .pending import Purpose
from .secret import Secret


@dataclass(frozen=True, slots=True)
class Wish:
    """What the chat backend says about the user who is to connect."""

    user_id: str
    return_url: str | None = None
    user_label: str | None = None
    client_state: str | None = None
    locale: str | None = None


@dataclass(frozen=True, slots=True)
class ToolCall:
    """What the chat backend asks to be run, and for whom."""

    server_id: str
    tool: str
    wish: Wish
    arguments: Mapping[str, object] = field(default_factory=dict, repr=False)
    input_responses: Mapping[str, object] | None = field(default=None, repr=False)
    request_state: str | None = field(default=None, repr=False)
    hearing: Hearing = NOTHING
    mirrored: Mapping[str, str | None] | None = field(default=None, repr=False)
    """Headers that must agree with the arguments, as McpRequest has them; None: there are none."""
    capabilities: Mapping[str, object] | None = None
    """What whoever calls can be asked in return (ClientCapabilities); None: a form."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """What the browser brought to the redirection endpoint."""

    server_id: str
    parameters: Mapping[str, str] = field(repr=False)
    cookies: Mapping[str, str] = field(repr=False)


class Kept(Enum):
    """A secret that the request does not mention stays as it is."""

    KEPT = auto()


@dataclass(frozen=True, slots=True)
class Draft:
    """A configuration as the builder sent it: fields of Server, and secrets apart."""

    values: Mapping[str, Any]
    client_secret: Secret | Kept | None
    bearer_token: Secret | Kept | None
    preset: str | None = None
    preset_values: Mapping[str, str] = field(default_factory=dict)
    given: frozenset[str] = frozenset()
    """The fields that the builder named: a preset leaves them alone."""


@dataclass(frozen=True, slots=True)
class Precondition:
    """If-Match and If-None-Match (RFC 9110 §13.1), as the request has them."""

    if_match: str | None = None
    if_none_match: str | None = None


@dataclass(frozen=True, slots=True)
class Claimant:
    """Who says that the consent is theirs."""

    purpose: Purpose
    user_id: str
    server_id: str
    connect_id: str
