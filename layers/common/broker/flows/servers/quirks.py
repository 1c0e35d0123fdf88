"""What the declaration of a quirk may not say, however well it is formed."""

from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any

from broker.errors import AddressBlocked, InvalidServer
from broker.model import (
    CLIENT_ID,
    TEMPLATED,
    TOKEN,
    AuthType,
    KeptFrom,
    LongLivedExchange,
    Place,
    Quirks,
    RefreshRequest,
    RevocationRequest,
)
from broker.outbound import Outbound
from broker.templates import GapKind, GapRule, filled, gaps, is_listable, misplaced, samples

from .checks import HEADERS_REFUSED, OURS, SIGNS

QUIRKS = frozenset(each.name for each in fields(Quirks))
_MAYBE_JSON = frozenset({"json_basic", "json_post", "auto"})
_PREFIXES_REFUSED = ("mcp-", "proxy-", "sec-")
_OURS = frozenset({"authorization", "last-event-id", "user-agent"})
_ANY = GapRule(GapKind.SEGMENT)
_OWN = (CLIENT_ID, TOKEN)
_OF_RESPONSES = frozenset({"code", "error", "error_description", "error_uri", "iss", "state"})


def check_quirks(values: Mapping[str, Any], outbound: Outbound) -> None:
    """Raise InvalidServer naming the field that does not fit the others."""
    quirks = Quirks.of(values)
    _check_kept(quirks, values, outbound)
    _check_templates(quirks, values)
    _check_headers(quirks, values)
    _check_scope_sets(quirks, values)
    _check_requests(quirks, values)
    for name, url in _inner_urls(quirks):
        _check_url(name, filled(url, samples(quirks.gap_rules, _OWN)), outbound)


def sampled(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the values with a sample in each gap of their URLs, to be judged like any others."""
    said = samples(Quirks.of(values).gap_rules, _OWN)
    urls = {name: filled(values[name], said) for name in TEMPLATED if values.get(name)}
    return {**values, **urls}


def _check_kept(quirks: Quirks, values: Mapping[str, Any], outbound: Outbound) -> None:
    if quirks.kept_fields and values["auth_type"] != AuthType.CONSUMER_OAUTH:
        raise InvalidServer("kept_fields: only a consumer_oauth server has connections to keep in.")
    for name, kept in quirks.kept_fields.items():
        place = f"kept_fields.{name}"
        if name in (CLIENT_ID, TOKEN):
            raise InvalidServer(f"{place}: a gap of that name is filled by the broker.")
        if (kept.kind is GapKind.HOST) != bool(kept.hosts):
            raise InvalidServer(f"{place}.hosts: listed for the kind host, and for no other.")
        for host in kept.hosts:
            if not is_listable(host):
                raise InvalidServer(
                    f"{place}.hosts: {host} is neither a host name, nor *. before one"
                    " that a single party owns."
                )
            _check_url(f"{place}.hosts", f"https://{host.replace('*', 'a')}/", outbound)
        if kept.default is not None and kept.rule.admitted(kept.default) is None:
            raise InvalidServer(f"{place}.default: does not fit the kind {kept.kind.value}.")


def _check_templates(quirks: Quirks, values: Mapping[str, Any]) -> None:
    rules = {**quirks.gap_rules, CLIENT_ID: _ANY}
    in_path = quirks.revocation_request.place is Place.PATH
    with_token = "revocation_endpoint" if in_path else None
    if in_path and TOKEN not in gaps(values.get("revocation_endpoint") or "{token}"):
        raise InvalidServer("revocation_endpoint: has no {token} for the place path.")
    urls = [(name, values[name]) for name in TEMPLATED if values.get(name)]
    for name, url in [*urls, *_inner_urls(quirks)]:
        own = {TOKEN: _ANY} if name in {"userinfo_endpoint", with_token} else {}
        _check_names(name, url, {**rules, **own})
        if wrong := misplaced(url, rules):
            raise InvalidServer(
                f"{name}: {{{wrong}}} cannot stand there: a host stands alone before the path,"
                " a label before a fixed rest that one party owns."
            )
    for gap in gaps(values.get("token_endpoint")):
        if gap != CLIENT_ID and quirks.kept_fields[gap].source is not KeptFrom.CALLBACK:
            raise InvalidServer(f"token_endpoint: {{{gap}}} is known only after it has answered.")


def _check_headers(quirks: Quirks, values: Mapping[str, Any]) -> None:
    seen = {values["token_header"].lower()}
    for name, text in quirks.mcp_headers.items():
        lowered = name.lower()
        refused = lowered in HEADERS_REFUSED or lowered.startswith(_PREFIXES_REFUSED)
        if refused or lowered in seen or lowered in _OURS:
            raise InvalidServer(f"mcp_headers.{name}: this header is set by the broker, or twice.")
        seen.add(lowered)
        _check_names(f"mcp_headers.{name}", text, {**quirks.gap_rules, CLIENT_ID: _ANY})
    if quirks.userinfo_header.lower() in HEADERS_REFUSED:
        raise InvalidServer("userinfo_header: this header cannot carry a token.")


def _check_scope_sets(quirks: Quirks, values: Mapping[str, Any]) -> None:
    names = {values["scope_parameter"], values["client_id_parameter"], "resource"}
    taken = OURS | names | values["extra_authorize_params"].keys()
    separator = values["scope_separator"]
    sign = SIGNS.get(separator, separator)
    for name, scopes in quirks.scope_sets.items():
        if name in taken:
            raise InvalidServer(f"scope_sets.{name}: a parameter of that name is sent already.")
        if torn := [scope for scope in scopes if sign in scope]:
            raise InvalidServer(f"scope_sets.{name}: {torn[0]} holds the scope_separator.")
    if quirks.scope_callback_parameter in _OF_RESPONSES:
        raise InvalidServer("scope_callback_parameter: that parameter means something else.")
    for scope, others in quirks.scope_aliases.items():
        if several := [name for name in (scope, *others) if sign in name]:
            raise InvalidServer(f"scope_aliases: {several[0]} holds the scope_separator.")


def _check_requests(quirks: Quirks, values: Mapping[str, Any]) -> None:
    refresh, exchange = quirks.refresh_request, quirks.long_lived_exchange
    requests = {"refresh_request": refresh} | (
        {"long_lived_exchange": exchange} if exchange else {}
    )
    for name, request in requests.items():
        taken = (OURS | {values["client_id_parameter"]}) - {"refresh_token"}
        if request.parameter in taken:
            raise InvalidServer(f"{name}.parameter: a parameter of that name is sent already.")
        _check_method(name, request, values)
    if refresh.parameter in values["extra_refresh_params"]:
        raise InvalidServer("extra_refresh_params: the token is sent under that name already.")
    revocation = quirks.revocation_request
    _check_method("revocation_request", revocation, values)
    if revocation.parameter in OURS - {"refresh_token"}:
        raise InvalidServer("revocation_request.parameter: that name means something else.")
    if revocation.credentials == "bearer" and revocation.token == "refresh_token":
        raise InvalidServer("revocation_request.token: a bearer is an access token.")
    if quirks.basic_encoding == "raw" and ":" in (values.get("client_id") or ""):
        raise InvalidServer("basic_encoding: raw cannot tell where a client id with a colon ends.")


def _check_method(
    name: str,
    request: RefreshRequest | LongLivedExchange | RevocationRequest,
    values: Mapping[str, Any],
) -> None:
    same = request.credentials == "same"
    style = values["token_request_style"] if same else request.credentials
    if request.method == "GET" and style in _MAYBE_JSON:
        raise InvalidServer(
            f"{name}.method: GET has no body for a JSON style, which auto may come to as well;"
            " name another token_request_style."
        )


def _check_names(name: str, template: str, known: Iterable[str]) -> None:
    for gap in gaps(template):
        if gap not in known:
            raise InvalidServer(f"{name}: {{{gap[:64]}}} is not one of kept_fields.")


def _check_url(name: str, url: str, outbound: Outbound) -> None:
    try:
        outbound.check_url(url)
    except AddressBlocked as exc:
        raise InvalidServer(f"{name}: {exc}") from exc


def _inner_urls(quirks: Quirks) -> list[tuple[str, str]]:
    exchange = quirks.long_lived_exchange
    urls = {
        "introspection_endpoint": quirks.introspection_endpoint,
        "long_lived_exchange.endpoint": exchange.endpoint if exchange else None,
    }
    return [(name, url) for name, url in urls.items() if url]
