"""The form of the token request: where the client's credentials lie, and how the body is written.

Tried before what is refused of the request itself: a service that cannot read the body says that
something is missing in it, or that it knows no such grant type.
"""

from broker.diagnosis.causes import Cause, Certainty
from broker.diagnosis.configured import Configured
from broker.diagnosis.evidence import Kind, Step
from broker.diagnosis.predicates import (
    answered,
    at,
    coded,
    either,
    every,
    knowing,
    no,
    of,
    saying,
    where,
)
from broker.diagnosis.rule import AT_SERVER, Candidate, Paste, Rule

_TOKEN = (Step.EXCHANGE, Step.REFRESH)
_CREDENTIAL = r"(client[ _-]?(id|secret)|authorization['\"`]? header|(http )?basic auth)"
_NOT_SEEN = either(
    coded("missing_client_id", "missing_client_secret", "client_id_missing"),
    coded("client_secret_missing"),
    saying(rf"missing\W{{1,3}}((a|the|valid|required|parameter)\W{{1,3}})*{_CREDENTIAL}"),
    saying(r"missing or invalid (http )?basic auth"),
    saying(rf"{_CREDENTIAL}['\"`]?\s(is )?(missing|required|not provided)\b(?! or)"),
    saying(r"could not determine client.?id|AADSTS700021[68]\b"),
)
_NO_GRANT_TYPE = either(
    saying(r"missing\W.{0,40}grant[ _-]?type"),
    saying(r"grant[ _-]?type\W{1,3}(is |parameter |should be )*(missing|required|defined)"),
    saying(r"AADSTS900144|parameter: grant_type$"),
)
_STYLES = (
    "Set token_request_style as the service's documentation says: a form body (form_post, "
    "form_basic) or a JSON body (json_post, json_basic). Now: {style}"
)


def _json(configured: Configured) -> bool:
    return (configured.token_request_style or "").startswith("json")


def _with_secret(configured: Configured) -> bool:
    return configured.token_request_style not in ("none", "private_key_jwt")


REQUEST_STYLE: tuple[Rule, ...] = (
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
            either(answered(415), coded("multiple_client_credentials"), saying(r"content.type")),
        ),
        "{place} wants the token request sent in another way.",
        "It refuses the form of the body, or where the credentials lie.",
        _STYLES,
        sure=Certainty.LIKELY,
    ),
    Rule(
        Cause.TOKEN_REQUEST_STYLE,
        every(
            at(*_TOKEN),
            either(
                every(_NO_GRANT_TYPE, no(coded("unsupported_grant_type"))),
                every(coded("unsupported_grant_type"), where(_json)),
            ),
        ),
        "{place} cannot read the body of the token request.",
        "It finds no grant_type that it knows, though one was sent.",
        _STYLES,
        sure=Certainty.LIKELY,
        candidates=(
            Candidate(
                Cause.GRANT_TYPE_REFUSED,
                "If the style is what the service documents, look on the app's page which grant "
                "types it may use.",
            ),
        ),
    ),
    Rule(
        Cause.TOKEN_REQUEST_STYLE,
        every(at(*_TOKEN), of(Kind.REFUSED), _NOT_SEEN, where(_with_secret)),
        "{place} does not see the client id or secret where they were put.",
        "It calls missing what was sent with the style {style}.",
        "Set token_request_style to another one: form_basic where the service wants HTTP Basic, "
        "form_post where it wants client_id and client_secret in the body, and json_post or "
        "json_basic where it wants JSON. Now: {style}",
        sure=Certainty.LIKELY,
        candidates=(
            Candidate(
                Cause.CLIENT_CREDENTIALS,
                "If the style is what the service documents, copy client_id and client_secret "
                "again, whole.",
            ),
        ),
    ),
)
