"""``python -m tests.interop``: everything with everybody; ``--write`` keeps the tables."""

import argparse
import sys

from local.stack import LocalStack
from tests.interop.environments import OwnEnvironment, prepare
from tests.interop.field import played
from tests.interop.registry import CLIENTS, SERVERS
from tests.interop.run import look
from tests.interop.table import Seen, tables, write

_CONTAINERS = 12


def main() -> int:
    """Run; return the exit status."""
    options = _options()
    home, *others = SERVERS
    servers = [home, *(each for each in others if options.server in each.name)]
    clients = [each for each in CLIENTS if options.client in each.name]
    for environment in dict.fromkeys(each.environment for each in (*servers, *clients)):
        if not isinstance(environment, OwnEnvironment):
            prepare(environment)
    seen = Seen(servers, clients)
    with LocalStack(container_limit=_CONTAINERS) as stack, played(stack, servers) as field:
        print(f"logs in {stack.logs.relative_to(stack.logs.parents[1])}", flush=True)
        look(seen, field)
        seen.reasons += [f"{one.function} was refused {one.ask}" for one in stack.guard.refusals]
    if options.write and not seen.reasons:
        write(tables(seen.marks))
    print(seen.last_line())
    return 1 if seen.reasons else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.interop")
    parser.add_argument(
        "--server", default="", metavar="NAME", help="besides the first, only servers so named"
    )
    parser.add_argument("--client", default="", metavar="NAME", help="only clients so named")
    parser.add_argument("--write", action="store_true", help="write the tables of docs/interop.md")
    options = parser.parse_args()
    if options.write and (options.server or options.client):
        parser.error("--write keeps what everybody did")
    return options


if __name__ == "__main__":
    sys.exit(main())
