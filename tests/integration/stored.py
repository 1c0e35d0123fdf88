"""A world in which other code than today's has written."""

from typing import Any

from broker.model import Server
from broker.tokens import Usable
from tests.fakes.services import Grant
from tests.integration.conftest import World
from tests.shapes import read
from tests.shapes.write import known_key


class Stored:
    """A world in which earlier code has written one item of each kind."""

    def __init__(self, world: World, name: str) -> None:
        world.core = world.container(KMS_KEY_ID=known_key())
        self.world, self.core = world, world.core
        self.written = read(name)
        self.dynamodb = world.cloud.clients["dynamodb"]
        world.cloud.empty()
        for table, items in self.written["tables"].items():
            for item in items:
                self.dynamodb.put_item(TableName=table, Item=item)
        world.cloud.unversioned.clear()
        world.login.grants.append(Grant(["canary-refresh-jo-1"], ["canary-access-jo-1"]))
        [self.due], [self.rescue] = (
            self.written["queues"][name] for name in ("DueQueue", "RescueQueue")
        )

    @property
    def server(self) -> Server:
        server = self.core.servers.get("crm")
        assert server
        return server

    def token(self) -> str:
        usable = self.core.tokens.for_call(self.server, "jo", self.world.run())
        assert isinstance(usable, Usable)
        return usable.access_token.reveal()

    def items(self, table: str, **named: str) -> list[dict[str, Any]]:
        """Return the items of a table that have these attributes."""
        return [
            item
            for item in self.world.cloud.items(table)
            if all(item.get(name) == {"S": text} for name, text in named.items())
        ]

    def versions(self, table: str) -> set[str | None]:
        return {item.get("v", {}).get("N") for item in self.world.cloud.items(table)}

    def everything(self) -> dict[str, Any]:
        return {table: self.world.cloud.items(table) for table in self.written["tables"]}

    def becomes_newer(self, *tables: str) -> None:
        """Let the code of a later release have written all of these tables' items."""
        for table in tables or self.written["tables"]:
            for item in self.world.cloud.items(table):
                self.dynamodb.put_item(TableName=table, Item={**item, "v": {"N": "99"}})
