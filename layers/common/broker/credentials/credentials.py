"""What a server's client proves itself with: its secret, or an assertion made for one request."""

from dataclasses import dataclass
from datetime import datetime

from broker.clock import Clock
from broker.model import Secret, Server, TokenRequestStyle
from broker.oauth.client_assertion import client_assertion
from broker.vault import Vault

from .signing_key import SigningKey


@dataclass(frozen=True, slots=True)
class ClientCredentials:
    """Opens secrets, and signs assertions where the stack has a key."""

    clock: Clock
    vault: Vault
    key: SigningKey | None

    def of(self, server: Server, now: datetime | None = None) -> Secret | None:
        """Return what goes into one request of this server's client; None: there is nothing.

        An assertion is good for one request only, so ask again for the next. ``now`` tells a
        better time than the container's clock, if there is one. Nothing has been sent when this
        raises TemporarilyUnavailable.
        """
        if server.token_request_style is not TokenRequestStyle.PRIVATE_KEY_JWT:
            return self.vault.client_secret_of(server)
        audience = server.assertion_audience
        if self.key is None or not audience or not server.client_id:
            return None
        return client_assertion(
            server.client_id,
            audience,
            kid=self.key.kid,
            sign=self.key.sign,
            now=now or self.clock.now(),
        )
