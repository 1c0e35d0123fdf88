"""A person with a browser, by plain HTTP: keeps cookies, follows redirects, fills in the forms."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.cookies import SimpleCookie
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

import httpx

from local import browser_names
from local.authorization_server.people import PEOPLE

_MOST_STEPS = 15


class BadCookieError(Exception):
    """A cookie's prefix promises what its attributes do not keep: a browser throws it away."""


@dataclass(frozen=True, slots=True)
class Form:
    """A form of a page: where it is posted, the values it has, the names it asks for."""

    action: str
    values: dict[str, str] = field(repr=False)
    names: frozenset[str]


@dataclass(frozen=True, slots=True)
class Stop:
    """Where the way ended: before a URL (then there is no answer), or at a page."""

    url: str = field(repr=False)
    answer: httpx.Response | None = None

    @property
    def query(self) -> dict[str, str]:
        """The URL's parameters."""
        return dict(parse_qsl(urlsplit(self.url).query, keep_blank_values=True))

    @property
    def page(self) -> httpx.Response:
        """The page; only where there is one."""
        if self.answer is None:
            raise LookupError("The way ended before a page.")
        return self.answer


@dataclass(slots=True)
class Visitor:
    """One person in one browser; to be closed, or used as a context manager.

    What a real browser does besides (SameSite, the public suffix list, CSP) is not done here.
    """

    username: str = "alice"
    decision: str = "allow"
    """What is clicked on the service's consent page: `allow` or `deny`."""
    http: httpx.Client = field(default_factory=browser_names.browser, repr=False)
    visited: list[str] = field(default_factory=list, repr=False)
    """Every URL that this browser was at or was sent to."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the browser, cookies and all."""
        self.http.close()

    def open(self, url: str, **options: Any) -> httpx.Response:
        """Ask for one URL; follows nothing."""
        self.visited.append(url)
        return self._seen(self.http.get(url, **options))

    def submit(self, form: Form, **values: str) -> httpx.Response:
        """Post a form with some of its fields filled in; follows nothing."""
        self.visited.append(form.action)
        return self._seen(self.http.post(form.action, data={**form.values, **values}))

    def go(self, url: str, *, until: str | None = None) -> Stop:
        """Go where redirects and the known forms lead, stopping before a URL that begins so."""
        answer = self.open(url)
        for _ in range(_MOST_STEPS):
            after = self._after(answer)
            if after is None:
                return Stop(str(answer.request.url), answer)
            if isinstance(after, httpx.Response):
                answer = after
            elif until and after.startswith(until):
                self.visited.append(after)
                return Stop(after)
            else:
                answer = self.open(after)
        raise RecursionError(f"Not there after {_MOST_STEPS} steps.")

    def _after(self, page: httpx.Response) -> str | httpx.Response | None:
        """Return what comes after a page: a redirect's target, a form's answer, or nothing."""
        if page.has_redirect_location:
            return str(page.request.url.join(page.headers["Location"]))
        for form in forms(page):
            if {"username", "password"} <= form.names:
                person = PEOPLE[self.username]
                return self.submit(form, username=person.username, password=person.password)
            if "decision" in form.names:
                return self.submit(form, decision=self.decision)
            if {"ticket", "csrf"} <= form.names:
                return self.submit(form)
        return None

    def _seen(self, answer: httpx.Response) -> httpx.Response:
        for line in answer.headers.get_list("set-cookie"):
            _check_prefix(line)
        return answer


def forms(page: httpx.Response) -> Iterator[Form]:
    """Yield the forms of an HTML page."""
    if page.headers.get("content-type", "").startswith("text/html"):
        reader = _FormReader()
        reader.feed(page.text)
        for action, values, names in reader.found:
            target = str(page.request.url.join(action))
            yield Form(target, values, frozenset(names))


class _FormReader(HTMLParser):
    """Collects each form's action, its hidden values and its fields' names."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str], set[str]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a form, or a field of the form that is open."""
        said = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.found.append((said.get("action", ""), {}, set()))
        elif self.found and tag in {"input", "button"} and "name" in said:
            _, values, names = self.found[-1]
            names.add(said["name"])
            if said.get("type") == "hidden":
                values[said["name"]] = said.get("value", "")


def _check_prefix(line: str) -> None:
    """Judge `__Host-` cookies as browsers do (RFC 6265bis §4.1.3.2)."""
    for name, cookie in SimpleCookie(line).items():
        keeps = cookie["secure"] and cookie["path"] == "/" and not cookie["domain"]
        if name.startswith("__Host-") and not keeps:
            raise BadCookieError(name)
