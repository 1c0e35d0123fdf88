"""One service: how a server of it is configured, and what its builder should know."""

import re
from collections.abc import Container, Iterator, Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from broker.errors import InvalidServer
from broker.templates import GapKind, GapRule, filled, samples
from broker.wire import Wire
from broker.wire.quirks import DeclaredQuirks

from .value import PresetValue, ValueRefused

_GAP = re.compile(r"\{([^{}]*)\}")
_URL = re.compile(r"https://[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+(?:/[A-Za-z0-9\-._~:/?&=@,%]*)?")
_NAME = r"^[a-z][a-z0-9_]{0,30}$"

type Template = Annotated[str, Field(pattern=r"^https://[^\s#@\\]+(/[^\s#\\]*)?$", max_length=500)]
type Parameter = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
type Member = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:-]{1,128}$")]
type Page = Annotated[str, Field(pattern=r"^https://[^\s@\\]+$", max_length=500)]
type Line = Annotated[str, Field(min_length=1, max_length=500, pattern=r"^[^\x00-\x1f]+$")]
type Params = Mapping[
    Parameter,
    Annotated[str, Field(max_length=256, pattern=r"^[^\x00-\x1f]*$")],
]


class _Strict(Wire):
    """Ours, not a stranger's: an unknown key is a slip of the pen."""

    model_config = ConfigDict(extra="forbid", strict=False)


class PresetServer(DeclaredQuirks, _Strict):
    """Fields of a server. URLs and extra parameters may hold ``{gaps}`` for the preset's values.

    Gaps that are named like kept fields, or ``client_id``, stay: connections fill them.
    """

    authorization_endpoint: Template
    token_endpoint: Template
    refresh_endpoint: Template | None = None
    revocation_endpoint: Template | None = None
    userinfo_endpoint: Template | None = None
    token_request_style: Literal["form_post", "form_basic", "json_basic", "json_post", "none"]
    pkce: bool
    scope_separator: Literal["space", "comma", "plus"]
    scope_parameter: Parameter = "scope"
    client_id_parameter: Parameter = "client_id"
    extra_authorize_params: Params = Field(default_factory=dict)
    extra_token_params: Params = Field(default_factory=dict)
    extra_refresh_params: Params = Field(default_factory=dict)
    access_token_field: Member | None = None
    account_field: Member | None = None

    @property
    def later(self) -> Mapping[str, GapRule]:
        """Return the gaps that connections fill."""
        kept = {
            name: GapRule(GapKind(field.kind), tuple(field.hosts))
            for name, field in self.kept_fields.items()
        }
        return kept | dict.fromkeys(("client_id", "token"), GapRule(GapKind.SEGMENT))

    def set_fields(self) -> Mapping[str, Any]:
        """Return what the preset sets; what it leaves out stays as the API has it by default."""
        return self.model_dump(exclude_unset=True, exclude_none=True)


class PresetScope(_Strict):
    """A scope, as the service spells it, and what it lets the holder do."""

    name: Annotated[str, Field(pattern=r"^[\x21\x23-\x5b\x5d-\x7e]+$", max_length=256)]
    gives: Line
    default: bool = False
    """Whether it is asked for where the builder names no scopes."""


class Lifetimes(_Strict):
    """How long tokens live, as far as it is known; what is absent is unknown, not unlimited."""

    access_token_seconds: Annotated[int, Field(ge=1)] | None = None
    access_token_ends: bool | None = None
    """False: it serves until it is revoked."""
    refresh_token: Literal["always", "on_request", "setting", "never"] | None = None
    """Whether one comes: with every consent, by a parameter or scope, by a setting of the app."""
    refresh_token_rotates: Literal["yes", "no", "setting"] | None = None
    refresh_token_idle_days: Annotated[int, Field(ge=1, le=3650)] | None = None
    """Unused for so long, it ends."""
    refresh_token_absolute_days: Annotated[int, Field(ge=1)] | None = None
    """It ends so long after the consent, used or not."""

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        idle, absolute = self.refresh_token_idle_days, self.refresh_token_absolute_days
        if self.access_token_ends is False and self.access_token_seconds:
            raise ValueError("an access token that never ends has no lifetime")
        if self.refresh_token == "never" and (idle or absolute or self.refresh_token_rotates):
            raise ValueError("a refresh token that never comes neither ends nor rotates")
        if idle and absolute and idle > absolute:
            raise ValueError("a refresh token cannot be idle for longer than it lives")
        return self


class Preset(_Strict):
    """A service of the catalogue. ``preset_id`` is the name of its file."""

    preset_id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
    version: Annotated[int, Field(ge=1)]
    """Goes up with every change of the file."""
    name: Annotated[str, Field(min_length=1, max_length=80)]
    console: Page | None = None
    """Where the builder registers the app and enters the redirect URI."""
    sources: Annotated[tuple[Page, ...], Field(min_length=1)]
    server: PresetServer
    values: Mapping[Annotated[str, Field(pattern=_NAME)], PresetValue] = Field(default_factory=dict)
    scopes: tuple[PresetScope, ...] = ()
    lifetimes: Lifetimes = Lifetimes()
    notes: tuple[Line, ...] = ()

    def filled(self, values: Mapping[str, str], given: Container[str]) -> dict[str, Any]:
        """Return the fields of a server that the preset sets, other than those in ``given``.

        A value is needed only where a field that is not given has its gap. Raises InvalidServer
        naming the value (``values.subdomain: …``).
        """
        if unknown := [name for name in values if name not in self.values]:
            known = ", ".join(self.values) or "none"
            raise InvalidServer(f"values.{_shown(unknown[0])}: the preset's values are: {known}.")
        for name, text in values.items():
            self._text_for(name, text)
        fields = dict(self.server.set_fields())
        if scopes := [scope.name for scope in self.scopes if scope.default]:
            fields["scopes"] = scopes
        if self.lifetimes.refresh_token_idle_days:
            fields["refresh_idle_days"] = self.lifetimes.refresh_token_idle_days
        return {k: self._resolved(v, values) for k, v in fields.items() if k not in given}

    def _resolved(self, field: Any, values: Mapping[str, str]) -> Any:
        if isinstance(field, str):
            return _GAP.sub(lambda gap: self._value(gap[1], values), field)
        if isinstance(field, Mapping):
            return {name: self._resolved(text, values) for name, text in field.items()}
        return field

    def _value(self, name: str, values: Mapping[str, str]) -> str:
        if name in self.server.later:
            return f"{{{name}}}"
        value = self.values[name]
        given = values.get(name, value.default)
        if given is None:
            raise InvalidServer(
                f"values.{name}: required, such as {value.example}. {value.description}"
            )
        return self._text_for(name, given)

    def _text_for(self, name: str, given: str) -> str:
        try:
            return self.values[name].text_for(given)
        except ValueRefused as exc:
            raise InvalidServer(f"values.{name}: {exc}.") from None

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        gaps = {gap for text in _texts(self.server.set_fields()) for gap in _GAP.findall(text)}
        later = self.server.later
        if clash := later.keys() & self.values.keys():
            raise ValueError(f"a value and a kept field have one name: {sorted(clash)}")
        gaps -= later.keys()
        if gaps != self.values.keys():
            raise ValueError(f"gaps and values differ: {sorted(gaps ^ self.values.keys())}")
        names = [scope.name for scope in self.scopes]
        separator = {"space": " ", "comma": ",", "plus": "+"}[self.server.scope_separator]
        if len(set(names)) != len(names) or any(separator in name for name in names):
            raise ValueError("a scope comes twice, or holds the separator")
        examples = {name: value.example for name, value in self.values.items()}
        for name, field in self.filled(examples, ()).items():
            is_url = name.endswith("_endpoint")
            if is_url and not _URL.fullmatch(filled(field, samples(later))):
                raise ValueError(f"{name}: not a URL once its gaps are filled")
        return self


def _texts(field: Any) -> Iterator[str]:
    if isinstance(field, str):
        yield field
    elif isinstance(field, Mapping):
        for inner in field.values():
            yield from _texts(inner)


def _shown(name: str) -> str:
    """Return a name from the request as far as it is fit to be repeated."""
    return "".join(c for c in name[:64] if c.isascii() and (c.isalnum() or c in "_-"))
