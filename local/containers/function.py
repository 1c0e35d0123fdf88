"""A function as the containers see it, and the environment of its processes."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from local.account import ACCOUNT, REGION
from local.processes import bare_environment


@dataclass(frozen=True, eq=False)
class LambdaFunction:
    """One function of one deployment; compared by identity, since a pool may serve several."""

    label: str
    """Names it in the logs: `default-AuthorizeFunction`."""
    name: str
    folder: Path
    handler: str
    timeout: float
    memory: int
    layer: Path | None
    """A built layer, or the folder of its sources."""
    python: Path
    """The interpreter; what it has installed is what the Lambda runtime would bring."""
    access_key_id: str
    """Tells whoever judges permissions which function calls."""
    environment: Mapping[str, str] = field(repr=False)
    concurrency: int | None = None
    """How many containers it may have, as Lambda's reserved concurrency; the rest of its events
    wait. None: as many as there is room for."""

    @property
    def arn(self) -> str:
        """The ARN that an invocation names."""
        return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{self.name}"

    def process_environment(self, runtime_api: str, log_stream: str) -> dict[str, str]:
        """Return the whole environment of a container: Lambda's variables and the function's own.

        Nothing else of the developer's environment is in it, credentials and profiles least of all.
        """
        return {
            **bare_environment(),
            "AWS_ACCESS_KEY_ID": self.access_key_id,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(self.memory),
            "AWS_LAMBDA_FUNCTION_NAME": self.name,
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{self.name}",
            "AWS_LAMBDA_LOG_STREAM_NAME": log_stream,
            "AWS_LAMBDA_RUNTIME_API": runtime_api,
            "AWS_REGION": REGION,
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_SESSION_TOKEN": "local",
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "LAMBDA_TASK_ROOT": str(self.folder),
            "LANG": "en_US.UTF-8",
            "TZ": ":UTC",
            "_HANDLER": self.handler,
            **self._import_variables(),
            **self.environment,
        }

    def _import_variables(self) -> dict[str, str]:
        """Name what Lambda puts on the path: of a built layer its `python`, of sources all."""
        if self.layer and (built := self.layer / "python").is_dir():
            # On Lambda the code is read-only; here, too, a build stays as it was built.
            return {"PYTHONPATH": str(built), "PYTHONDONTWRITEBYTECODE": "1"}
        return {"PYTHONPATH": str(self.layer or "")}
