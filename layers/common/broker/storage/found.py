"""What discovery found for servers whose builders left everything but the URL to it.

One row for each, beside the server's state; its key is no ``server_id``. A row that completes its
server is never replaced while the server keeps its URL: who talks to strangers can add where
tokens go for a server that has nowhere yet, and can change it for none.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from boto3.dynamodb.conditions import Attr

from broker.model import Found, Problem, Server, Severity, TokenRequestStyle
from broker.storage import sealed
from broker.storage.table import ConditionFailed, Item, Table, moment, seconds

_PLAIN = (
    "client_id",
    "authorization_endpoint",
    "token_endpoint",
    "revocation_endpoint",
    "userinfo_endpoint",
    "issuer",
    "authorization_response_iss_parameter_supported",
)


@dataclass(frozen=True, slots=True)
class FoundStore:
    """Findings by server. Every method may raise TemporarilyUnavailable."""

    table: Table

    def get(self, server: Server) -> Found | None:
        """Read what was found for a server as it is registered: for its URL, and no other's."""
        item, _ = self.table.get(_key(server.server_id))
        return _found(server, item) if item and item["about"] == _about(server) else None

    def put(self, server: Server, found: Found) -> Found:
        """Keep it, unless somebody has completed the server meanwhile; return what stands."""
        incomplete = Attr("about").ne(_about(server)) | Attr("complete").eq(value=False)
        condition = Attr("server_id").not_exists() | incomplete
        try:
            self.table.update(
                _key(server.server_id), condition=condition, assign=_attributes(server, found)
            )
        except ConditionFailed as failed:
            if failed.item is None:
                raise
            return _found(server, failed.item)
        return found

    def forget(self, server_id: str) -> None:
        """Forget it, as with the server."""
        self.table.delete(_key(server_id))


def _key(server_id: str) -> Item:
    return {"server_id": f"{server_id}#found"}  # a server_id has no "#"


def _about(server: Server) -> str:
    """Name the server of this incarnation at this URL."""
    named = json.dumps([server.incarnation, server.mcp_url])
    return hashlib.sha256(named.encode()).hexdigest()


def _attributes(server: Server, found: Found) -> Mapping[str, Any]:
    """Return the whole row; None removes what an earlier one had."""
    complete = found.server
    return {
        "about": _about(server),
        "complete": complete is not None,
        "found_at": seconds(found.found_at),
        "problems": [
            {"code": one.code, "severity": one.severity.value, "message": one.message}
            | ({"url": one.url} if one.url else {})
            for one in found.problems
        ],
        **{name: complete and getattr(complete, name) for name in _PLAIN},
        "resource": complete and complete.resource,
        "extra_authorize_params": complete and dict(complete.extra_authorize_params),
        "scopes": complete and list(complete.scopes),
        "token_request_style": complete and complete.token_request_style.value,
        "client_secret": complete and sealed.to_item(complete.client_secret),
    }


def _found(server: Server, item: Item) -> Found:
    problems = tuple(
        Problem(each["code"], Severity(each["severity"]), each["message"], each.get("url"))
        for each in item["problems"]
    )
    found_at = moment(item["found_at"])
    if not item["complete"]:
        return Found(None, problems, found_at)
    complete = replace(
        server,
        **{name: item[name] for name in _PLAIN if name in item},
        resource=server.resource or item.get("resource"),
        scopes=server.scopes or tuple(item["scopes"]),
        extra_authorize_params={
            **item.get("extra_authorize_params", {}),
            **server.extra_authorize_params,
        },
        token_request_style=TokenRequestStyle(item["token_request_style"]),
        client_secret=sealed.from_item(item.get("client_secret")),
    )
    return Found(complete, problems, found_at)
