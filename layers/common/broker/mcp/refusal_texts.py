"""What servers of before 2026-07-28 say when they run nothing, word for word.

The texts of the transports of the SDKs for Python 1 and 2, TypeScript 1 and 2, C# and Go, of
mcp-go and of the reference servers. They are compared whole: a tool may speak of sessions and of
what it could not initialize as well, and may have run when it does.
"""

import re

_LONGEST = 300
_PREFIX = r"(?:(?:bad|invalid)\ request:\ |not\ found:\ )?"
_UNINITIALIZED = re.compile(
    rf"""{_PREFIX}
    (?: (?:the\ )? (?:(?:mcp\ )?server|client|session|connection)\ (?:is\ |was\ )?
        not\ (?:yet\ )?initiali[sz]ed
      | received\ request\ before\ initiali[sz]ation (?:\ was\ complete)?
    )\.?""",
    re.IGNORECASE | re.VERBOSE,
)
_INVALID_DURING_START = re.compile(
    r"""method ["'][^"']{1,128}["'] is invalid during session initialization"""
)
_SESSION = re.compile(
    rf"""{_PREFIX}
    (?: (?:no|missing|invalid|invalid\ or\ missing|invalid\ or\ expired|no\ valid|unknown|expired)
        \ session (?:\ ?id)? (?:\ provided)?
      | session (?:[\ _]id)?\ (?:not\ found|is\ required|expired|terminated|has\ been\ terminated)
      | mcp-session-id\ header\ is\ required
      | could\ not\ find\ session
      | not\ an\ initialization\ request\ and\ no\ valid\ session\ id\ provided
    )\.?""",
    re.IGNORECASE | re.VERBOSE,
)
_VERSION = re.compile(
    rf"""{_PREFIX}
    (?:unsupported|invalid)\ (?:mcp-)?protocol[\ -]version
    (?: :\ [\w-]{{1,40}}
        (?: \.?\ \(?supported\ versions:\ [\d-]{{10}} (?:,\ [\d-]{{10}}){{0,15}} \)? )? )?""",
    re.IGNORECASE | re.VERBOSE,
)
_ABOUT_SESSIONS = re.compile(r"initiali[sz]|session", re.IGNORECASE)


def says_uninitialized(text: str) -> bool:
    """Say whether this is a server that waits for ``initialize``."""
    return _is(_UNINITIALIZED, text)


def says_invalid_during_start(text: str) -> bool:
    """Say whether this is the Go SDK, which waits for ``initialize`` and has no code for it."""
    return _is(_INVALID_DURING_START, text)


def says_no_session(text: str) -> bool:
    """Say whether a transport refuses a request for its session or its version."""
    return any(_is(each, text) for each in (_SESSION, _VERSION, _UNINITIALIZED))


def mentions_start(text: str) -> bool:
    """Say whether a text is about sessions or starts at all, which proves nothing."""
    return _ABOUT_SESSIONS.search(text) is not None


def _is(pattern: re.Pattern[str], text: str) -> bool:
    return len(text) <= _LONGEST and pattern.fullmatch(text.strip()) is not None
