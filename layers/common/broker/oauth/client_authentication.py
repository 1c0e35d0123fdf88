"""How the client shows who it is, and in which form the body is sent (RFC 6749 §2.3)."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote_plus, urlencode

from broker.model import BasicEncoding, Secret, TokenRequestStyle

FORM = "application/x-www-form-urlencoded"
_JSON = "application/json"
_BASIC = (TokenRequestStyle.FORM_BASIC, TokenRequestStyle.JSON_BASIC)
_AS_JSON = (TokenRequestStyle.JSON_BASIC, TokenRequestStyle.JSON_POST)
_ASSERTION = ("client_assertion", "client_assertion_type")
_CREDENTIALS = frozenset({"client_id", "client_secret", *_ASSERTION})
JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
"""What a ``client_assertion`` of ours is (RFC 7523 §2.2)."""


class CredentialMissing(Exception):
    """The style needs a client id, secret or signing key that is not there; names it."""


@dataclass(frozen=True, slots=True)
class ClientRequest:
    """Headers and body of a POST with the client's credentials in exactly one place."""

    headers: Mapping[str, str] = field(repr=False)
    content: bytes = field(repr=False)


def client_request(
    parameters: Mapping[str, str],
    *,
    style: TokenRequestStyle,
    client_id: str | None,
    client_secret: Secret | None,
    client_id_parameter: str = "client_id",
    basic_encoding: BasicEncoding = BasicEncoding.FORM,
) -> ClientRequest:
    """Put parameters and credentials into a request, in the server's style.

    ``client_id_parameter`` is what a body calls the client id, where it is not as RFC 6749 has it.
    ``none`` is a public client: its id goes into the body, a secret nowhere (RFC 6749 §3.2.1).
    With ``private_key_jwt`` the secret is an assertion, made for this request (RFC 7523 §2.2).
    Raises CredentialMissing.
    """
    if not client_id:
        raise CredentialMissing("client_id")
    body = {name: value for name, value in parameters.items() if name not in _CREDENTIALS}
    headers = {"Accept": _JSON, "Content-Type": _JSON if style in _AS_JSON else FORM}
    if style is TokenRequestStyle.NONE:
        body[client_id_parameter] = client_id
    elif client_secret is None:
        raise CredentialMissing("client_secret" if style.takes_secret else "signing_key")
    elif style is TokenRequestStyle.PRIVATE_KEY_JWT:
        assertion = dict(zip(_ASSERTION, (client_secret.reveal(), JWT_BEARER), strict=True))
        body |= {client_id_parameter: client_id, **assertion}
    elif style in _BASIC:
        headers["Authorization"] = _basic(client_id, client_secret, basic_encoding)
    else:
        body |= {client_id_parameter: client_id, "client_secret": client_secret.reveal()}
    if style in _AS_JSON:
        return ClientRequest(headers, json.dumps(body).encode("ascii"))
    return ClientRequest(headers, urlencode(body, errors="replace").encode("ascii"))


def anonymous_request(parameters: Mapping[str, str]) -> ClientRequest:
    """Put parameters into a form that does not say who sends it."""
    headers = {"Accept": _JSON, "Content-Type": FORM}
    return ClientRequest(headers, urlencode(parameters, errors="replace").encode("ascii"))


def as_query(url: str, request: ClientRequest) -> tuple[str, ClientRequest]:
    """Turn a form request into one without a body: what it says goes into the URL's query.

    The URL may then hold secrets, as some services want it; it is not for logs.
    """
    joined = "&" if "?" in url else "?"
    said = request.content.decode("ascii")
    headers = {name: text for name, text in request.headers.items() if name != "Content-Type"}
    return (f"{url}{joined}{said}" if said else url), ClientRequest(headers, b"")


def _basic(client_id: str, client_secret: Secret, encoding: BasicEncoding) -> str:
    """Form-encode both before joining them with a colon (RFC 6749 §2.3.1), or leave them raw."""
    parts = [client_id, client_secret.reveal()]
    if encoding is BasicEncoding.FORM:
        parts = [_form_encoded(part) for part in parts]
    pair = ":".join(parts).encode(errors="replace")
    return "Basic " + base64.b64encode(pair).decode("ascii")


def _form_encoded(text: str) -> str:
    return quote_plus(text, errors="replace")
