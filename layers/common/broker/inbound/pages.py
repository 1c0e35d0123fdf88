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
:root{color-scheme:light dark;--ink:#1c2430;--soft:#5b6675;--card:#fff;--ground:#f3f5f8;
--accent:#1f5fd6;--line:#dde2ea}
@media (prefers-color-scheme:dark){:root{--ink:#e8ecf2;--soft:#a3adbb;--card:#1c2330;
--ground:#11161f;--accent:#7aa7ff;--line:#2c3646}}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;display:grid;place-items:center;background:var(--ground);
color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",sans-serif}
main{max-width:26rem;margin:1.5rem;padding:2rem;background:var(--card);
border:1px solid var(--line);border-radius:14px}
h1{font-size:1.25rem;margin:0 0 .75rem;overflow-wrap:anywhere}
p{margin:.5rem 0;overflow-wrap:anywhere}
.soft{color:var(--soft);font-size:.9rem}
.mark{font-size:2rem;line-height:1}
img{max-height:48px;max-width:160px}
button{margin-top:1rem;width:100%;padding:.8rem 1rem;border:0;border-radius:10px;
background:var(--accent);color:var(--card);font:inherit;font-weight:600;cursor:pointer}
button:focus-visible{outline:3px solid var(--ink);outline-offset:2px}
code{display:block;padding:.75rem;border:1px dashed var(--line);border-radius:8px;
overflow-wrap:anywhere;user-select:all}
"""


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
        f'<p class="mark" aria-hidden="true">✕</p><h1>{escape(title)}</h1>'
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
    mark = "✓" if page.succeeded else "✕"
    shown = ""
    if page.completion_code:
        shown = f"<code>{escape(page.completion_code.reveal())}</code>"
    body = (
        f'<p class="mark" aria-hidden="true">{mark}</p><h1>{escape(page.title)}</h1>'
        f"<p>{escape(page.message)}</p>{shown}"
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
