"""The caller's own AWS credentials and the stack's region, as the AWS command line finds them."""

import os
import re
from collections.abc import Generator
from urllib.parse import urlsplit

import botocore.session
import httpx
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import BotoCoreError, ClientError

from smoke.failures import CannotRunError, in_one_line

_GATEWAY = re.compile(r"[a-z0-9]+\.execute-api\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?")
_LOG_IN = (
    "Log in (aws sso login), choose a profile (AWS_PROFILE), or set AWS_ACCESS_KEY_ID,"
    " AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN."
)


class Signer(httpx.Auth):
    """Signs each request of an httpx client (Signature Version 4) for one region."""

    requires_request_body = True

    def __init__(self, credentials: Credentials, region: str) -> None:
        self._credentials = credentials
        self.region = region

    @property
    def found_by(self) -> str:
        """How botocore came by the credentials, such as `env` or `sso`."""
        return str(self._credentials.method)

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response]:
        """Sign; raise CannotRunError where temporary credentials cannot be renewed."""
        kept = {
            name: request.headers[name] for name in ("content-type",) if name in request.headers
        }
        signed = AWSRequest(request.method, str(request.url), kept, request.content)
        try:
            frozen = self._credentials.get_frozen_credentials()
            SigV4Auth(frozen, "execute-api", self.region).add_auth(signed)
        except (BotoCoreError, ClientError) as exc:
            raise CannotRunError(f"The AWS credentials are no more: {_why(exc)} {_LOG_IN}") from exc
        request.headers.update(dict(signed.headers.items()))
        yield request


def signer(api: str) -> Signer:
    """Find credentials and region; raise CannotRunError where one is missing."""
    session = botocore.session.get_session()
    try:
        credentials = session.get_credentials()
        configured = session.get_config_variable("region")
    except (BotoCoreError, ClientError) as exc:
        raise CannotRunError(f"No AWS credentials can be read: {_why(exc)} {_LOG_IN}") from exc
    if credentials is None:
        raise CannotRunError(f"There are no AWS credentials. {_LOG_IN}")
    return Signer(credentials, _region(api, configured))


def _region(api: str, configured: str | None) -> str:
    """Return the region that the gateway's own name tells, else the one that is set."""
    told = _GATEWAY.fullmatch(urlsplit(api).hostname or "")
    region = told[1] if told else os.environ.get("AWS_REGION") or configured
    if not region:
        raise CannotRunError("Set AWS_REGION to the stack's region: the address does not tell it.")
    return region


def _why(exc: Exception) -> str:
    return f"{in_one_line(str(exc)).rstrip('.')}."
