"""How a client authenticates, and what was found out about it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class TokenRequestStyle(StrEnum):
    """How the client authenticates, and in which form the body is sent (RFC 6749 §2.3)."""

    FORM_POST = "form_post"
    FORM_BASIC = "form_basic"
    JSON_BASIC = "json_basic"
    JSON_POST = "json_post"
    NONE = "none"
    PRIVATE_KEY_JWT = "private_key_jwt"
    """An assertion signed with the stack's own key, in a form body (RFC 7523 §2.2)."""

    AUTO = "auto"
    """Whichever the service takes: found out before the first consent."""

    @property
    def takes_secret(self) -> bool:
        """Say whether the client proves itself by a secret."""
        return self not in (TokenRequestStyle.NONE, TokenRequestStyle.PRIVATE_KEY_JWT)


SECRET_STYLES = (
    TokenRequestStyle.FORM_POST,
    TokenRequestStyle.FORM_BASIC,
    TokenRequestStyle.JSON_POST,
    TokenRequestStyle.JSON_BASIC,
)
"""What ``auto`` may come to, the most usual first: never ``none``."""


class StyleVerdict(StrEnum):
    """What the looking came to."""

    PROVEN = "proven"
    """One style takes the real secret and refuses a wrong one; or a code was exchanged with it."""
    CLIENT_REFUSED = "client_refused"
    """Every style that is read is refused with the real secret: it, or the client id, is wrong."""
    UNDECIDED = "undecided"
    """Nothing the service answers tells a real secret from a wrong one."""
    HELD_BACK = "held_back"
    """It asked for fewer requests, or spoke of locking the client out: nothing more was sent."""
    UNUSABLE = "unusable"
    """What answers there is no token endpoint, or one that is not working."""


class Sureness(StrEnum):
    """How sure a style is."""

    CERTAIN = "certain"
    LIKELY = "likely"
    """Told apart, but by another error than those of RFC 6749 §5.2."""
    GUESS = "guess"
    """Not told apart, or with another secret than the one that is set now."""


@dataclass(frozen=True, slots=True)
class StyleFinding:
    """The verdict, the styles still worth trying (the first one is used), and when that was."""

    verdict: StyleVerdict
    candidates: tuple[TokenRequestStyle, ...]
    sure: Sureness
    found_at: datetime | None = None
    """None: nobody has looked."""
    requests: int = 0
    """How many were sent for it."""

    @property
    def style(self) -> TokenRequestStyle:
        """Return the style that is used."""
        return self.candidates[0]

    @property
    def proven(self) -> bool:
        """Say whether no other style need be tried."""
        return self.verdict is StyleVerdict.PROVEN and self.sure is not Sureness.GUESS
