"""The registry: servers as their builders configured them."""

from dataclasses import dataclass

from boto3.dynamodb.conditions import Attr, ConditionBase, Key

from broker.errors import PreconditionFailed
from broker.model import AuthType, Quirks, RevocationScope, Server, TokenRequestStyle
from broker.storage import sealed
from broker.storage.found import FoundStore
from broker.storage.styles import StyleStore
from broker.storage.table import ConditionFailed, Item, Table, maybe_moment, seconds

_LISTED = "servers"
_PLAIN = (
    "server_id",
    "name",
    "mcp_url",
    "client_id",
    "authorization_endpoint",
    "token_endpoint",
    "refresh_endpoint",
    "revocation_endpoint",
    "userinfo_endpoint",
    "issuer",
    "resource",
    "authorization_response_iss_parameter_supported",
    "scope_separator",
    "scope_parameter",
    "client_id_parameter",
    "client_assertion_audience",
    "pkce",
    "extra_authorize_params",
    "extra_token_params",
    "extra_refresh_params",
    "default_expires_in",
    "refresh_idle_days",
    "reuse_grace_seconds",
    "access_token_field",
    "account_field",
    "preset",
    "token_header",
    "token_scheme",
    "incarnation",
    "revision",
)


@dataclass(frozen=True, slots=True)
class ServerStore:
    """Servers by ``server_id``. Every method may raise TemporarilyUnavailable."""

    table: Table
    found: FoundStore
    styles: StyleStore

    def get(self, server_id: str) -> Server | None:
        """Read one, consistently, with what was found.

        That is a client and endpoints where its builder set nothing of OAuth, and the token request
        style where that was left to us: ``auto`` itself never comes out of here.
        """
        server = self.registered(server_id)
        if server is not None and server.is_bare:
            found = self.found.get(server)
            server = found.server if found and found.server else server
        if server is None or server.token_request_style is not TokenRequestStyle.AUTO:
            return server
        return server.with_style(self.styles.get(server))

    def registered(self, server_id: str) -> Server | None:
        """Read one as its builder left it."""
        item, _ = self.table.get({"server_id": server_id})
        return _server(item) if item else None

    def put(self, server: Server, *, replaces: Server | None) -> None:
        """Write one where ``replaces`` still stands; raise PreconditionFailed."""
        condition: ConditionBase = Attr("server_id").not_exists()
        if replaces:
            condition = _stands(replaces)
        try:
            self.table.put(_item(server), condition)
        except ConditionFailed as failed:
            # Ours, if the SDK repeated a write that succeeded.
            if failed.item is None or _item(_server(failed.item)) != _item(server):
                raise _changed() from None

    def delete(self, server: Server) -> None:
        """Delete the revision that was read; raise PreconditionFailed."""
        try:
            self.table.delete({"server_id": server.server_id}, _stands(server))
        except ConditionFailed as failed:
            if failed.item:
                raise _changed() from None

    def all(self, start: str | None, limit: int) -> tuple[list[Server], str | None]:
        """Return a page in order of ``server_id``, and the id to go on after."""
        after = {"listed": _LISTED, "server_id": start} if start else None
        items, last = self.table.query(
            Key("listed").eq(_LISTED), index="by_list", limit=limit, start=after
        )
        return [_server(item) for item in items], (last["server_id"] if last else None)


def _stands(server: Server) -> ConditionBase:
    same: ConditionBase = Attr("incarnation").eq(server.incarnation)
    if not server.incarnation:
        same = same | Attr("incarnation").not_exists()  # stored before there were any
    return same & Attr("revision").eq(server.revision)


def _changed() -> PreconditionFailed:
    return PreconditionFailed("The server was changed meanwhile. Read it again.")


def _item(server: Server) -> Item:
    item: Item = {name: getattr(server, name) for name in _PLAIN}
    item |= {
        "listed": _LISTED,
        "auth_type": server.auth_type.value,
        "client_secret": sealed.to_item(server.client_secret),
        "bearer_token": sealed.to_item(server.bearer_token),
        "scopes": list(server.scopes),
        "token_request_style": server.token_request_style.value,
        "revocation_scope": server.revocation_scope.value,
        "quirks": server.quirks.declared() or None,
        "created_at": seconds(server.created_at),
        "updated_at": seconds(server.updated_at),
    }
    return {name: value for name, value in item.items() if value is not None}


def _server(item: Item) -> Server:
    known = {name: item[name] for name in _PLAIN if name in item}
    return Server(
        **known,
        auth_type=AuthType(item["auth_type"]),
        client_secret=sealed.from_item(item.get("client_secret")),
        bearer_token=sealed.from_item(item.get("bearer_token")),
        scopes=tuple(item["scopes"]),
        token_request_style=TokenRequestStyle(item["token_request_style"]),
        revocation_scope=RevocationScope(item["revocation_scope"]),
        quirks=Quirks.of(item.get("quirks", {})),
        created_at=maybe_moment(item.get("created_at")),
        updated_at=maybe_moment(item.get("updated_at")),
    )
