"""What clients send, as Authlib on Flask reads it: form fields under their RFC names.

Authlib on Flask reads no JSON bodies, and knows no service that calls the client_id client_key.
"""

import io
import json
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

WAS_JSON = "local.body_was_json"
CLIENT_PARAMETER = "local.client_parameter"
RENAMED = "client_key"

type Fields = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class RequestForms:
    """WSGI middleware for the endpoints that OAuth clients use."""

    app: WSGIApplication
    paths: frozenset[str]

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Rewrite query and body; leave in the environment what they were."""
        if environ["PATH_INFO"] in self.paths:
            environ[CLIENT_PARAMETER] = "client_id"
            environ["QUERY_STRING"] = _rename(environ, parse_qsl(environ["QUERY_STRING"], True))
            if environ["REQUEST_METHOD"] == "POST":
                _rewrite_body(environ)
        return self.app(environ, start_response)


def _rename(environ: WSGIEnvironment, fields: Fields) -> str:
    names = {name for name, _ in fields}
    if RENAMED in names and "client_id" not in names:
        environ[CLIENT_PARAMETER] = RENAMED
        fields = [("client_id" if name == RENAMED else name, value) for name, value in fields]
    return urlencode(fields)


def _rewrite_body(environ: WSGIEnvironment) -> None:
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    content_type = environ.get("CONTENT_TYPE", "").partition(";")[0].strip().lower()
    environ[WAS_JSON] = content_type == "application/json"
    fields = _members(body) if environ[WAS_JSON] else parse_qsl(body.decode("latin-1"), True)
    form = _rename(environ, fields).encode()
    environ["wsgi.input"] = io.BytesIO(form)
    environ["CONTENT_LENGTH"] = str(len(form))
    environ["CONTENT_TYPE"] = "application/x-www-form-urlencoded"


def _members(body: bytes) -> Fields:
    try:
        members = json.loads(body)
    except ValueError:
        return []
    if not isinstance(members, dict):
        return []
    return [(name, str(value)) for name, value in members.items() if value is not None]
