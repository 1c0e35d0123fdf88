"""The few pages that end users see, and redirects: HTML in one place, everything escaped.

Nothing an authorization server or MCP server said is rendered, but a fixed set of messages.
"""

import secrets
from dataclasses import dataclass
from html import escape
from http import HTTPStatus

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.shared.cookies import Cookie, SameSite

from broker.errors import BrokerError
from broker.model import BrowserOutcome, ClosingPage, ConsentPage, Redirect
from broker.wording import locale_of, say

COOKIE_SECONDS = 600

_STYLE = """
:root{color-scheme:light dark;--ink:#1a1f2b;--soft:#5b6273;--card:#fff;--ground:#f4f5f9;
--accent:#1f5fd6;--on-accent:#fff;--line:#e0e3ec;--good:#13713f;--good-soft:#e5f6ec;
--bad:#a02a2a;--bad-soft:#fdeeee;--shadow:0 1px 2px rgb(20 24 50/6%),0 12px 32px rgb(20 24 50/8%)}
@media (prefers-color-scheme:dark){:root{--ink:#eceef5;--soft:#a6acbd;--card:#1b1f2a;
--ground:#12151d;--accent:#8fb4ff;--on-accent:#10182b;--line:#30364a;--good:#7fd6a3;
--good-soft:#16321f;--bad:#ffa8a8;--bad-soft:#3a1d20;--shadow:0 12px 32px rgb(0 0 0/35%)}}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;display:grid;place-items:center;background:var(--ground);
color:var(--ink);font:1rem/1.55 -apple-system,"Segoe UI",Roboto,"Helvetica Neue","Noto Sans",
"Liberation Sans",system-ui,sans-serif}
main{width:min(26rem,calc(100vw - 2rem));padding:2rem;background:var(--card);
border:1px solid var(--line);border-radius:1rem;box-shadow:var(--shadow)}
h1{font-size:1.3rem;line-height:1.3;letter-spacing:-.01em;margin:0 0 .6rem;overflow-wrap:anywhere}
p{margin:.6rem 0;overflow-wrap:anywhere}
.soft{color:var(--soft);font-size:.875rem}
.mark{display:grid;place-items:center;width:3rem;height:3rem;margin:0 0 1rem;border-radius:50%}
.mark svg{width:1.5rem;height:1.5rem;fill:none;stroke:currentColor;stroke-width:2.5;
stroke-linecap:round;stroke-linejoin:round}
.good{background:var(--good-soft);color:var(--good)}
.bad{background:var(--bad-soft);color:var(--bad)}
img{display:block;max-height:48px;max-width:160px;margin:0 0 1rem}
button{margin:1rem 0 .4rem;width:100%;padding:.8rem 1rem;border:0;border-radius:.7rem;
background:var(--accent);color:var(--on-accent);font:inherit;font-weight:600;cursor:pointer}
button:hover{filter:brightness(1.08)}
button:focus-visible{outline:3px solid var(--ink);outline-offset:2px}
code{display:block;padding:.75rem;border:1px dashed var(--soft);border-radius:.6rem;
font:.875rem/1.5 ui-monospace,"Liberation Mono",monospace;overflow-wrap:anywhere;user-select:all}
"""
_MARKS = {
    True: '<p class="mark good" aria-hidden="true"><svg viewBox="0 0 24 24">'
    '<path d="M5 13l4.5 4.5L19 7"/></svg></p>',
    False: '<p class="mark bad" aria-hidden="true"><svg viewBox="0 0 24 24">'
    '<path d="M12 7v6M12 17v.01"/></svg></p>',
}


def browser_answer(outcome: BrowserOutcome) -> Response[str]:
    """Render where the browser goes next."""
    match outcome:
        case Redirect():
            return _redirect(outcome)
        case ConsentPage():
            return _consent(outcome)
        case ClosingPage():
            return _closing(outcome)


def page_error(exc: BrokerError, request_id: str) -> Response[str]:
    """Render a failure as a friendly page: what to do, and a number for the support."""
    title = say("failed_title", None)
    body = (
        f"{_MARKS[False]}<h1>{escape(title)}</h1>"
        f"<p>{escape(exc.message)}</p>"
        f'<p class="soft">{escape(exc.error)} · {escape(request_id)}</p>'
    )
    return _page(exc.status, _Page(title, body))


def _redirect(outcome: Redirect) -> Response[str]:
    cookies = []
    if outcome.set_cookie:
        name, value = outcome.set_cookie
        cookies.append(_cookie(name, value.reveal(), COOKIE_SECONDS))
    if outcome.clear_cookie:
        cookies.append(_cookie(outcome.clear_cookie, "", -1))
    headers = {**_HEADERS, "Location": outcome.location}
    return Response(HTTPStatus.SEE_OTHER, None, "", headers=headers, cookies=cookies)


def _consent(page: ConsentPage) -> Response[str]:
    names = {"chat": page.chat_name, "service": page.service, "user": page.user_label}
    title = say("consent_title", page.locale, **names)
    logo = ""
    if page.chat_logo_url:
        logo = f'<img src="{escape(page.chat_logo_url)}" alt="{escape(page.chat_name)}">'
    body = (
        f"{logo}<h1>{escape(title)}</h1>"
        f"<p>{escape(say('consent', page.locale, **names))}</p>"
        f'<form method="post" action="/authorize">'
        f'<input type="hidden" name="ticket" value="{escape(page.ticket.reveal())}">'
        f'<input type="hidden" name="csrf" value="{escape(page.csrf.reveal())}">'
        f"<button>{escape(say('consent_button', page.locale, **names))}</button></form>"
        f'<p class="soft">{escape(say("consent_detail", page.locale, **names))}</p>'
    )
    # Browsers hold a form's redirects to form-action as well; the service may redirect further.
    shown = _Page(
        title,
        body,
        locale=page.locale,
        form_action=f"'self' https: {page.action_origin}",
        image_source=page.chat_logo_url,
    )
    cookie = _cookie(page.cookie_name, page.csrf.reveal(), COOKIE_SECONDS)
    return _page(HTTPStatus.OK, shown, [cookie])


def _closing(page: ClosingPage) -> Response[str]:
    shown = ""
    if page.completion_code:
        shown = f"<code>{escape(page.completion_code.reveal())}</code>"
    body = (
        f"{_MARKS[page.succeeded]}<h1>{escape(page.title)}</h1><p>{escape(page.message)}</p>{shown}"
    )
    closes = page.succeeded and not page.completion_code
    script = "window.close()" if closes else ""
    status = HTTPStatus.OK if page.succeeded else HTTPStatus.BAD_REQUEST
    cleared = [_cookie(page.clear_cookie, "", -1)] if page.clear_cookie else []
    return _page(status, _Page(page.title, body, locale=page.locale, script=script), cleared)


@dataclass(frozen=True, slots=True)
class _Page:
    title: str
    body: str
    locale: str | None = None
    form_action: str = "'none'"
    image_source: str = ""
    script: str = ""


def _page(status: int, page: _Page, cookies: list[Cookie] | None = None) -> Response[str]:
    nonce = secrets.token_urlsafe(16)
    images = f" img-src {page.image_source};" if page.image_source else ""
    policy = (
        f"default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}';{images}"
        f" form-action {page.form_action}; frame-ancestors 'none'; base-uri 'none'"
    )
    closing = f'<script nonce="{nonce}">{page.script}</script>' if page.script else ""
    html = (
        f'<!doctype html><html lang="{locale_of(page.locale)}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f'<title>{escape(page.title)}</title><style nonce="{nonce}">{_STYLE}</style></head>'
        f"<body><main>{page.body}</main>{closing}</body></html>"
    )
    headers = {**_HEADERS, "Content-Security-Policy": policy, "X-Frame-Options": "DENY"}
    return Response(
        status, "text/html; charset=utf-8", html, headers=headers, cookies=cookies or []
    )


_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Strict-Transport-Security": "max-age=31536000",
}


def _cookie(name: str, value: str, seconds: int) -> Cookie:
    return Cookie(
        name,
        value,
        path="/",
        secure=True,
        http_only=True,
        max_age=seconds,
        same_site=SameSite.LAX_MODE,
    )
