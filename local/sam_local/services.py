"""`make sam-services`: all that `sam local` needs besides the functions, until Ctrl-C.

It writes the template that the environment `local` of samconfig.toml names, and registers the
sample server as soon as somebody has started the API.
"""

import sys
import time
from pathlib import Path

import httpx

from local.sam_local.command import SamLocal
from local.sam_local.deployment import SamDeployment, port_is_taken
from local.sam_local.engine import Engine
from local.sample import register_sample
from local.stack import ROOT, LocalStack, origin_of

PORT = 3000
FOLDER = ROOT / ".aws-sam" / "local"
NAME = "template"
"""All three as in samconfig.toml."""
_PAUSE = 2.0


def serve(built: Path, sam: Path, engine: Engine) -> int:
    """Run the services in the foreground."""
    if port_is_taken(PORT):
        print(f"Somebody listens on port {PORT} already: end that first.", file=sys.stderr)
        return 1
    with LocalStack() as stack:
        chat = stack.start_chat(f"http://127.0.0.1:{PORT}")
        command = SamLocal(sam, engine, stack.children, stack.logs, stack.logs / "sam")
        deployment = SamDeployment(NAME, built, stack, command, PORT, FOLDER)
        return_url = f"{chat}/return"
        deployment.prepare(
            [*stack.services.origins(), origin_of(return_url)],
            AllowedReturnUrls=return_url,
            DefaultReturnUrl=return_url,
            ChatName="Lighthouse Chat",
        )
        print(_told(deployment, chat), flush=True)
        _register(stack, deployment)
        while True:
            time.sleep(3600)


def _register(stack: LocalStack, deployment: SamDeployment) -> None:
    while not _registered(stack, deployment):
        time.sleep(_PAUSE)
    print("The API answers; harbor-crm is registered. Ctrl-C ends the services.", flush=True)


def _registered(stack: LocalStack, deployment: SamDeployment) -> bool:
    if not port_is_taken(PORT):
        return False
    try:
        register_sample(stack.services, deployment)
    except httpx.HTTPError as exc:
        print(f"The sample could not be registered ({exc}); trying again.", flush=True)
        return False
    return True


def _told(deployment: SamDeployment, chat: str) -> str:
    return f"""\
The services run; in another terminal:
  sam local start-api --config-env local
  sam local invoke RefreshSchedulerFunction --config-env local -e tests/events/scheduled.json
Chat page             {chat}
API                   {deployment.url}
Authorization server  {deployment.stack.services.authorization_server}
Template              {deployment.written.relative_to(Path.cwd())}
Waiting for the API at port {deployment.port}"""
