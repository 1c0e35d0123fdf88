"""A person's way through login and consent, by plain HTTP, for callers without a browser."""

from urllib.parse import parse_qs, urljoin, urlsplit

import httpx

from .people import PEOPLE


def consent(
    browser: httpx.Client, authorization_url: str, username: str, decision: str = "allow"
) -> str:
    """Log in, decide, and return the URL that the service sends the browser to.

    ``browser`` keeps the cookies and follows no redirects. Errors that the service redirects with
    come back as such a URL.

    Raises:
        httpx.HTTPStatusError: the service showed its error page.
    """
    url, answer = authorization_url, browser.get(authorization_url)
    location = answer.headers.get("Location", "")
    if urlsplit(location).path == "/login":
        url = _log_in(browser, urljoin(url, location), username)
        answer = browser.get(url)
    if not answer.has_redirect_location:
        answer.raise_for_status()
        answer = browser.post(url, data={"decision": decision})
    return answer.headers["Location"]


def _log_in(browser: httpx.Client, login_url: str, username: str) -> str:
    after = parse_qs(urlsplit(login_url).query)["next"][0]
    form = {"username": username, "password": PEOPLE[username].password, "next": after}
    answer = browser.post(urljoin(login_url, "/login"), data=form)
    return urljoin(login_url, answer.headers["Location"])
