"""What an answer says went wrong, wherever the service puts it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from .answer_body import Members, value_at

_CODES = (
    "error",  # RFC 6749 §5.2
    "code",  # Facebook, OpenAI, Notion
    "error_code",
    "errorCode",  # Okta
    "errorType",  # Fitbit
    "error_type",  # Instagram
    "type",
    "status",  # HubSpot: BAD_REFRESH_TOKEN
    "subCategory",  # HubSpot
    "ECODE",  # ClickUp
)
_NUMBERS = ("errcode",)  # WeChat: 0 is a success
_SENTENCES = (
    "error_description",  # RFC 6749 §5.2
    "message",
    "error_message",
    "errorSummary",
    "reason",  # Zoom
    "detail",  # RFC 9457 §3.1
    "description",
    "faultstring",
    "err",
    "errmsg",  # WeChat
    "title",
)
_LONGEST_SENTENCE = 2_000
# What stands in ``error``, or as its code, beside a success.
_NO_ERROR = frozenset({"", "0", "false", "null", "none", "ok", "success", "no_error"})
_CODE = re.compile(r"[A-Za-z][\w .-]{0,63}")  # not a URL (RFC 9457 has one in type)


@dataclass(frozen=True, slots=True)
class StatedError:
    """Codes, most telling first, and one sentence; not scrubbed, so not for logs."""

    codes: tuple[str, ...] = ()
    description: str = ""


def states_error(members: Members, field: str | None = None) -> bool:
    """Tell a refusal inside a 200 (GitHub's ``error``, Slack's ``ok: false``, ``errcode``).

    ``field`` is where the builder says that the service puts its errors, as a dotted path.
    """
    failed = any(_is_no(members.get(name)) for name in ("ok", "success"))
    declared = value_at(members, field) if field else None
    return failed or any(
        _is_error(each) for each in (members.get("error"), *_coded(members), declared)
    )


def stated_error(members: Members, field: str | None = None) -> StatedError:
    """Collect what was said: in ``error`` as text or object, in ``errors``, or beside them.

    Where the builder names a field, it comes first. A code that is a number has its field's name
    before it.
    """
    found = _collected(members)
    declared = _named_code(field.rpartition(".")[2], value_at(members, field)) if field else None
    return replace(found, codes=(declared, *found.codes)) if declared else found


def _collected(members: Members) -> StatedError:
    nested = _nested(members)
    sources = [source for source in (nested, members) if source is not None]
    texts = [text for source in sources for text in _texts(source, _CODES)]
    sentences = [*_strava(nested), *(t for source in sources for t in _texts(source, _SENTENCES))]
    codes = tuple(text for text in texts if _CODE.fullmatch(text))
    if not codes:
        named = (_named_code(name, members.get(name)) for name in _NUMBERS)
        codes = tuple(code for code in named if code)
    prose = [text for text in texts if text not in codes]
    return StatedError(codes, next(iter([*sentences, *prose]), "")[:_LONGEST_SENTENCE])


def _is_no(value: object) -> bool:
    return value is False or value == "false"  # 0 is a number, and for many a success


def _is_error(value: object) -> bool:
    code = value.get("code", value.get("error")) if isinstance(value, dict) else value
    if isinstance(code, str | int) and str(code).strip().lower() in _NO_ERROR:
        return False
    return bool(value)


def _coded(members: Members) -> Iterator[object]:
    return (members.get(name) for name in _NUMBERS)


def _named_code(name: str, value: object) -> str | None:
    """Write a code that is a number with its name: ``errcode-40029``; None: it is no error."""
    if isinstance(value, bool) or not isinstance(value, int | str) or not _is_error(value):
        return None
    text = str(value)
    code = text if _CODE.fullmatch(text) else f"{name}-{text}"
    return code if _CODE.fullmatch(code) else None


def _nested(members: Members) -> Members | None:
    """Find the object in ``error``, ``fault`` (Apigee) or the first of ``errors`` (Fitbit)."""
    errors = members.get("errors")
    first = errors[0] if isinstance(errors, list) and errors else None
    for value in (members.get("error"), members.get("fault"), first):
        if isinstance(value, dict) and value:
            return value
    return None


def _texts(source: Members, names: tuple[str, ...]) -> list[str]:
    values = (source.get(name) for name in names)
    return [value for value in values if isinstance(value, str) and value.strip()]


def _strava(nested: Members | None) -> list[str]:
    """Put ``{resource, field, code}`` into a sentence: 'RefreshToken refresh_token invalid'."""
    parts = _texts(nested or {}, ("resource", "field", "code"))
    return [" ".join(parts)] if len(parts) == 3 else []
