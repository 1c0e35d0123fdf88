"""Judge the refusal of a token request by its status, its codes and its sentence.

RFC 6749 §5.2 has six codes; much of the world has others, which ``equivalents`` lists. What is
not found there is no refusal of grant or client.
"""

import re
from http import HTTPStatus

from broker.diagnosis import Step

from .equivalents import EQUIVALENTS, SENTENCES, Refusal

_MEANINGS = {known.code: known.meaning for known in EQUIVALENTS}
_UNTELLING = frozenset({"unauthorized", "invalid", "error", "bad_credentials"})
_NO = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
# Not the client: what lies in the request, or whom the grant is of.
_SOMETHING_ELSE = frozenset({"invalid_request", "invalid_token", "insufficient_scope"})
_ANOTHER = re.compile(
    r"token|grant|code|scope|redirect|resource|user|account|session|expired|revoked|consent"
    r"|login|polic|rule",
    re.IGNORECASE,
)
_THE_CLIENT = re.compile(
    r"access_denied|unauthori[sz]ed|authenticat|credential|secret|client|api[ _-]?key|\bapp",
    re.IGNORECASE,
)
_NOT_THE_TOKEN = re.compile(r"missing|required|not provided|grant[ _-]?types?\b", re.IGNORECASE)


def refusal_of(status: int, codes: tuple[str, ...], description: str, step: Step) -> Refusal | None:
    """Judge an answer by status, codes (most telling first) and sentence; None: it says nothing.

    A code that means something decides. The sentence is asked only beside codes that do not, and
    never makes a grant dead that was merely not sent, or that the client may not use. With 401,
    which RFC 6749 §5.2 has for the client alone, less is enough to mean it.
    """
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return Refusal.BUSY
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Refusal.BROKEN
    known = [_normalised(code) for code in codes]
    # Atlassian says unauthorized_client of a dead refresh token, too: its sentence comes first.
    telling = [code for code in known if code != "unauthorized_client"]
    meant = _coded([*telling, _normalised(description)], status) or _said(description, step)
    if meant:
        return meant
    if "unauthorized_client" in known:
        return Refusal.CLIENT
    if status == HTTPStatus.UNAUTHORIZED and _can_only_mean_the_client(known, description):
        return Refusal.CLIENT
    return Refusal.OTHER if codes else None


def _can_only_mean_the_client(codes: list[str], description: str) -> bool:
    """Judge what comes with 401: Auth0 and Atlassian say access_denied of a wrong secret.

    An opaque code stays open: one user's dead token must not be taken for everybody's client.
    """
    if _UNTELLING.issuperset(codes):
        return True
    if any(code in _SOMETHING_ELSE or code in _MEANINGS for code in codes):
        return False
    said = " ".join([*codes, description])
    return bool(_THE_CLIENT.search(said)) and not _ANOTHER.search(said)


def _coded(codes: list[str], status: int) -> Refusal | None:
    for code in codes:
        found = _MEANINGS.get(code)
        # ServiceNow says server_error with 401: that is a no, not an outage.
        if found and not (found is Refusal.BROKEN and status in _NO):
            return found
    return None


def _said(description: str, step: Step) -> Refusal | None:
    for sentence in SENTENCES:
        if step is (sentence.step or step) and sentence.words.search(description):
            if sentence.meaning is Refusal.GRANT and _NOT_THE_TOKEN.search(description):
                continue
            return sentence.meaning
    return None


def _normalised(code: str) -> str:
    return re.sub(r"[\s-]+", "_", code.strip().lower())
