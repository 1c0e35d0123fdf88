"""What a builder, or a preset, may declare of a service's quirks: shapes, sizes and characters."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from . import Wire

type _Parameter = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
type _Member = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:-]{1,128}$")]
type _GrantType = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:-]{1,128}$")]
type _Header = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,64}$")]
type _Scheme = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{0,32}$")]
type _Template = Annotated[
    str, Field(pattern=r"^[\x21\x23-\x5b\x5d-\x7e]+$", min_length=1, max_length=2048)
]
type _Scope = Annotated[str, Field(pattern=r"^[\x21\x23-\x5b\x5d-\x7e]+$", max_length=256)]
type _Host = Annotated[str, Field(pattern=r"^(\*\.)?[A-Za-z0-9.-]+$", max_length=253)]
type _Kept = Annotated[str, Field(pattern=r"^[\x21-\x7e]+$", max_length=256)]


class _Declared(Wire):
    """An unknown key is a mistake worth telling."""

    model_config = ConfigDict(extra="forbid", strict=True)


class DeclaredRefreshRequest(_Declared):
    """How a token set is renewed."""

    method: Literal["POST", "GET"] = "POST"
    grant_type: _GrantType = "refresh_token"
    token: Literal["refresh_token", "access_token"] = "refresh_token"
    parameter: _Parameter = "refresh_token"
    credentials: Literal["same", "omitted"] = "same"
    min_age_seconds: Annotated[int, Field(ge=0, le=2_592_000)] = 0


class DeclaredExchange(_Declared):
    """How the token of a code becomes one that lives longer."""

    endpoint: _Template
    method: Literal["POST", "GET"] = "POST"
    grant_type: _GrantType
    parameter: _Parameter = "access_token"
    credentials: Literal["same", "omitted"] = "same"


class DeclaredRevocationRequest(_Declared):
    """How a token is ended."""

    method: Literal["POST", "GET", "DELETE"] = "POST"
    credentials: Literal[
        "same", "omitted", "bearer", "form_post", "form_basic", "json_basic", "json_post", "none"
    ] = "same"
    token: Literal["each", "refresh_token", "access_token"] = "each"
    parameter: _Parameter = "token"
    place: Literal["body", "query", "path"] = "body"


class DeclaredKeptField(_Declared):
    """What a connection keeps of its consent."""

    source: Literal["token_response", "callback"]
    field: _Member
    kind: Literal["label", "segment", "host"] = "segment"
    hosts: Annotated[list[_Host], Field(max_length=20)] = Field(default_factory=list)
    default: _Kept | None = None


class DeclaredQuirks(Wire):
    """The fields of a server that say how its service departs from the standards."""

    token_response_fields: Annotated[
        Mapping[
            Literal[
                "refresh_token",
                "expires_in",
                "scope",
                "id_token",
                "token_type",
                "refresh_token_expires_in",
            ],
            _Member,
        ],
        Field(max_length=6),
    ] = Field(default_factory=dict)
    error_field: _Member | None = None
    introspection_endpoint: _Template | None = None
    userinfo_header: _Header = "Authorization"
    userinfo_scheme: _Scheme = "Bearer"
    userinfo_method: Literal["GET", "POST"] = "GET"
    basic_encoding: Literal["form", "raw"] = "form"
    resource_in: Literal["both", "authorization_request", "token_request", "none"] = "both"
    scope_sets: Annotated[
        Mapping[_Parameter, Annotated[list[_Scope], Field(min_length=1, max_length=100)]],
        Field(max_length=5),
    ] = Field(default_factory=dict)
    scope_aliases: Annotated[
        Mapping[_Scope, Annotated[list[_Scope], Field(max_length=10)]], Field(max_length=50)
    ] = Field(default_factory=dict)
    scope_callback_parameter: _Parameter | None = None
    refresh_request: DeclaredRefreshRequest = Field(default_factory=DeclaredRefreshRequest)
    long_lived_exchange: DeclaredExchange | None = None
    revocation_request: DeclaredRevocationRequest = Field(default_factory=DeclaredRevocationRequest)
    kept_fields: Annotated[
        Mapping[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,30}$")], DeclaredKeptField],
        Field(max_length=5),
    ] = Field(default_factory=dict)
    mcp_headers: Annotated[
        Mapping[
            _Header,
            Annotated[
                str, Field(pattern=r"^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$", max_length=256)
            ],
        ],
        Field(max_length=5),
    ] = Field(default_factory=dict)
