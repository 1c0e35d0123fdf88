"""Services that answer a style which is not theirs in every way but ``invalid_client``."""

from collections.abc import Collection

import httpx

from broker.model import SECRET_STYLES, TokenRequestStyle
from tests.fakes.client_styles import Answer, Shop, page, says

POST, BASIC, JSON_POST, JSON_BASIC = SECRET_STYLES
FORMS, JSONS = (POST, BASIC), (JSON_POST, JSON_BASIC)
IN_BODY, IN_HEADER = (POST, JSON_POST), (BASIC, JSON_BASIC)


def fails(status: int, **body: object) -> Answer:
    """Answer with JSON of the service's own."""
    return lambda: httpx.Response(status, json=body)


def bare(status: int) -> Answer:
    """Answer without a word."""
    return lambda: httpx.Response(status)


_MISFIT = {"loc": ["body"], "msg": "Input should be a valid dictionary", "type": "dict_type"}
TO_FORMS: dict[str, Answer] = {
    "415": fails(415, error="unsupported_media_type", message="Send application/json."),
    "bare 415": bare(415),
    "422": fails(422, detail=[_MISFIT]),
    "500": fails(500, message="Internal Server Error"),
    "page of a 500": page(500),
    "bare 400": bare(400),
    "page of a 400": page(400),
    "404": fails(404, message="Not Found"),
    "403": page(403),
    "validation": fails(400, code="validation_error", message="body.code should be defined"),
    "words": says(400, "invalid_request", "grant_type is required"),
    "generic": says(400, "invalid_request"),
}
"""What services that read JSON alone say to a form."""
TO_JSON: dict[str, Answer] = {
    "415": bare(415),
    "406": says(406, "invalid_request", "Accept and/or Content-Type headers did not match."),
    "form parameter": says(400, "invalid_request", "Missing form parameter: grant_type"),
    "parameter": says(400, "invalid_request", "OAuth 2.0 Parameter: grant_type"),
    "number": says(
        400,
        "invalid_request",
        "AADSTS900144: The request body must contain the following parameter: 'grant_type'.",
    ),
    "unsupported": says(400, "unsupported_grant_type"),
    "500": page(500),
}
"""What services that read forms alone say to JSON."""
WITHOUT_HEADER: dict[str, Answer] = {
    "header": says(400, "invalid_request", "Missing Authorization header"),
    "method": says(400, "invalid_request", "client_secret_post is not enabled for this client"),
    "no client's error": says(401, "access_denied", "Unauthorized"),
    "generic": says(400, "invalid_request"),
    "page": page(403),
}
"""What services that read a Basic header alone say to a secret in the body."""


def deaf(
    answer: Answer,
    to: Collection[TokenRequestStyle],
    styles: Collection[TokenRequestStyle],
    *,
    code_first: bool = False,
) -> Shop:
    """Make a service that takes ``styles``, and answers thus in others."""
    heard = dict.fromkeys(to, answer)
    return Shop(styles, looks_at_code_first=code_first, deaf=heard)
