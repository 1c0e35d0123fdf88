"""`make dev`: start everything, say where it is, run until Ctrl-C."""

import argparse
import os
import signal
import sys
from pathlib import Path
from types import FrameType

from local.choice import Choice, offer
from local.deployment import Deployment, Settings
from local.sample import register_sample
from local.stack import LocalStack

_POLL_SECONDS = 1.0


def main() -> None:
    """Run the stack in the foreground."""
    options = _options()
    choice = Choice.of(options)
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, _stop)
    with LocalStack(template=choice.template, run_folder=options.logs) as stack:
        open_mcp_server = stack.start_mcp_server("open_mcp_server", "--auth", "none")
        deployment = stack.deployment(
            chat=True,
            local_origins=[open_mcp_server],
            settings=Settings(python=choice.python),
            SessionBinding=options.session_binding,
            ChatName="Lighthouse Chat",
        )
        register_sample(stack.services, deployment)
        deployment.clockwork.start(every=options.tick, poll=_POLL_SECONDS)
        if choice.told:
            print(choice.told)
        print(_addresses(stack, deployment, open_mcp_server), flush=True)
        while True:
            signal.pause()


def _stop(_number: int, _frame: FrameType | None) -> None:
    sys.exit(0)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    offer(parser)
    parser.add_argument("--session-binding", choices=["backend", "none"], default="backend")
    parser.add_argument("--logs", type=Path, help="a folder; by default a new one under .local")
    parser.add_argument("--tick", type=float, default=60.0, help="seconds between two ticks")
    return parser.parse_args()


def _addresses(stack: LocalStack, deployment: Deployment, open_mcp_server: str) -> str:
    lines = {
        "Chat page": stack.chat_url,
        "API": deployment.url,
        "Authorization server": stack.services.authorization_server,
        "MCP servers": f"{stack.services.mcp_server}/{{tenant}}/mcp",
        "… of 2025-11-25": f"{stack.services.old_mcp_server}/{{tenant}}/mcp",
        "… open to all": f"{open_mcp_server}/{{tenant}}/mcp",
        "Tick": f"curl -X POST {deployment.control_url}/local/tick",
        "Logs": os.path.relpath(stack.logs),
    }
    for caller, key in stack.keys.items():
        lines[f"Key of {caller}"] = f"{key.access_key_id}:{key.secret}"
    width = max(map(len, lines)) + 2
    return "\n".join(f"{name:<{width}}{value}" for name, value in lines.items())


if __name__ == "__main__":
    main()
