"""AWS Signature Version 4, by botocore: for callers of the gateway, and for the gateway itself."""

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import httpx
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from local.account import REGION

SERVICE = "execute-api"
TIMESTAMP = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True, slots=True)
class AccessKey:
    """Long-term credentials of one caller."""

    access_key_id: str
    secret: str = field(repr=False)


def authorization(
    key: AccessKey, method: str, url: str, headers: Mapping[str, str], body: bytes
) -> str:
    """Return the Authorization header over exactly these headers, `x-amz-date` among them."""
    request = AWSRequest(method=method, url=url, headers=dict(headers), data=body)
    request.context["timestamp"] = headers["x-amz-date"]
    signer = SigV4Auth(Credentials(key.access_key_id, key.secret), SERVICE, REGION)
    to_sign = signer.string_to_sign(request, signer.canonical_request(request))
    names = signer.signed_headers(signer.headers_to_sign(request))
    return (
        f"AWS4-HMAC-SHA256 Credential={signer.scope(request)}, SignedHeaders={names}, "
        f"Signature={signer.signature(to_sign, request)}"
    )


class SigV4(httpx.Auth):
    """Signs each request of an httpx client."""

    requires_request_body = True

    def __init__(self, key: AccessKey) -> None:
        self._key = key

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response]:
        """Add date and signature; the body is signed, and of the headers those that matter."""
        request.headers["x-amz-date"] = datetime.now(UTC).strftime(TIMESTAMP)
        signed = ("host", "content-type", "x-amz-date")
        headers = {name: request.headers[name] for name in signed if name in request.headers}
        request.headers["authorization"] = authorization(
            self._key, request.method, str(request.url), headers, request.content
        )
        yield request
