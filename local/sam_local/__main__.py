"""`make sam-local` and `make sam-services`: see the package's docstring."""

import argparse
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from types import FrameType

from local.demo import walk
from local.demo.journey import RETURN_URL
from local.demo.neighbours import neighbours
from local.demo.stage import CHAT_NAME, Stage, set_out
from local.sam_local import services
from local.sam_local.command import SamLocal
from local.sam_local.deployment import SamDeployment, free_port
from local.sam_local.engine import Engine, NoEngineError, find_engine
from local.stack import LocalStack, new_run_folder, origin_of
from local.telling import Teller

_TITLE = "`sam local` starts"


def main() -> int:
    """Do what the command line says; return the exit status, 2 without a container engine."""
    options = _options()
    try:
        engine = find_engine()
    except NoEngineError as exc:
        print(exc, file=sys.stderr)
        return 2
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    if options.what == "services":
        return services.serve(options.built, options.sam, engine)
    if options.what == "engine":
        print(f"{engine.name} {engine.version} at {engine.socket}")
        return 0
    return walk.walked(
        Teller("sam local"), _TITLE, partial(_raised, options, engine), partial(_started, engine)
    )


@contextmanager
def _raised(
    options: argparse.Namespace, engine: Engine, logs: Callable[[str], None]
) -> Iterator[Stage]:
    run = new_run_folder()
    logs(str(run))
    # An issuer has one name: the one by which containers reach this machine.
    stack_of_the_run = LocalStack(run_folder=run / "logs", login_host=engine.host)
    with neighbours() as others, stack_of_the_run as stack, ExitStack() as running:
        sam = SamLocal(options.sam.absolute(), engine, stack.children, stack.logs, run / "sam")
        origins = [*stack.services.origins(), *others.origins(), origin_of(RETURN_URL)]
        bound, unbound = [
            SamDeployment(name, options.built, stack, sam, free_port(), run / "templates")
            for name in ("bound", "unbound")
        ]
        for deployment, parameters in (
            (bound, {"AllowedReturnUrls": RETURN_URL, "DefaultReturnUrl": RETURN_URL}),
            (unbound, {"SessionBinding": "none"}),
        ):
            running.callback(deployment.close)
            deployment.prepare(origins, ChatName=CHAT_NAME, **parameters)
            deployment.open()
        yield running.enter_context(set_out(stack, others, bound, unbound))


def _started(engine: Engine, stage: Stage, seconds: float) -> str:
    count = len(stage.bound.deployment.functions)
    engine_is = f"{engine.name} {engine.version}"
    return f"{count} functions at {stage.bound.deployment.url}, in {seconds:.1f} s; {engine_is}"


def _stop(number: int, _frame: FrameType | None) -> None:
    for other in (signal.SIGINT, signal.SIGTERM):
        signal.signal(
            other, signal.SIG_IGN
        )  # one is enough, and the way out is not to be cut short
    sys.exit(128 + number)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local.sam_local", description=__doc__)
    parser.add_argument("what", choices=["engine", "services", "walk"])
    parser.add_argument("--built", type=Path, help="the template that `sam build` wrote")
    parser.add_argument("--sam", type=Path, help="the SAM command line")
    options = parser.parse_args()
    if options.what != "engine" and not (options.built and options.sam):
        parser.error(f"{options.what} needs --built and --sam")
    return options


if __name__ == "__main__":
    sys.exit(main())
