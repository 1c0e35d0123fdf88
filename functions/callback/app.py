"""The redirection endpoint, one URI per server."""

from aws_lambda_powertools.event_handler import Response

from broker.inbound.door import http_api, invocation, read_arrival
from broker.inbound.pages import browser_answer, page_error
from broker.wiring import wiring

app = http_api(page_error, wiring)


@app.get("/callback/<server_id>")
def arrive(server_id: str) -> Response:
    run = invocation(app, wiring().settings)
    return browser_answer(wiring().callback.arrive(read_arrival(app), run))


def lambda_handler(event: dict, context: object) -> dict:
    return app.resolve(event, context)
