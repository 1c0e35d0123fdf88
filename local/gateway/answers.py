"""A function's answer in payload format 2.0, as an HTTP response."""

import base64
import binascii
import json
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from local.loopback import Reply

_HOP_BY_HOP = {"connection", "content-length", "keep-alive", "transfer-encoding", "upgrade"}

type _Line = Annotated[str, Field(pattern=r"^[\t\x20-\x7e\x80-\xff]*$")]


class MalformedAnswerError(Exception):
    """The function answered something that API Gateway makes a 500 of."""


class _Answer(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, hide_input_in_errors=True)

    status_code: int = Field(ge=100, le=599)
    headers: dict[str, _Line | int | float | bool] | None = None
    cookies: list[_Line] | None = None
    body: str | None = None
    is_base64_encoded: bool = False


def reply_to(payload: bytes) -> Reply:
    """Turn an answer into a response; raise MalformedAnswerError where API Gateway answers 500.

    Without a `statusCode`, the whole answer is the JSON body of a 200.
    """
    try:
        raw = json.loads(payload)
        if not isinstance(raw, dict) or "statusCode" not in raw:
            return Reply(200, [("Content-Type", "application/json")], payload)
        answer = _Answer.model_validate(raw)
        return Reply(answer.status_code, _headers(answer), _body(answer))
    except (json.JSONDecodeError, ValidationError, binascii.Error) as exc:
        raise MalformedAnswerError from exc


def _headers(answer: _Answer) -> list[tuple[str, str]]:
    headers = [
        (name, value if isinstance(value, str) else json.dumps(value))
        for name, value in (answer.headers or {}).items()
        if name.lower() not in _HOP_BY_HOP
    ]
    if all(name.lower() != "content-type" for name, _ in headers):
        headers.append(("Content-Type", "text/plain;charset=UTF-8"))
    return headers + [("Set-Cookie", cookie) for cookie in answer.cookies or []]


def _body(answer: _Answer) -> bytes:
    if answer.is_base64_encoded:
        return base64.b64decode(answer.body or "", validate=True)
    return (answer.body or "").encode()
