"""What a server says on the way to its answer: progress, and lines of its log."""

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

from broker.model import NOTHING, Hearing
from broker.redaction import Redactor

from .messages import items

MOST_NOTICES = 256
MOST_BYTES = 256 * 1024
_PROGRESS, _LOG = "notifications/progress", "notifications/message"


@dataclass(frozen=True, slots=True)
class Notices:
    """Notifications as the server sent them, in order; the later ones of too many are dropped."""

    heard: Sequence[Mapping[str, object]] = field(default=(), repr=False)
    """``{"method": …, "params": …}`` each."""
    dropped: int = 0

    def redacted(self, redactor: Redactor) -> Self:
        """Return them without the secrets that the server was sent."""
        return type(self)(tuple(redactor.value(notice) for notice in self.heard), self.dropped)


SILENCE = Notices()


@dataclass(slots=True)
class Ear:
    """Hears the notifications of one call: 256 of them, and 256 KB, at most."""

    hearing: Hearing = NOTHING
    token: str | None = None
    """What the server was given as ``progressToken``."""
    heard: list[Mapping[str, object]] = field(default_factory=list, repr=False)
    dropped: int = 0
    _left: int = MOST_BYTES

    def meta(self) -> dict[str, object]:
        """Return what of ``_meta`` asks the server for progress; a token that is ours alone."""
        if self.hearing.progress_token is None:
            return {}
        self.token = self.token or "p" + secrets.token_hex(12)
        return {"progressToken": self.token}

    def hear(self, message: object) -> None:
        """Keep what of a message (or batch) is a notification for our caller."""
        for item in items(message):
            params = item.get("params")
            if "id" in item or not isinstance(params, dict):
                continue
            if item.get("method") == _LOG:
                self._keep(_LOG, params)
            elif item.get("method") == _PROGRESS and self._is_ours(params):
                self._keep(_PROGRESS, {**params, "progressToken": self.hearing.progress_token})

    def notices(self) -> Notices:
        """Return what was heard so far."""
        return Notices(tuple(self.heard), self.dropped)

    def _is_ours(self, params: Mapping[str, object]) -> bool:
        return self.token is not None and params.get("progressToken") == self.token

    def _keep(self, method: str, params: Mapping[str, object]) -> None:
        size = len(json.dumps(params))
        if len(self.heard) == MOST_NOTICES or size > self._left:
            self.dropped += 1
            return
        self._left -= size
        self.heard.append({"method": method, "params": params})
