"""The broker's client, whole: requests signed with your AWS credentials, errors with a name."""

from collections.abc import Generator
from typing import Any
from urllib.parse import quote, urlencode

import botocore.session
import httpx
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

type Json = dict[str, Any]


class BrokerError(Exception):
    """The broker refused: `error` is its code; the gateway's own refusals have none."""

    def __init__(self, response: httpx.Response) -> None:
        is_json = response.headers.get("Content-Type", "").startswith("application/json")
        body: Json = response.json() if is_json else {}
        self.error: str = body.get("error", "")
        self.request_id: str = body.get("request_id", "")
        self.retry_after: str | None = response.headers.get("Retry-After")
        super().__init__(f"{response.status_code} {self.error}: {body.get('error_description')}")


class SigV4(httpx.Auth):
    """Signs each request for API Gateway (AWS_IAM) with the credentials that botocore finds."""

    requires_request_body = True

    def __init__(self, region: str) -> None:
        credentials = botocore.session.get_session().get_credentials()
        if credentials is None:
            raise LookupError("botocore finds no AWS credentials.")
        self._credentials, self._region = credentials, region

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response]:
        """Sign method, URL and body."""
        signed = AWSRequest(request.method, str(request.url), data=request.content)
        credentials = self._credentials.get_frozen_credentials()
        SigV4Auth(credentials, "execute-api", self._region).add_auth(signed)
        request.headers.update(dict(signed.headers.items()))
        yield request


class Broker:
    """Raises BrokerError, and httpx.TransportError when no answer came. Safe between threads."""

    def __init__(self, url: str, region: str) -> None:
        self._http = httpx.Client(base_url=url, auth=SigV4(region), timeout=35)

    def invoke(self, user_id: str, server_id: str, tool: str, arguments: Json, **more: str) -> Json:
        """Run a tool as the user; `status` tells whether it ran or the user must connect first."""
        call = {"user_id": user_id, "server_id": server_id, "tool": tool, "arguments": arguments}
        return self._send("POST", "invoke", call | more)

    def complete(self, user_id: str, server_id: str, connect_id: str, code: str) -> Json:
        """Confirm that it is this user's browser that came back; the connection becomes active."""
        body = {"user_id": user_id, "connect_id": connect_id, "completion_code": code}
        return self._send("POST", f"connections/{quote(server_id, '')}/complete", body)

    def connections(self, user_id: str, server_id: str | None = None) -> Json:
        """Return the user's connections, or the one to a server."""
        path = f"connections/{quote(server_id, '')}" if server_id else "connections"
        return self._send("GET", path, user_id=user_id)

    def disconnect(self, user_id: str, server_id: str) -> Json:
        """End a connection; `revocation` tells what the service said to it."""
        return self._send("DELETE", f"connections/{quote(server_id, '')}", user_id=user_id)

    def _send(self, method: str, path: str, body: Json | None = None, **query: str) -> Json:
        # SigV4 signs the query as RFC 3986 writes it: a blank is %20, never a plus sign.
        url = f"/v1/{path}?{urlencode(query, quote_via=quote, safe='')}".rstrip("?")
        response = self._http.request(method, url, json=body)
        if not response.is_success:
            raise BrokerError(response)
        answer: Json = response.json()
        return answer
