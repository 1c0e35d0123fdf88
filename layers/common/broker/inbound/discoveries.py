"""What discovery found, and what we say of our own clients, as JSON."""

from collections.abc import Mapping

from aws_lambda_powertools.event_handler import Response

from broker.inbound.answers import Body, json_answer, server, written_time
from broker.inbound.styles import style_found
from broker.model import ClientSource, Discovered, Found, Problem, Resemblance, Server

_CONFIGURED, _DEFAULT = "configured", "default"
_OURS = frozenset(
    {
        "server_id",
        "has_client_secret",
        "has_bearer_token",
        "redirect_uri",
        "jwks_uri",
        "missing",
        "created_at",
        "updated_at",
    }
)
"""What a server's representation has and a PUT does not take."""
_FOUND = (
    "issuer",
    "authorization_endpoint",
    "token_endpoint",
    "revocation_endpoint",
    "userinfo_endpoint",
    "resource",
    "client_id",
    "token_request_style",
)
_WITHOUT_SECRET = frozenset(
    {ClientSource.CLIENT_ID_METADATA_DOCUMENT, ClientSource.DYNAMIC, ClientSource.NOT_NEEDED}
)


def discovered(outcome: Discovered, base_url: str) -> Body:
    """Return the server as it can be PUT, the source of each value, and what is wrong."""
    whole = server(outcome.server, base_url)
    proposed = {k: v for k, v in whole.items() if k not in _OURS and v is not None}
    proposed.pop("preset", None)  # it would fill in what discovery left out
    if outcome.client in _WITHOUT_SECRET and outcome.server.client_secret is None:
        proposed["client_secret"] = None  # a secret of another client is not kept
    known = outcome.server.server_id
    return {
        "ready": outcome.ready,
        "server_id": known or None,
        "server": proposed,
        "sources": _sources(proposed, outcome, base_url),
        "client": outcome.client.value,
        "redirect_uri": whole["redirect_uri"] if known else None,
        "missing": whole["missing"],
        "problems": [_problem(problem) for problem in outcome.problems],
        "resembles": [_resemblance(like) for like in outcome.resembles],
    }


def registered_server(registered: Server, found: Found | None, base_url: str) -> Body:
    """Return a server as its builder left it, and what was found out beside."""
    return {
        **server(registered, base_url),
        "discovered": found and _first_use(found, base_url),
        "token_request_style_found": style_found(registered),
    }


def client_document(metadata: Mapping[str, object]) -> Response[str]:
    """Return what we publish of a client: metadata, keys; it may be kept for a few minutes."""
    return json_answer(metadata, headers={"Cache-Control": "public, max-age=300"})


def _sources(proposed: Body, outcome: Discovered, base_url: str) -> Body:
    """Say of every proposed field where its value comes from."""
    bare = Server("", "", "", outcome.server.auth_type)
    usual = {**server(bare, base_url), "client_secret": None}
    sources: Body = {}
    for name, value in proposed.items():
        known = _DEFAULT if value == usual[name] else _CONFIGURED
        sources[name] = outcome.sources.get(name, known)
    if "client_secret" in proposed:
        sources["client_secret"] = outcome.client.value
    return sources


def _resemblance(like: Resemblance) -> Body:
    return {
        "preset_id": like.preset_id,
        "name": like.name,
        "by": like.by,
        "values": dict(like.values),
    }


def _first_use(found: Found, base_url: str) -> Body:
    complete = server(found.server, base_url) if found.server else {}
    return {
        "ready": found.server is not None,
        "found_at": written_time(found.found_at),
        **{name: complete.get(name) for name in _FOUND},
        "scopes": complete.get("scopes", []),
        "extra_authorize_params": complete.get("extra_authorize_params", {}),
        "problems": [_problem(problem) for problem in found.problems],
    }


def _problem(problem: Problem) -> Body:
    return {
        "code": problem.code,
        "severity": problem.severity.value,
        "message": problem.message,
        "url": problem.url,
    }
