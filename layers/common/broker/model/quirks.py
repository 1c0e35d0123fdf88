"""How a service departs from the standards, as the builder of a server declares it."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Self

from broker.templates import GapKind, GapRule

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

CLIENT_ID = "client_id"
"""What client ids are sent as (RFC 6749 §2.2), and the gap that every server's own goes into."""


class Method(StrEnum):
    """Of a request to an authorization server."""

    POST = "POST"
    GET = "GET"
    DELETE = "DELETE"


class BasicEncoding(StrEnum):
    """How client id and secret go into HTTP Basic."""

    FORM = "form"
    """Form-encoded first, as RFC 6749 §2.3.1 has it."""
    RAW = "raw"
    """As they are (RFC 7617 §2)."""


class ResourceIn(StrEnum):
    """Which requests say ``resource`` (RFC 8707 §2)."""

    BOTH = "both"
    AUTHORIZATION = "authorization_request"
    TOKEN = "token_request"
    NONE = "none"


class TokenName(StrEnum):
    """Which token of a set (RFC 7009 §2.1)."""

    REFRESH = "refresh_token"
    ACCESS = "access_token"
    EACH = "each"


class Credentials(StrEnum):
    """How a request shows who sends it."""

    SAME = "same"
    """As token requests do."""
    OMITTED = "omitted"
    """Not at all: the token speaks for itself."""
    BEARER = "bearer"
    """By the access token, as a bearer (RFC 6750 §2.1)."""
    FORM_POST = "form_post"
    FORM_BASIC = "form_basic"
    JSON_BASIC = "json_basic"
    JSON_POST = "json_post"
    NONE = "none"


class Place(StrEnum):
    """Where in a request a token stands."""

    BODY = "body"
    QUERY = "query"
    PATH = "path"
    """In the gap ``{token}`` of the URL."""


@dataclass(frozen=True, slots=True)
class RefreshRequest:
    """The request that renews a token set; RFC 6749 §6 unless told otherwise."""

    method: Method = Method.POST
    grant_type: str = "refresh_token"
    token: TokenName = TokenName.REFRESH
    """``access_token``: there is no refresh token, the access token renews itself."""
    parameter: str = "refresh_token"
    credentials: Credentials = Credentials.SAME
    min_age_seconds: int = 0
    """Younger token sets are refused; they are not renewed to see whether it works."""


@dataclass(frozen=True, slots=True)
class LongLivedExchange:
    """The request that turns the token of a code into one that lives longer, at once."""

    endpoint: str
    method: Method = Method.POST
    grant_type: str = "fb_exchange_token"
    parameter: str = "access_token"
    credentials: Credentials = Credentials.SAME


@dataclass(frozen=True, slots=True)
class RevocationRequest:
    """The request that ends a token; RFC 7009 §2.1 unless told otherwise."""

    method: Method = Method.POST
    credentials: Credentials = Credentials.SAME
    token: TokenName = TokenName.EACH
    parameter: str = "token"
    place: Place = Place.BODY

    def ends(self, token: TokenName) -> bool:
        """Say whether this kind of token is sent; a bearer is an access token."""
        wanted = TokenName.ACCESS if self.credentials is Credentials.BEARER else self.token
        return wanted in (TokenName.EACH, token)

    def first_of[Token](self, refresh: Token | None, access: Token) -> Token:
        """Return the token that ends most, of those that are sent."""
        return refresh if refresh is not None and self.ends(TokenName.REFRESH) else access


@dataclass(frozen=True, slots=True)
class RevocationShape:
    """How a server's tokens are ended: the request, how its client is written, what is a no."""

    request: RevocationRequest = RevocationRequest()
    client_id_parameter: str = CLIENT_ID
    basic_encoding: BasicEncoding = BasicEncoding.FORM
    error_field: str | None = None


class KeptFrom(StrEnum):
    """Which answer says a value that is kept."""

    TOKEN_RESPONSE = "token_response"
    CALLBACK = "callback"


@dataclass(frozen=True, slots=True)
class KeptField:
    """A value that a connection keeps from its consent, for the gaps of later URLs and headers."""

    source: KeptFrom
    field: str
    """A dotted path in the token response, or a parameter of the authorization response."""
    kind: GapKind = GapKind.SEGMENT
    hosts: tuple[str, ...] = ()
    default: str | None = None
    """Taken where the service says nothing; None: then there is no connection."""

    @property
    def rule(self) -> GapRule:
        """Return what may be kept."""
        return GapRule(self.kind, self.hosts)


@dataclass(frozen=True, slots=True)
class Quirks:
    """Everything in which a service differs; what is not said is as the RFCs have it."""

    token_response_fields: Mapping[str, str] = field(default_factory=dict)
    """Where members of a token response lie, as dotted paths by their names in RFC 6749 §5.1."""
    error_field: str | None = None
    """Where a success says that it is none; a number but 0, or a text, is an error."""
    introspection_endpoint: str | None = None
    """Asked for ``exp`` where nothing else tells a lifetime (RFC 7662)."""
    userinfo_header: str = "Authorization"
    userinfo_scheme: str = "Bearer"
    userinfo_method: Method = Method.GET
    basic_encoding: BasicEncoding = BasicEncoding.FORM
    resource_in: ResourceIn = ResourceIn.BOTH
    scope_sets: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Further scopes of the authorization request, by the parameter that says them."""
    scope_aliases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """What a token response lists in place of a scope: any of these; none: it lists nothing."""
    scope_callback_parameter: str | None = None
    """Which parameter of the authorization response lists what was granted, if no token does."""
    refresh_request: RefreshRequest = RefreshRequest()
    long_lived_exchange: LongLivedExchange | None = None
    revocation_request: RevocationRequest = RevocationRequest()
    kept_fields: Mapping[str, KeptField] = field(default_factory=dict)
    mcp_headers: Mapping[str, str] = field(default_factory=dict)
    """Sent to the MCP server besides; they may have gaps for what is kept."""

    @property
    def renews_itself(self) -> bool:
        """Say whether the access token stands in for a refresh token."""
        return self.refresh_request.token is TokenName.ACCESS

    @property
    def gap_rules(self) -> Mapping[str, GapRule]:
        """Return what may be put into which gap."""
        return {name: kept.rule for name, kept in self.kept_fields.items()}

    def lacking(self, wanted: Iterable[str], granted: Iterable[str]) -> tuple[str, ...]:
        """Return the wanted scopes that are not among those granted, under no name of theirs."""
        listed, aliases = frozenset(granted), self.scope_aliases
        unseen = [scope for scope in wanted if scope not in listed]
        return tuple(
            scope
            for scope in unseen
            if scope not in aliases or (aliases[scope] and listed.isdisjoint(aliases[scope]))
        )

    @property
    def destinations(self) -> frozenset[str]:
        """Return where a secret or a user's token goes by these: URLs, and what opens hosts."""
        said = self.decisive.items()
        return frozenset(f"{name}: {json.dumps(value, sort_keys=True)}" for name, value in said)

    @property
    def decisive(self) -> Mapping[str, Any]:
        """Return what decides where tokens go, as far as anything is declared."""
        exchange = self.long_lived_exchange
        said = {
            "introspection_endpoint": self.introspection_endpoint,
            "long_lived_exchange": exchange and exchange.endpoint,
            "kept_fields": {name: _plain(kept) for name, kept in self.kept_fields.items()},
        }
        return {name: value for name, value in said.items() if value}

    def shown(self) -> dict[str, Any]:
        """Return all of it in the terms of JSON."""
        return {each.name: _plain(getattr(self, each.name)) for each in fields(self)}

    def declared(self) -> dict[str, Any]:
        """Return what differs from the standards, in the terms of JSON."""
        usual = Quirks().shown()
        return {name: value for name, value in self.shown().items() if value != usual[name]}

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> Self:
        """Read what shown() or declared() gave, or a request that was checked for shape."""
        known = {each.name for each in fields(cls)}
        values = {name: _READERS.get(name, _as_it_is)(said[name]) for name in known & said.keys()}
        return cls(**values)


def _plain(value: Any) -> Any:
    """Return a value in the terms of JSON."""
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, Mapping):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(inner) for inner in value]
    return _plain(asdict(value)) if hasattr(value, "__dataclass_fields__") else value


_ENUMS: Mapping[str, type[StrEnum]] = {
    "method": Method,
    "token": TokenName,
    "credentials": Credentials,
    "place": Place,
    "source": KeptFrom,
    "kind": GapKind,
}


def _read[Made: DataclassInstance](kind: type[Made], said: Mapping[str, Any]) -> Made:
    """Make one of what was said; what a newer version says besides is left out."""
    names = {each.name for each in fields(kind)} & said.keys()
    values = {name: said[name] for name in names}
    enums = {name: _ENUMS[name](said[name]) for name in _ENUMS.keys() & names}
    hosts = {"hosts": tuple(said["hosts"])} if "hosts" in names else {}
    return kind(**{**values, **enums, **hosts})


def _as_it_is(said: Any) -> Any:
    return said


def _tuples(said: Mapping[str, list[str]]) -> dict[str, tuple[str, ...]]:
    return {name: tuple(texts) for name, texts in said.items()}


_READERS: Mapping[str, Any] = {
    "userinfo_method": Method,
    "basic_encoding": BasicEncoding,
    "resource_in": ResourceIn,
    "scope_sets": _tuples,
    "scope_aliases": _tuples,
    "refresh_request": lambda said: _read(RefreshRequest, said),
    "long_lived_exchange": lambda said: _read(LongLivedExchange, said) if said else None,
    "revocation_request": lambda said: _read(RevocationRequest, said),
    "kept_fields": lambda said: {n: _read(KeptField, kept) for n, kept in said.items()},
}
