"""How the client authenticates, where another way was seen to work, or ours was not read."""

from broker.diagnosis.causes import Cause, Certainty
from broker.diagnosis.evidence import Step
from broker.diagnosis.predicates import (
    at,
    coded,
    either,
    every,
    knowing,
    no,
    saying,
    where,
)
from broker.diagnosis.rule import AT_SERVER, Candidate, Paste, Rule

_TOKEN = (Step.EXCHANGE, Step.REFRESH)
_AS_JSON = where(lambda known: (known.token_request_style or "").startswith("json"))
_IN_BODY = where(lambda known: (known.token_request_style or "").endswith("_post"))
_GRANT_TYPE_MISSING = either(
    saying(r"\b(missing|requires?d?|contain|parameters?)\W+(\w+\W+){0,4}?grant[ _-]?type"),
    saying(r"\bno\W+grant[ _-]?type|grant[ _-]?type\W+(\w+\W+){0,3}?(missing|required|defined)"),
)

STYLES: tuple[Rule, ...] = (
    Rule(
        Cause.TOKEN_REQUEST_STYLE,
        knowing("working_style"),
        "Client id and secret are right, but {place} wants them sent in another way.",
        "With an invented code, the style {facts[working_style]} tells the real secret from a "
        "wrong one; the style {style} is refused.",
        "Set token_request_style to {facts[working_style]}. Now: {style}",
        paste=Paste(AT_SERVER, "token_request_style", "{facts[working_style]}"),
    ),
    Rule(
        Cause.TOKEN_REQUEST_STYLE,
        knowing("read_style"),
        "{place} does not read a request sent in this way.",
        "In the style {facts[read_style]} it does, and refuses the client there: the secret or "
        "the client id is wrong as well.",
        "Set token_request_style to {facts[read_style]}, and copy client_id and client_secret from "
        "the app's page at the service again. Now: {style}",
        sure=Certainty.LIKELY,
        paste=Paste(AT_SERVER, "token_request_style", "{facts[read_style]}"),
        candidates=(
            Candidate(
                Cause.CLIENT_CREDENTIALS,
                "Make a new secret on the app's page, PUT it, and test again.",
            ),
        ),
    ),
    Rule(
        Cause.TOKEN_REQUEST_STYLE,
        every(
            at(*_TOKEN),
            no(knowing("grant_refused")),
            either(
                _GRANT_TYPE_MISSING,
                every(_AS_JSON, coded("unsupported_grant_type")),
                every(
                    _IN_BODY, saying(r"(missing|required|no)\W+(\w+\W+)?authori[sz]ation\W+head")
                ),
            ),
        ),
        "{place} does not read what is sent: the body, or where the credentials lie.",
        "It misses what stands in every token request.",
        "Set token_request_style as the service's documentation says: a form body (form_post, "
        "form_basic) or a JSON body (json_post, json_basic), id and secret in the body (_post) or "
        "in a Basic header (_basic). Now: {style}",
        sure=Certainty.LIKELY,
        candidates=(
            Candidate(
                Cause.GRANT_TYPE_REFUSED,
                "Look on the app's page whether it may use authorization codes and refresh tokens.",
            ),
        ),
    ),
)
