"""The endpoints that clients post to."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from flask import Flask, Response, json, request

from .answers import in_dialect
from .client_authentication import presented
from .misbehaviour import drip, misbehave
from .oauth import Server
from .records import Client
from .request_log import describe
from .store import Store
from .switches import Mode, Switches

PATHS = frozenset({"/authorize", "/token", "/revoke", "/introspect"})


@dataclass(frozen=True, slots=True)
class TokenEndpoints:
    """Token, revocation and introspection endpoint."""

    store: Store
    server: Server

    def register(self, app: Flask) -> None:
        """Add the routes."""
        app.add_url_rule("/token", view_func=self.token, methods=["POST"])
        app.add_url_rule("/revoke", view_func=self.revoke, methods=["POST"])
        app.add_url_rule("/introspect", view_func=self.introspect, methods=["POST"])

    def token(self) -> Response:
        """Exchange a code or a refresh token, or misbehave as the switches say."""
        client = self._client()
        switches = client.switches if client else Switches()
        with self.store.lock:
            mode: Mode = client.take_mode() if client else "normal"
            processed = mode in {"normal", "drip"} or switches.mode_processes
            answer = self._processed(switches) if processed else None
            self.store.token_requests.append(describe(self.store, "token", mode, answer))
        if answer is None or mode not in {"normal", "drip"}:
            return misbehave(mode, switches, request.environ["werkzeug.socket"])
        answer = in_dialect(answer, switches, request.headers.get("Accept", ""), time.time())
        if switches.clock_offset_seconds:
            answer.date = datetime.now(UTC) + timedelta(seconds=switches.clock_offset_seconds)
        return drip(answer) if mode == "drip" else answer

    def _processed(self, switches: Switches) -> Response:
        response: Response = self.server.create_token_response()
        presented_token = request.form.get("refresh_token")
        if response.status_code == 200 and presented_token and switches.echo_refresh_token:
            response.set_data(json.dumps({"refresh_token": presented_token} | response.get_json()))
        return response

    def revoke(self) -> Response:
        """Revoke a token, or answer as a service that cannot."""
        client = self._client()
        mode = client.switches.revocation_mode if client else "normal"
        with self.store.lock:
            answer = self._revoked() if mode == "normal" else None
            self.store.token_requests.append(describe(self.store, "revocation", mode, answer))
        if mode == "unsupported":
            error = json.dumps({"error": "unsupported_token_type"})
            return Response(error, 400, mimetype="application/json")
        return answer or Response("Internal Server Error", 500, mimetype="text/plain")

    def _revoked(self) -> Response:
        response: Response = self.server.create_endpoint_response("revocation")
        return response

    def introspect(self) -> Response:
        """Tell a resource server about a token; not logged."""
        with self.store.lock:
            response: Response = self.server.create_endpoint_response("introspection")
        return response

    def _client(self) -> Client | None:
        return self.store.find_client(presented(request).client_id)
