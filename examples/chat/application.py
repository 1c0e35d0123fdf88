"""The chat's backend: its own session cookie, its routes, its security headers."""

import secrets
from dataclasses import asdict, dataclass
from datetime import datetime

import httpx
from flask import Flask, Response, abort, g, redirect, render_template, request
from flask.json.provider import DefaultJSONProvider
from werkzeug.wrappers import Response as AnyResponse

from examples.chat import answers
from examples.chat.agent import EXAMPLES, choose
from examples.chat.broker import Broker, BrokerError, Json
from examples.chat.returning import finish
from examples.chat.sessions import LIFETIME, USERS, Session, Sessions, Started

# `__Host-`: Secure, this host alone, the whole of it. Browsers take it over http on localhost too.
COOKIE = "__Host-chat"
_LONGEST_MESSAGE = 2000


@dataclass(frozen=True, slots=True)
class Chat:
    """The routes."""

    broker: Broker
    default_server_id: str
    sessions: Sessions

    def register(self, app: Flask) -> None:
        """Add routes, the check before them and the headers after them."""
        app.before_request(refuse_other_sites)
        app.after_request(protect)
        app.register_error_handler(BrokerError, lambda error: (answers.trouble(error), 502))
        app.register_error_handler(httpx.TransportError, lambda _: (answers.unreachable(), 502))
        rule = app.add_url_rule
        rule("/", "page", self.page)
        rule("/login", "login_page", self.login_page)
        rule("/login", "login", self.login, methods=["POST"])
        rule("/logout", "logout", self.logout, methods=["POST"])
        rule("/return", "come_back", self.come_back)
        rule("/api/messages", "answer", self.answer, methods=["POST"])
        rule("/api/connections", "connections", self.connections)
        rule("/api/connections/<server_id>", "end", self.disconnect, methods=["DELETE"])

    def page(self) -> AnyResponse:
        """Show the chat, or the way to sign in."""
        session = self._session()
        if session is None:
            return redirect("/login", 303)
        return _page("chat.html", user=session.user, examples=EXAMPLES)

    def login_page(self) -> AnyResponse:
        """Ask who is there. In a product this is your real login."""
        return _page("login.html", users=USERS.values())

    def login(self) -> AnyResponse:
        """Begin a session under a new id."""
        user = USERS.get(request.form.get("user_id", "")) or abort(400)
        self.sessions.close(request.cookies.get(COOKIE, ""))
        answer = redirect("/", 303)
        # Lax, not Strict: the way back from the service is a navigation from another site.
        answer.set_cookie(
            COOKIE,
            self.sessions.open(user),
            max_age=LIFETIME,
            secure=True,
            httponly=True,
            samesite="Lax",
        )
        return answer

    def logout(self) -> AnyResponse:
        """End the session, here and in the browser."""
        self.sessions.close(request.cookies.get(COOKIE, ""))
        answer = redirect("/login", 303)
        answer.delete_cookie(COOKIE, secure=True, httponly=True, samesite="Lax")
        return answer

    def answer(self) -> Json:
        """Answer a message: run the tool as the session's user, or say what is needed first."""
        session = self._required_session()
        message, message_id = _asked()
        call = choose(message, self.default_server_id)
        if call is None:
            return answers.help_text()
        answer = self.broker.invoke(
            session.user.user_id,
            call.server_id,
            call.tool,
            call.arguments,
            user_label=session.user.email,
            client_state=message_id,
            locale="en",
        )
        if answer["status"] == "authorization_required":
            session.remember(answer["connect_id"], _started(answer))
        return answers.invoked(call, answer)

    def come_back(self) -> AnyResponse:
        """Finish a connection and tell the chat's tab; this page then closes itself."""
        outcome = finish(self._session(), self.broker, request.args)
        message_id = request.args.get("client_state", "")
        return _page("return.html", outcome=asdict(outcome), message_id=message_id)

    def connections(self) -> Json:
        """List the user's connections."""
        found = self.broker.connections(self._required_session().user.user_id)
        return {"connections": [answers.connection(each) for each in found["connections"]]}

    def disconnect(self, server_id: str) -> Json:
        """End one of the user's connections."""
        user_id = self._required_session().user.user_id
        found = answers.connection(self.broker.connections(user_id, server_id))
        ended = self.broker.disconnect(user_id, server_id)
        return answers.said(answers.disconnected(found["service"], ended))

    def _session(self) -> Session | None:
        return self.sessions.find(request.cookies.get(COOKIE, ""))

    def _required_session(self) -> Session:
        return self._session() or abort(401)


class JsonInOrder(DefaultJSONProvider):
    """Keeps a tool's fields in the order that it gave them."""

    sort_keys = False


def create_application(broker: Broker, default_server_id: str) -> Flask:
    """Build the WSGI application."""
    app = Flask(__name__)
    app.json = JsonInOrder(app)
    app.config["MAX_CONTENT_LENGTH"] = 65_536
    Chat(broker, default_server_id, Sessions()).register(app)
    return app


def refuse_other_sites() -> None:
    """Refuse a write that another site makes the browser send; each browser sends this header.

    SameSite alone is not enough: another port of the same host is the same site.
    """
    g.nonce = secrets.token_urlsafe(16)
    reading = request.method in {"GET", "HEAD", "OPTIONS"}
    if not reading and request.headers.get("Sec-Fetch-Site") != "same-origin":
        abort(403)


def protect(answer: Response) -> Response:
    """Add the security headers: only scripts and styles with this answer's nonce run."""
    answer.headers["Content-Security-Policy"] = (
        f"default-src 'none'; script-src 'nonce-{g.nonce}'; style-src 'nonce-{g.nonce}';"
        " img-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none';"
        " base-uri 'none'"
    )
    # The query of /return holds a code, which is used up by then; nobody need see it all the same.
    answer.headers["Referrer-Policy"] = "no-referrer"
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["Cross-Origin-Opener-Policy"] = "same-origin-allow-popups"
    answer.headers.setdefault("Cache-Control", "no-store")
    return answer


def _page(template: str, **about: object) -> Response:
    return Response(render_template(template, nonce=g.nonce, **about), mimetype="text/html")


def _asked() -> tuple[str, str]:
    """Return the message and the id that the page gave it."""
    asked = request.get_json()
    if not isinstance(asked, dict):
        abort(400)
    message, message_id = asked.get("message"), asked.get("message_id")
    if not isinstance(message, str) or not isinstance(message_id, str):
        abort(400)
    if len(message) > _LONGEST_MESSAGE or len(message_id) > 64:
        abort(413)
    return message, message_id


def _started(answer: Json) -> Started:
    server = answer["server"]
    return Started(server["id"], server["name"], datetime.fromisoformat(answer["expires_at"]))
