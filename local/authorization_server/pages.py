"""The pages that a person sees: login, consent, and the error page that does not redirect.

RFC 6749 §4.1.2.1: an unknown client or a redirect URI that is not registered ends on a page of
ours; every other error goes back to the client.
"""

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

from authlib.common.urls import add_params_to_uri
from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import AccessDeniedError, InvalidRequestError
from flask import Flask, Response, redirect, render_template, request, session
from werkzeug.wrappers import Response as AnyResponse

from .oauth import Server
from .people import PEOPLE, Person
from .records import Client
from .request_forms import CLIENT_PARAMETER
from .store import Store

SCOPES = {
    "openid": "Know who you are",
    "email": "See your e-mail address",
    "profile": "See your name",
    "offline_access": "Keep access while you are away",
    "contacts.read": "Read your contacts",
    "contacts.write": "Change and delete your contacts",
}
SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; frame-ancestors 'none'",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True, slots=True)
class Pages:
    """Login, consent and logout."""

    name: str
    store: Store
    server: Server

    def register(self, app: Flask) -> None:
        """Add the routes."""
        app.before_request(self.refuse_foreign_forms)
        rule = app.add_url_rule
        rule("/", "home", self.home, methods=["GET"])
        rule("/authorize", "authorize", self.authorize, methods=["GET", "POST"])
        rule("/login", "login_page", self.login_page, methods=["GET"])
        rule("/login", "login", self.login, methods=["POST"])
        rule("/logout", "logout", self.logout, methods=["POST"])

    def refuse_foreign_forms(self) -> AnyResponse | None:
        """Refuse a form that another site posts (the session cookie's SameSite is not enough)."""
        form = request.method == "POST" and request.endpoint in {"authorize", "login", "logout"}
        origin = request.headers.get("Origin")
        if form and origin not in {None, request.host_url.rstrip("/")}:
            return self._problem("This form was sent from another site.", status=403)
        return None

    def home(self) -> AnyResponse:
        """Say where this is, and as whom."""
        person = PEOPLE.get(session.get("username", ""))
        return self._page("home.html", None, person=person)

    def authorize(self) -> AnyResponse:
        """Check the request, see to the login, show the consent page or carry out its decision."""
        if problem := self._cannot_redirect():
            return problem
        person = PEOPLE.get(session.get("username", ""))
        try:
            grant = self.server.get_consent_grant(end_user=person)
        except OAuth2Error as error:
            return self._refused(error)
        except ValueError:  # what Authlib would not quote in an error_description
            return self._refused(InvalidRequestError(state=request.args.get("state")))
        if person is None:
            return redirect(add_params_to_uri("/login", {"next": _here()}))
        if request.method == "POST":
            return self._decided(grant, person)
        return self._denied_by_switch(grant) or self._consent_page(grant, person)

    def _decided(self, grant: Any, person: Person) -> AnyResponse:
        granted = person if request.form.get("decision") == "allow" else None
        with self.store.lock:
            response: Response = self.server.create_authorization_response(
                grant_user=granted, grant=grant
            )
        if granted and (extra := grant.client.switches.extra_callback_params):
            response.location = add_params_to_uri(response.location, extra)
        return response

    def login_page(self) -> AnyResponse:
        """Ask who is there."""
        return self._login_page(request.args.get("next", ""))

    def login(self) -> AnyResponse:
        """Check the password; go on to ``next``."""
        person = PEOPLE.get(request.form.get("username", ""))
        if person is None or person.password != request.form.get("password"):
            return self._login_page(request.form.get("next", ""), failed=True)
        session["username"] = person.username
        return redirect(_local(request.form.get("next", "")), 303)

    def logout(self) -> AnyResponse:
        """Forget the person; go on to ``next``."""
        session.clear()
        return redirect(_local(request.form.get("next", "")), 303)

    def _cannot_redirect(self) -> AnyResponse | None:
        client = self._client()
        if client is None:
            return self._problem("This app is not registered here (client_id).")
        asked = request.args.get("redirect_uri")
        if asked is not None and not client.check_redirect_uri(asked):
            return self._problem("This redirect_uri is not registered for the app.", asked)
        if asked is None and client.get_default_redirect_uri() is None:
            return self._problem("The request has no redirect_uri.")
        return None

    def _client(self) -> Client | None:
        client = self.store.find_client(request.args.get("client_id"))
        if client is None or (
            client.switches.client_id_parameter != request.environ[CLIENT_PARAMETER]
        ):
            return None
        return client

    def _refused(self, error: Any) -> AnyResponse:
        client = self._client()
        known = client.get_default_redirect_uri() if client else None
        error.redirect_uri = error.redirect_uri or request.args.get("redirect_uri", known)
        return self.server.refuse(error)

    def _denied_by_switch(self, grant: Any) -> AnyResponse | None:
        client: Client = grant.client
        about = {"redirect_uri": grant.redirect_uri, "state": request.args.get("state")}
        if client.switches.needs_approval:
            description = "An administrator has to approve this app first."
            return self.server.refuse(AccessDeniedError(description, **about))
        if not client.switches.deny:
            return None
        client.switches = client.switches.model_copy(update={"deny": False})
        return self.server.refuse(AccessDeniedError(**about))

    def _consent_page(self, grant: Any, person: Person) -> AnyResponse:
        scopes = [(scope, SCOPES.get(scope, scope)) for scope in grant.request.scope.split()]
        destination = urlsplit(grant.redirect_uri).netloc
        return self._page(
            "consent.html",
            grant.client,
            person=person,
            app=grant.client.name or grant.client.client_id,
            scopes=scopes,
            destination=destination,
            here=_here(),
        )

    def _login_page(self, after: str, *, failed: bool = False) -> AnyResponse:
        client_id = parse_qs(urlsplit(after).query).get("client_id", [""])[0]
        client = self.store.find_client(client_id)
        page = self._page("login.html", client, people=PEOPLE.values(), after=after, failed=failed)
        page.status_code = 401 if failed else 200
        return page

    def _problem(self, message: str, detail: str = "", status: int = 400) -> AnyResponse:
        page = self._page("problem.html", None, message=message, detail=detail)
        page.status_code = status
        return page

    def _page(self, template: str, client: Client | None, **about: Any) -> Response:
        page = Response(render_template(template, service=self.name, **about), mimetype="text/html")
        page.headers.extend(SECURITY_HEADERS)
        if client and client.switches.opener_policy:
            page.headers["Cross-Origin-Opener-Policy"] = "same-origin"
        return page


def _here() -> str:
    """Return this request's path and query as they were sent."""
    here: str = request.environ["REQUEST_URI"]
    return here


def _local(after: str) -> str:
    """Return where a form leads next: nowhere but to the authorization endpoint, or home."""
    return after if after.startswith("/authorize?") else "/"
