"""The ways in which real services differ, one set of switches for each client."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

type Mode = Literal[
    "normal", "hang", "drip", "html", "500", "429", "close", "huge", "nonsense", "redirect"
]


class Switches(BaseModel):
    """The defaults are a service that follows the RFCs; an unknown switch is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    # The authorization endpoint
    require_pkce: bool = True
    send_iss: bool = True
    wrong_iss: str = ""
    """Sent in place of the issuer, when not empty."""
    deny: bool = False
    """The next request that reaches the consent page is denied; then the switch is off again."""
    needs_approval: bool = False
    """An administrator has to approve the app first: whoever consents is told access_denied."""
    refuse_pkce: bool = False
    """Know no PKCE, and call its parameters invalid."""
    opener_policy: bool = False
    """Send Cross-Origin-Opener-Policy: same-origin with the pages."""
    scope_separator: Literal["space", "comma", "plus"] = "space"
    client_id_parameter: Literal["client_id", "client_key"] = "client_id"
    """How the service calls it at all its endpoints (TikTok: client_key)."""
    refuse_resource: bool = False
    """Answer the ``resource`` parameter of RFC 8707 with invalid_target."""
    granted_scopes: list[str] | None = None
    """What the person grants, whatever was asked for."""
    extra_callback_params: dict[str, str] = Field(default_factory=dict)
    """Added to a successful response (QuickBooks: realmId)."""
    code_lifetime: int = 120

    # What is issued
    access_token_lifetime: int = 3600
    jwt_access_token: bool = False
    id_token: bool = True
    id_token_claims: dict[str, Any] = Field(default_factory=dict)
    """Override claims; null leaves one out."""
    omit_refresh_token: bool = False
    refresh_token_needs: dict[str, str] = Field(default_factory=dict)
    """Parameters of the authorization request without which no refresh token is issued
    (Google: access_type=offline; for ``scope`` it is enough to be among them)."""
    rotate: bool = True
    echo_refresh_token: bool = False
    """Without rotation: repeat the refresh token in the answer."""
    reuse_grace_seconds: float = 0
    rotation_kills_access_token: bool = False
    """The previous access token dies with the refresh (GitHub Apps)."""
    revocation_scope: Literal["token", "grant", "user"] = "grant"
    """What one revoked token takes with it: nothing, its grant, all of the user's grants."""

    # How the token endpoint answers
    grant_types: list[str] = Field(default_factory=lambda: ["authorization_code", "refresh_token"])
    """What the app may use; another one is unauthorized_client."""
    clock_offset_seconds: int = 0
    """How far the service's clock is ahead, as its Date header shows it."""
    expires_in_form: Literal["number", "string", "absent", "zero", "absolute"] = "number"
    body_form: Literal["json", "form", "by_accept"] = "json"
    """``by_accept``: form-encoded unless the request accepts JSON (GitHub)."""
    omit_scope: bool = False
    nested_tokens: bool = False
    """The tokens lie under ``authed_user`` (Slack)."""
    extra_token_fields: dict[str, Any] = Field(default_factory=dict)
    """Added to a successful answer (Salesforce: instance_url)."""
    error_status_200: bool = False
    """Errors come with status 200 and ``"ok": false`` (Slack)."""
    error_status: int | None = None
    """Errors come with this status (Atlassian: 403)."""
    error_codes: dict[str, str] = Field(default_factory=dict)
    """Other names for the codes (GitHub: {"invalid_grant": "bad_refresh_token"})."""
    basic_encoding: Literal["any", "form", "raw"] = "any"
    """Which reading of id and secret in a Basic header counts (RFC 6749 §2.3.1 says form)."""
    token_endpoint_mode: Mode = "normal"
    mode_count: int | None = Field(default=None, ge=1)
    """How many requests the mode lasts; null is for ever."""
    mode_processes: bool = False
    """The request is carried out all the same and only its answer is lost (drip always does)."""
    retry_after: str = "2"
    redirect_to: str = "/elsewhere"

    # The other endpoints
    revocation_mode: Literal["normal", "500", "unsupported"] = "normal"
    userinfo_mode: Literal["normal", "hang", "html", "500", "empty", "forbidden"] = "normal"
    userinfo_claims: dict[str, Any] = Field(default_factory=dict)
    """Override claims; null leaves one out."""
