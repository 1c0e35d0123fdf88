"""Fetch a metadata document: through the door out, once, bounded, and only JSON."""

from dataclasses import dataclass

from pydantic import ValidationError

from broker.clock import Clock
from broker.errors import AddressBlocked, AnswerTimeout, AnswerTooLarge, OutboundError
from broker.mcp.messages import NotJsonRpc, parse
from broker.outbound import Answer, Outbound
from broker.wire import Wire

CAP = 128 * 1024
"""Bytes of a document, at most."""
SECONDS = 5.0
"""For one document; a server that drips does not get the whole invocation."""


class NotThere(Exception):
    """No document lies at that URL (any 4xx): the next one is tried, and nobody is told."""


class Refused(Exception):
    """A document that is not taken; ``why`` is one of a fixed set of words."""

    def __init__(self, why: str, message: str) -> None:
        """Take the word and the public message, which quotes nothing of the document."""
        super().__init__(message)
        self.why = why
        self.message = message


@dataclass(frozen=True, slots=True)
class Fetcher:
    """Reads documents."""

    outbound: Outbound
    clock: Clock

    def read[Document: Wire](self, url: str, shape: type[Document], deadline: float) -> Document:
        """Return the document; raise NotThere or Refused. A redirect is refused, not followed."""
        answer = self._answer(url, min(deadline, self.clock.monotonic() + SECONDS))
        if 400 <= answer.status < 500:
            raise NotThere
        if 300 <= answer.status < 400:
            raise Refused("redirect", "It answers with a redirect, which is not followed.")
        if answer.status != 200:
            raise Refused("http_status", f"It answers with HTTP {answer.status}.")
        return read_document(answer.body, shape)

    def _answer(self, url: str, deadline: float) -> Answer:
        headers = {"Accept": "application/json", "MCP-Protocol-Version": "2025-11-25"}
        try:
            return self.outbound.send("GET", url, headers=headers, deadline=deadline, cap=CAP)
        except OutboundError as exc:
            raise refused_by_door(exc) from None


def refused_by_door(exc: OutboundError) -> Refused:
    """Name why a request brought no answer; the door's own words are public."""
    match exc:
        case AddressBlocked():
            return Refused("blocked", f"It is not asked: {exc}")
        case AnswerTooLarge():
            return Refused("too_large", "It is larger than a metadata document may be.")
        case AnswerTimeout():
            return Refused("timeout", "It does not answer in time.")
        case _:
            return Refused("unreachable", "It cannot be reached.")


def read_document[Document: Wire](body: bytes, shape: type[Document]) -> Document:
    """Check the shape; raise Refused, quoting nothing."""
    try:
        members = parse(body)
    except NotJsonRpc:
        raise Refused("not_json", "It is not JSON.") from None
    if not isinstance(members, dict):
        raise Refused("wrong_type", "It is not a JSON object.")
    try:
        return shape.model_validate(members)
    except ValidationError as exc:
        known = {str(fault["loc"][0]) for fault in exc.errors() if fault["loc"]}
        names = ", ".join(sorted(known & shape.model_fields.keys()))
        message = f"Members are missing or not of the right type: {names}."
        raise Refused("wrong_type", message) from None
