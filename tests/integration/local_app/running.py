"""Runs the small application of this folder on the local stack."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local.deployment import Deployment, Settings
from local.stack import LocalStack

TEMPLATE = Path(__file__).parent / "template.yaml"


@contextmanager
def small_stack(logs: Path, limit: int = 4) -> Iterator[LocalStack]:
    """Start the stack without the third parties."""
    folder = logs / "logs"
    with LocalStack(TEMPLATE, third_parties=False, container_limit=limit, run_folder=folder) as it:
        yield it


@contextmanager
def small_deployment(
    logs: Path, limit: int = 4, settings: Settings | None = None
) -> Iterator[Deployment]:
    """Start the stack and one deployment."""
    with small_stack(logs, limit) as stack:
        yield stack.deployment(settings=settings)
