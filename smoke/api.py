"""The deployed API, as a stranger meets it and as a signed caller does."""

import socket
import ssl
from collections.abc import Iterator, Mapping
from typing import Any, Self
from urllib.parse import urlsplit

import certifi
import httpx

from local.telling import NotHeldError
from smoke.failures import CannotRunError, NoAnswerError, in_one_line
from smoke.signing import Signer

_TIMEOUT = httpx.Timeout(35, connect=10)
"""Seconds; the gateway itself gives up after 30."""


class Api:
    """One deployment; a context manager."""

    def __init__(self, origin: str, signer: Signer) -> None:
        self.origin = origin
        self.signer = signer
        secure = origin.startswith("https:")
        # Only a remote API may be reached through a proxy that the environment names.
        self._http = httpx.Client(
            base_url=origin, timeout=_TIMEOUT, verify=_trusted(), trust_env=secure
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def afresh(self) -> Self:
        """Return the same with connections of its own, after others were cut off."""
        return type(self)(self.origin, self.signer)

    def unsigned(self, path: str, **query: str) -> httpx.Response:
        """GET as anybody may."""
        return self._send(self._http.build_request("GET", path, params=query), None)

    def signed(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """Call as the caller.

        Raises:
            CannotRunError: nothing was sent.
            NoAnswerError: nobody knows what became of it.
        """
        request = self._http.build_request(
            method, path, json=body, params=query, headers=dict(headers or {})
        )
        return self._send(request, self.signer)

    def _send(self, request: httpx.Request, auth: Signer | None) -> httpx.Response:
        try:
            return self._http.send(request, auth=auth)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError) as exc:
            raise CannotRunError(_unreachable(self.origin, exc)) from exc
        except httpx.HTTPError as exc:
            what = f"{request.method} {request.url.path}"
            raise NoAnswerError(f"none to {what} ({type(exc).__name__})") from exc


def refusal(answer: httpx.Response, api: Api, policy: str) -> str | None:
    """Say what to do about a 403 of the gateway; None where it is something else.

    It answers the same whether a policy is missing, the credentials have expired or the signature
    is for elsewhere.
    """
    said = members(answer)
    if answer.status_code != 403 or "error" in said:
        return None
    what = f"{answer.request.method} {answer.request.url.path}"
    return (
        f"The gateway refuses {what} (403 {in_one_line(str(said.get('message', '')))}): these"
        f" credentials (found by {api.signer.found_by}, signed for {api.signer.region}) lack the"
        f" policy {policy}, have expired, or belong to another account or region than the stack."
    )


def members(answer: httpx.Response) -> dict[str, Any]:
    """Return the members of a JSON object; none where the answer is something else."""
    try:
        body = answer.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def expect_status(expected: int, answer: httpx.Response, error: str = "") -> dict[str, Any]:
    """Return the answer's members; raise NotHeldError, quoting what the API says of an error."""
    body = members(answer)
    if (answer.status_code, body.get("error", "")) == (expected, error):
        return body
    said = [str(body.get(name, "")) for name in ("error", "error_description", "message")]
    seen = in_one_line(" ".join([str(answer.status_code), *said]))
    raise NotHeldError(f"{expected} {error}".strip(), seen)


def _trusted() -> ssl.SSLContext:
    """Trust what this machine trusts (a company's proxy, too), and what certifi does."""
    context = ssl.create_default_context()
    context.load_verify_locations(cafile=certifi.where())
    return context


def _unreachable(origin: str, exc: Exception) -> str:
    host = urlsplit(origin).hostname
    for cause in _causes(exc):
        if isinstance(cause, socket.gaierror):
            return f"There is no host {host}: API must be the stack's output ApiUrl."
        if isinstance(cause, ssl.SSLError):
            why = in_one_line(getattr(cause, "verify_message", "") or cause.reason or str(cause))
            return f"{origin} cannot be trusted, TLS fails: {why}. Check API, and the way there."
    why = in_one_line(str(exc)) or type(exc).__name__
    return f"Nothing answers at {origin} ({why}): check API, and the way there."


def _causes(exc: BaseException | None) -> Iterator[BaseException]:
    while exc is not None:
        yield exc
        exc = exc.__cause__ or exc.__context__
