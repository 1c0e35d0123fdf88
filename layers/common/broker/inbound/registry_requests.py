"""What builders send to the registry: a server, or the name of a preset."""

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from broker.inbound.requests import ApiRequest, Named, Shown, Text, Url
from broker.model import Draft, Kept, Secret
from broker.wire.quirks import DeclaredQuirks

type Params = Annotated[
    Mapping[
        Annotated[Text, Field(min_length=1, max_length=128)],
        Annotated[Text, Field(max_length=1024)],
    ],
    Field(max_length=20),
]
type Parameter = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
type Member = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:-]{1,128}$")]
type PresetId = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]


class PresetsRequest(ApiRequest):
    """``GET /v1/presets``."""


class PresetRequest(ApiRequest):
    """``GET /v1/presets/{preset_id}``."""

    preset_id: PresetId


class PutServerRequest(DeclaredQuirks, Named):
    """``PUT /v1/servers/{server_id}``: the whole configuration, but for omitted secrets."""

    preset: PresetId | None = None
    values: Annotated[
        Mapping[Annotated[str, Field(max_length=64)], Annotated[str, Field(max_length=253)]],
        Field(max_length=10),
    ] = Field(default_factory=dict)
    name: Annotated[Shown, Field(min_length=1, max_length=80)] | None = None
    mcp_url: Url
    auth_type: Literal["consumer_oauth", "bearer", "none"] | None = None
    client_id: Annotated[Text, Field(min_length=1, max_length=1024)] | None = None
    client_secret: Annotated[Text, Field(min_length=1, max_length=4096)] | None = Field(
        default=None, repr=False
    )
    bearer_token: (
        Annotated[str, Field(pattern=r"^[\x21-\x7e]([\x20-\x7e]{0,8190}[\x21-\x7e])?$")] | None
    ) = Field(default=None, repr=False)
    authorization_endpoint: Url | None = None
    token_endpoint: Url | None = None
    refresh_endpoint: Url | None = None
    revocation_endpoint: Url | None = None
    userinfo_endpoint: Url | None = None
    issuer: Url | None = None
    resource: Url | None = None
    authorization_response_iss_parameter_supported: bool = False
    scopes: Annotated[
        list[Annotated[str, Field(pattern=r"^[\x21\x23-\x5b\x5d-\x7e]+$", max_length=256)]],
        Field(max_length=100),
    ] = Field(default_factory=list)
    scope_separator: Literal["space", "comma", "plus", " ", ",", "+"] = "space"
    scope_parameter: Parameter = "scope"
    client_id_parameter: Parameter = "client_id"
    token_request_style: Literal[
        "form_post", "form_basic", "json_basic", "json_post", "none", "private_key_jwt", "auto"
    ] = "form_post"
    client_assertion_audience: Url | None = None
    pkce: bool = True
    extra_authorize_params: Params = Field(default_factory=dict)
    extra_token_params: Params = Field(default_factory=dict)
    extra_refresh_params: Params = Field(default_factory=dict)
    revocation_scope: Literal["grant", "token"] = "grant"
    default_expires_in: Annotated[int, Field(ge=1, le=10 * 365 * 86_400)] | None = None
    refresh_idle_days: Annotated[int, Field(ge=1, le=3650)] | None = None
    reuse_grace_seconds: Annotated[int, Field(ge=0, le=86_400)] | None = None
    access_token_field: Member | None = None
    account_field: Member | None = None
    token_header: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,64}$")] = "Authorization"
    token_scheme: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{0,32}$")] = "Bearer"

    @property
    def draft(self) -> Draft:
        """Return the configuration, in the broker's terms."""
        apart = {"server_id", "client_secret", "bearer_token", "preset", "values"}
        return Draft(
            self.model_dump(exclude=apart),
            self._secret("client_secret"),
            self._secret("bearer_token"),
            self.preset,
            self.values,
            frozenset(self.model_fields_set - apart),
        )

    @model_validator(mode="after")
    def _says_what_it_is(self) -> Self:
        if self.preset is None and (self.name is None or self.auth_type is None):
            raise ValueError("name and auth_type are required without a preset")
        return self

    def _secret(self, name: str) -> Secret | Kept | None:
        """Omitted is kept, null is removed."""
        if name not in self.model_fields_set:
            return Kept.KEPT
        value = getattr(self, name)
        return None if value is None else Secret(value)
