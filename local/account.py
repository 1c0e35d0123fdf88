"""The AWS account that all of this pretends to be in."""

import os
from typing import Any

import botocore.session

ACCOUNT = "123456789012"
PARTITION = "aws"
REGION = "eu-central-1"
STACK_NAME = "local"
API_ID = "localapi"


def isolated_session() -> botocore.session.Session:
    """Return a session that reads nothing of the developer's own accounts and profiles."""
    nothing: dict[str, Any] = {
        "profile": (None, None, None, None),
        "config_file": (None, None, os.devnull, None),
        "credentials_file": (None, None, os.devnull, None),
        "region": (None, None, REGION, None),
    }
    return botocore.session.Session(session_vars=nothing)


def function_key(deployment: str, function: str) -> str:
    """Return the access key id that tells whose policy applies: that of a deployment's function."""
    return "".join(filter(str.isalnum, f"LOCAL{deployment}{function}")).upper()
