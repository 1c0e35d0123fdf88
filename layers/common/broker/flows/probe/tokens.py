"""A test's tokens: sealed as ``test``, under the test's own id, and never a connection."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import final

from broker.model import Secret, TestRun, TokenSet
from broker.oauth import TokenResponse
from broker.vault import Vault, test_place


@final
@dataclass(frozen=True, slots=True)
class TestTokens:
    """What the exchange gave, as far as the later steps need it."""

    __test__ = False  # pytest: not a test class

    response: TokenResponse
    nonce: str | None = field(default=None, repr=False)

    def keep(self, run: TestRun, vault: Vault) -> TestRun:
        """Seal into the report's row."""
        tokens = self.response.token_set
        text = json.dumps(
            {
                "access_token": tokens.access_token.reveal(),
                "refresh_token": _revealed(tokens.refresh_token),
                "expires_at": tokens.expires_at.timestamp() if tokens.expires_at else None,
                "obtained_at": tokens.obtained_at.timestamp(),
                "scope": tokens.scope,
                "id_token": _revealed(self.response.id_token),
                "members": self.response.members,
                "nonce": self.nonce,
                "kept": dict(self.response.kept),
            }
        )
        sealed = vault.seal(test_place(run.server_id, run.test_id), Secret(text))
        return replace(run, tokens=sealed)

    def after_refresh(self, refreshed: TokenResponse) -> "TestTokens":
        """Return the set that follows; the old refresh token stays if no new one came."""
        tokens = refreshed.token_set
        kept = replace(
            tokens,
            refresh_token=tokens.refresh_token or self.response.token_set.refresh_token,
        )
        kept_values = self.response.kept
        return replace(self, response=replace(refreshed, token_set=kept, kept=kept_values))


def open_tokens(run: TestRun, vault: Vault) -> TestTokens | None:
    """Open what keep() sealed; None: nothing is kept (any more)."""
    if run.tokens is None:
        return None
    text = vault.open(test_place(run.server_id, run.test_id), run.tokens).reveal()
    kept: Mapping[str, object] = json.loads(text)
    return TestTokens(_response(dict(kept)), _text(kept["nonce"]))


def _response(kept: dict[str, object]) -> TokenResponse:
    scope = kept["scope"]
    tokens = TokenSet(
        access_token=Secret(str(kept["access_token"])),
        refresh_token=_secret(kept["refresh_token"]),
        expires_at=_moment(kept["expires_at"]),
        obtained_at=_moment(kept["obtained_at"]) or datetime.now(UTC),
        scope=tuple(map(str, scope)) if isinstance(scope, list) else None,
    )
    members, values = kept["members"], kept.get("kept")
    return TokenResponse(
        tokens,
        _secret(kept["id_token"]),
        members if isinstance(members, dict) else {},
        kept=values if isinstance(values, dict) else {},
    )


def _revealed(secret: Secret | None) -> str | None:
    return secret.reveal() if secret else None


def _secret(value: object) -> Secret | None:
    return Secret(value) if isinstance(value, str) else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _moment(value: object) -> datetime | None:
    return datetime.fromtimestamp(value, UTC) if isinstance(value, int | float) else None
