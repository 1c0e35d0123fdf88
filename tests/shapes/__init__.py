"""Items and messages as earlier code wrote them, each kind once: what today's code must read.

One file for each shape there has been, the oldest first. They are never edited. When a shape
changes, ``python -m tests.shapes.write 5-what-changed`` adds today's.
"""

import base64
import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
NAMES = sorted(path.stem for path in FOLDER.glob("*.json"))

KEY_ID = "5a9e5000-0000-4000-8000-000000000001"
KEY_MATERIAL = b"the vault's key of tests/shapes "
"""Of the key that wrapped the data keys: moto would have made one that nobody has again."""


class Bytes(json.JSONEncoder):
    """Writes bytes as DynamoDB's own JSON does."""

    def default(self, o: object) -> object:
        return base64.b64encode(o).decode() if isinstance(o, bytes) else super().default(o)


def read(name: str) -> dict[str, Any]:
    """Return ``tables`` and ``queues`` by logical id, as the clients take them."""
    text = (FOLDER / f"{name}.json").read_text(encoding="utf-8")
    written: dict[str, Any] = json.loads(text, object_hook=_binary)
    return written


def _binary(value: dict[str, Any]) -> dict[str, Any]:
    """Undo what Bytes does to ``{"B": …}``."""
    if value.keys() == {"B"} and isinstance(value["B"], str):
        return {"B": base64.b64decode(value["B"])}
    return value
