"""The control interface for tests: register clients, flip switches, kill grants, read the log.

It answers on ``http://127.0.0.1:PORT/control/`` alone, never under the public name, so that no page
in a browser reaches it. Bodies are JSON; an error is ``{"error": …, "error_description": …}``.

==========================================  ====================================================
``POST /clients``                           ``{client_id, client_secret?, redirect_uris, style,
                                            scopes, name?, jwks_uri?}`` registers; 201
``DELETE /clients/{client_id}``             forgets a client with its grants and tokens; 204
``GET``, ``PATCH …/{client_id}/switches``   see ``switches``; both answer with all of them
``POST /grants``                            ``{client_id, username, scope?, resource?}`` → the
                                            token response that a consent would have led to
``GET /grants?client_id=``                  what was granted, and the live refresh tokens
``POST /grants/revoke``                     ``{client_id, username}`` → ``{"revoked": n}``
``POST /tokens/expire``                     ``{client_id, username}`` → ``{"expired": n}``
``GET``, ``DELETE /token-requests``         ``?client_id=``: the log, see ``request_log``
==========================================  ====================================================
"""

from dataclasses import dataclass
from typing import Any, Self

from flask import Blueprint, Flask, Response, abort, jsonify, request
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from werkzeug.exceptions import HTTPException

from .oauth import Server
from .people import PEOPLE
from .records import Client, Grant, Style, fingerprint
from .store import Store
from .switches import Switches


class Registration(BaseModel):
    """A client to register."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    client_id: str
    client_secret: str | None = None
    redirect_uris: list[str]
    style: Style = Style.FORM_POST
    scopes: list[str] = []
    name: str = ""
    jwks_uri: str | None = None

    @model_validator(mode="after")
    def _secret_fits_style(self) -> Self:
        without = self.style in (Style.NONE, Style.PRIVATE_KEY_JWT)
        if without != (self.client_secret is None):
            raise ValueError("style none goes without a client_secret, the others with one")
        if (self.style is Style.PRIVATE_KEY_JWT) != (self.jwks_uri is not None):
            raise ValueError("style private_key_jwt goes with a jwks_uri, the others without")
        return self


class Owner(BaseModel):
    """Whose grant it is, and for which client."""

    model_config = ConfigDict(extra="forbid")

    client_id: str
    username: str
    scope: str | None = None
    resource: str | None = None


@dataclass(frozen=True, slots=True)
class Control:
    """The routes under /control."""

    store: Store
    server: Server

    def register(self, app: Flask) -> None:
        """Add the routes, guarded."""
        routes = Blueprint("control", __name__, url_prefix="/control")
        routes.before_request(only_on_loopback_address)
        routes.register_error_handler(ValidationError, _invalid)
        routes.register_error_handler(HTTPException, _failed)
        client = "/clients/<client_id>"
        rule = routes.add_url_rule
        rule("/clients", view_func=self.register_client, methods=["POST"])
        rule(client, view_func=self.forget_client, methods=["DELETE"])
        rule(f"{client}/switches", view_func=self.switches, methods=["GET", "PATCH"])
        rule("/grants", view_func=self.grants, methods=["GET"])
        rule("/grants", view_func=self.open_grant, methods=["POST"])
        rule("/grants/revoke", view_func=self.revoke, methods=["POST"])
        rule("/tokens/expire", view_func=self.expire, methods=["POST"])
        rule("/token-requests", view_func=self.token_requests, methods=["GET", "DELETE"])
        app.register_blueprint(routes)

    def register_client(self) -> tuple[Response, int]:
        """Register or replace a client."""
        registration = Registration.model_validate(request.get_json())
        self.store.register(Client(**dict(registration)))
        return jsonify(registration.model_dump(exclude={"client_secret"})), 201

    def forget_client(self, client_id: str) -> tuple[str, int]:
        """Remove a client and everything of it."""
        self.store.forget(client_id)
        return "", 204

    def switches(self, client_id: str) -> Response:
        """Show a client's switches; PATCH changes the named ones first."""
        client = self._client(client_id)
        if request.method == "PATCH":
            with self.store.lock:
                merged = client.switches.model_dump() | request.get_json()
                client.switches = Switches.model_validate(merged)
        return jsonify(client.switches.model_dump())

    def grants(self) -> Response:
        """List what was granted to a client."""
        client = self._client(request.args["client_id"])
        with self.store.lock:
            return jsonify(grants=[self._shown(grant) for grant in self.store.grants_of(client)])

    def _shown(self, grant: Grant) -> dict[str, Any]:
        refresh_tokens = [
            fingerprint(token.value)
            for token in self.store.tokens_of(grant)
            if token.kind == "refresh" and not token.is_revoked() and token.spent_at is None
        ]
        return {
            "grant_id": grant.grant_id,
            "username": grant.person.username,
            "scope": grant.scope,
            "alive": grant.alive,
            "refresh_tokens": refresh_tokens,
        }

    def open_grant(self) -> Response:
        """Issue tokens as if the person had consented."""
        owner = Owner.model_validate(request.get_json())
        client = self._client(owner.client_id)
        scope = " ".join(client.scopes) if owner.scope is None else owner.scope
        with self.store.lock:
            grant = self.store.open_grant(
                client, _username(owner), scope, owner.resource, offline=True
            )
            answer = self.server.generate_token(
                "authorization_code", client, user=grant.person, scope=scope
            )
            self.store.add_tokens(grant, answer, owner.resource)
        return jsonify(answer)

    def revoke(self) -> Response:
        """Kill a person's grants for a client."""
        owner = Owner.model_validate(request.get_json())
        revoked = self.store.revoke(self._client(owner.client_id), _username(owner))
        return jsonify(revoked=revoked)

    def expire(self) -> Response:
        """Let a person's access tokens expire now."""
        owner = Owner.model_validate(request.get_json())
        expired = self.store.expire(self._client(owner.client_id), _username(owner))
        return jsonify(expired=expired)

    def token_requests(self) -> Response:
        """Show the log, of one client or of all; DELETE clears that part of it."""
        client_id = request.args.get("client_id")
        with self.store.lock:
            log = self.store.token_requests
            wanted = [entry for entry in log if client_id in {None, entry["client_id"]}]
            if request.method == "DELETE":
                log[:] = [entry for entry in log if entry not in wanted]
        return jsonify(token_requests=wanted)

    def _client(self, client_id: str) -> Client:
        return self.store.find_client(client_id) or abort(404, "No such client.")


def only_on_loopback_address() -> None:
    """Let the control interface answer to the address only, never to a name."""
    if request.host.partition(":")[0] != "127.0.0.1":
        abort(404)


def _username(owner: Owner) -> str:
    return owner.username if owner.username in PEOPLE else abort(404, "No such person.")


def _invalid(error: ValidationError) -> tuple[Response, int]:
    description = "; ".join(f"{_place(fault['loc'])}{fault['msg']}" for fault in error.errors())
    return jsonify(error="invalid_request", error_description=description), 400


def _place(location: tuple[int | str, ...]) -> str:
    return ".".join(map(str, location)) + ": " if location else ""


def _failed(error: HTTPException) -> tuple[Response, int]:
    return jsonify(error=error.name, error_description=error.description), error.code or 500
