"""A connect link, opened in the user's browser."""

from aws_lambda_powertools.event_handler import Response

from broker.binding import consent_cookie
from broker.inbound.door import cookies, http_api, invocation, read_form, read_query
from broker.inbound.pages import browser_answer, page_error
from broker.inbound.requests import ConsentRequest, TicketRequest
from broker.wiring import wiring

app = http_api(page_error, wiring)


@app.get("/authorize")
def open_link() -> Response:
    ticket = read_query(app, TicketRequest).secret
    return browser_answer(wiring().authorize.open(ticket, invocation(app, wiring().settings)))


@app.post("/authorize")
def proceed() -> Response:
    form = read_form(app, ConsentRequest)
    cookie = cookies(app).get(consent_cookie(form.secret))
    run = invocation(app, wiring().settings)
    return browser_answer(wiring().authorize.proceed(form.secret, form.csrf_secret, cookie, run))


def lambda_handler(event: dict, context: object) -> dict:
    return app.resolve(event, context)
