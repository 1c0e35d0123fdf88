"""A server that is registered for the length of a walk, and deleted whatever happens."""

import secrets
import time
from dataclasses import dataclass, field

import httpx

from smoke.api import Api, expect_status, members, refusal
from smoke.asked import PREFIX
from smoke.failures import CannotRunError, NoAnswerError, in_one_line

STILL_RUNNING = 30.0
"""Seconds after which a request that nobody waits for can no longer register anything."""
PATIENCE = 20.0
"""Seconds of trying to delete, at least."""
_PAUSE = 1.0
_LONGEST_PAUSE = 8.0


@dataclass(slots=True)
class Registration:
    """One server under an id that nobody else has."""

    api: Api
    server_id: str = field(default_factory=lambda: f"{PREFIX}{secrets.token_hex(6)}")
    may_be_there: bool = False
    _answered: bool = False
    """What became of the PUT is known."""
    _sent_at: float = 0.0

    @property
    def path(self) -> str:
        """Where the server is."""
        return f"/v1/servers/{self.server_id}"

    def put(self, mcp_url: str) -> httpx.Response:
        """Register it, if the id is free; from here on it must be deleted."""
        body = {"name": "Smoke test", "mcp_url": mcp_url, "auth_type": "none"}
        self.may_be_there, self._sent_at = True, time.monotonic()
        try:
            answer = self.api.signed("PUT", self.path, body=body, headers={"If-None-Match": "*"})
        except CannotRunError:
            self.may_be_there = False
            raise
        # A 412 can only mean that somebody on the way sent it twice; after a 5xx it may have run.
        self._answered = answer.is_success or answer.status_code == 412
        self.may_be_there = self._answered or not answer.is_client_error
        return answer

    def delete(self) -> None:
        """Delete it as one step of the walk; raise NotHeldError."""
        expect_status(204, self.api.signed("DELETE", self.path))
        self.may_be_there = False

    def undo(self) -> str | None:
        """Delete it by its id until it is certainly gone; return why it may not be."""
        began, pause = time.monotonic(), _PAUSE
        while self.may_be_there:
            trouble = self._deleted()
            waited = time.monotonic() - began
            if self.may_be_there and trouble and waited > PATIENCE:
                return trouble
            if self.may_be_there:
                time.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
        return None

    def _deleted(self) -> str | None:
        """Try once; return what went wrong."""
        try:
            with self.api.afresh() as api:
                answer = api.signed("DELETE", self.path)
        except (CannotRunError, NoAnswerError) as exc:
            return str(exc)
        absent = members(answer).get("error") == "server_not_found"
        over = time.monotonic() - self._sent_at > STILL_RUNNING
        if answer.status_code == 204 or (absent and (self._answered or over)):
            self.may_be_there = False
        elif not absent:
            seen = in_one_line(f"DELETE answers {answer.status_code}: {answer.text}")
            return refusal(answer, self.api, "BuilderPolicyArn") or seen
        return None
