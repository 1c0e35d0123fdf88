"""Cannot even be imported."""

from typing import Any

raise RuntimeError("no configuration")


def lambda_handler(event: dict[str, Any], context: Any) -> None: ...
