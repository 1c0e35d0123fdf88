"""What is known of how each service behaves: the data in facts.toml, read and checked."""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

_FILE = Path(__file__).with_name("facts.toml")


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class RevokeAs(_Strict):
    """How tokens are revoked where it is not as in RFC 7009."""

    method: Literal["POST", "DELETE"] = "POST"
    shown_by: Literal["client", "form_basic", "json_basic", "bearer", "nobody"] = "client"
    """Who asks: the client in its usual style, or by Basic; the token's bearer; or anybody."""
    place: Literal["body", "query", "path", "header"] = "body"
    """Where the token lies; ``header``: nowhere but in the Authorization header."""
    parameter: str = "token"
    only: Literal["access", "refresh"] | None = None
    """The one kind of token that is taken; any other is refused."""


class RenewAs(_Strict):
    """How an access token is exchanged for another that lives longer."""

    url: str
    methods: frozenset[Literal["POST", "GET"]]
    grant_type: str
    parameter: str
    """What carries the access token."""
    client: Literal["whole", "none"] = "whole"
    """Whether client id and secret must be there."""


class Facts(_Strict):
    """One service. What is left out is as RFC 6749 has it."""

    # What the builder of the journey gives for the preset's values
    values: Mapping[str, str] = Field(default_factory=dict)

    # Where its endpoints are, with those values in them
    authorize: str
    token: str
    refresh: str | None = None
    renewals: tuple[RenewAs, ...] = ()
    """In place of refresh tokens: at once after the code, and again before it ends."""
    revoke: str | None = None
    revoke_as: RevokeAs = RevokeAs()
    userinfo: str | None = None

    # What it wants
    style: Literal["form_post", "form_basic", "json_basic", "json_post"]
    basic: Literal["form", "raw"] = "form"
    """How id and secret are read from HTTP Basic: form-decoded, or as they are."""
    pkce: Literal["required", "checked", "refused"]
    """Without it nothing goes; it is checked where it comes; its parameters are an error."""
    scopes: tuple[str, ...]
    separator: Literal[" ", ","]
    listed_as: Mapping[str, str] = Field(default_factory=dict)
    """Under what a token response lists a scope; the empty text: it does not."""
    scope_parameter: str = "scope"
    client_parameter: str = "client_id"
    requires: Mapping[str, str] = Field(default_factory=dict)
    """Parameters without which the login page refuses."""
    token_requires: Mapping[str, str] = Field(default_factory=dict)
    """Parameters without which the token endpoint refuses a code."""
    offline_parameters: Mapping[str, str] = Field(default_factory=dict)
    offline_scope: str | None = None
    """Without these no refresh token comes."""

    # What it answers
    body: Literal["json", "by_accept"] = "json"
    """``by_accept``: form-encoded, unless the request accepts JSON."""
    nest: str | None = None
    """The object in which the tokens lie."""
    members: Mapping[str, Any] = Field(default_factory=dict)
    """What else a token response holds."""
    callback: Mapping[str, str] = Field(default_factory=dict)
    """What else an authorization response holds."""
    callback_lists: str | None = None
    """The parameter of it that lists what was granted; then no token response does."""
    expiry: Literal["number", "string", "none"] = "number"
    lifetime: int | None = None
    """Seconds; None: it ends when it ends, and nobody says when."""
    refreshes: Literal["rotates", "keeps", "never"] = "rotates"
    errors: Literal["rfc", "ok_false", "status_200", "forbidden", "graph"] = "rfc"
    account: Mapping[str, Any] = Field(default_factory=dict)
    """What the userinfo endpoint answers."""
    label: str | None = None
    """How the account is shown to its user; None: the service does not say where we ask."""
    userinfo_scheme: str = "Bearer"
    userinfo_method: Literal["GET", "POST"] = "GET"
    token_header: tuple[str, str] = ("Authorization", "Bearer")
    """Header and scheme that the service's API wants access tokens in."""

    # What a connection must have kept for a call to arrive
    mcp_url: str | None = None
    """What the builder configures, with gaps."""
    mcp_at: str | None = None
    """Where calls then go."""

    @property
    def renews_itself(self) -> bool:
        """Say whether access tokens are renewed by themselves."""
        return bool(self.renewals)


@cache
def all_facts() -> Mapping[str, Facts]:
    """Read them, by the preset's id."""
    said = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    return {name: Facts.model_validate(each) for name, each in said.items()}
