"""`make sam-services`: all that `sam local` needs besides the functions, until Ctrl-C.

It writes the template that the environment `local` of samconfig.toml names, and registers the
sample server as soon as somebody has started the API.
"""

import time
from pathlib import Path

from local.sam_local.command import SamLocal
from local.sam_local.deployment import SamDeployment
from local.sam_local.engine import Engine
from local.sample import register_sample
from local.stack import LocalStack, origin_of

PORT = 3000
"""As in samconfig.toml."""
NAME = "template"


def serve(built: Path, sam: Path, engine: Engine) -> int:
    """Run the services in the foreground."""
    with LocalStack() as stack:
        chat = stack.start_chat(f"http://127.0.0.1:{PORT}")
        command = SamLocal(sam, engine, stack.children, stack.logs, stack.logs)
        deployment = SamDeployment(NAME, built, stack, command, PORT)
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
    while not deployment.listens:
        time.sleep(0.5)
    register_sample(stack.services, deployment)
    print("The API answers; harbor-crm is registered. Ctrl-C ends the services.", flush=True)


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
