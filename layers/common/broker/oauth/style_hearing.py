"""What the answer to an invented code or token says of the style in which it was sent."""

import re
from enum import StrEnum

from broker.diagnosis import Evidence, Kind

_LOCKS = re.compile(
    r"(?<![a-z])lock(?:ed|out|ing)(?![a-z])|too[ _]many|(?<![a-z])suspended(?![a-z])|brute"
    r"|temporarily[ _](?:blocked|disabled)|attempts?[ _](?:left|remaining|exceeded)"
    r"|failed[ _]attempt",
    re.IGNORECASE,
)
_GRANT_TYPE = r"grant[ _-]?types?\b"
_SENT = r"['\"`]?(?:authorization[ _])?(?:code|client[ _]?(?:id|secret))['\"`]?(?![\w-])"
_BE = r"(?:(?:is|was|must be|should be)\W+)?"
_GAP = r"(?:\w+\W+){0,4}?"
_UNREAD = re.compile(
    "|".join(
        (
            # what stands in every request of ours, and was not seen
            rf"\b(?:missing|requires?d?|contain|parameters?|provide|specify)\W+{_GAP}{_GRANT_TYPE}",
            rf"(?:\b(?:no|invalid)\W+|unsupported[\W_]+){_GRANT_TYPE}",
            rf"{_GRANT_TYPE}\W+{_GAP}(?:missing|required|not|must|should|undefined)\b",
            rf"\b(?:missing|without)\W+(?:required\W+)?(?:parameters?\W+)?{_SENT}",
            rf"{_SENT}\W+(?:parameter\W+|field\W+)?{_BE}(?:missing|required|empty|blank|defined)",
            rf"{_SENT}\W+(?:parameter\W+|field\W+)?{_BE}not (?:provided|present|set|specified)",
            # the body
            r"content[ _-]?type|media[ _-]?type|urlencoded|form[ _-](?:encoded|data|parameter)",
            r"\b(?:valid|malformed|pars(?:e|ing)|decod(?:e|ing)|expect(?:s|ed))\W+(?:\w+\W+)?json\b",
            r"\bvalid dictionary\b|\bjson\W+(?:\w+\W+)?(?:body|object|payload|pars|expected)",
            r"\b(?:empty|missing|no|invalid|unreadable|malformed)\W+(?:request\W+)?body\b",
            r"\bbody\W+(?:is\W+)?(?:empty|missing|required)",
            # where the credentials lie
            r"authori[sz]ation\W{1,3}header|\bbasic[ _]auth|\bhttp[ _]basic",
            r"client_secret_(?:post|basic)|auth(?:entication)?[ _]methods?\b",
        )
    ),
    re.IGNORECASE,
)
_NOT_THIS_FORM = frozenset({406, 415})
_UNPROCESSABLE = 422


class Heard(StrEnum):
    """What an answer says of the client, and of the style."""

    TAKEN = "taken"
    """The code or token was looked at, and is not good: ``invalid_grant``, or it is revoked."""
    OTHER = "other"
    """Some other error that is not about the client."""
    REFUSED = "refused"
    """``invalid_client``."""
    UNREAD = "unread"
    """The body, or where the credentials lie, is not what the service reads."""
    BROKEN = "broken"
    """An answer that no token endpoint gives: a page, an error of the server."""
    SILENT = "silent"
    """No answer, or none that may be asked for."""
    HOLD = "hold"
    """Fewer requests are asked for, or a lock is spoken of."""


def heard_of(evidence: Evidence) -> Heard:
    """Read an answer's evidence."""
    said = f"{evidence.error or ''} {evidence.description or ''}"
    limited = evidence.facts.get("rate_limited") or "retry_after_seconds" in evidence.facts
    if evidence.status in (423, 429) or limited or _LOCKS.search(said):
        return Heard.HOLD
    if evidence.facts.get("client_refused"):
        return Heard.REFUSED
    if evidence.facts.get("grant_refused") or evidence.kind is Kind.OK:
        return Heard.TAKEN
    if evidence.kind not in (Kind.REFUSED, Kind.UNUSABLE):
        return Heard.SILENT
    if _is_unread(evidence, said):
        return Heard.UNREAD
    readable = evidence.kind is Kind.REFUSED or evidence.status == _UNPROCESSABLE
    return Heard.OTHER if readable else Heard.BROKEN


def _is_unread(evidence: Evidence, said: str) -> bool:
    """Tell a request that was not read; a framework's 422 has no words that are known here."""
    status = evidence.status or 0
    wordless = status == _UNPROCESSABLE and not said.strip()
    return status in _NOT_THIS_FORM or wordless or (status < 500 and bool(_UNREAD.search(said)))
