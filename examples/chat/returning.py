"""The way back: the browser arrives at ``/return``, sent by the broker's callback.

The whole defence against somebody else's connect link lies in two lines: the session must itself
have started ``connect_id``, and the broker is told the user of *this* session. Take the user from
nowhere else: not from the query, not from ``client_state``.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import httpx

from examples.chat import answers
from examples.chat.broker import Broker, BrokerError, Json
from examples.chat.sessions import Session


@dataclass(frozen=True, slots=True)
class Outcome:
    """How it ended; the return page hands this to the chat's tab."""

    connect_id: str
    connected: bool
    text: str


_ERRORS = {
    "access_denied": "You did not allow the access at {service}, so nothing was connected.",
    "server_changed": "{service} was set up anew while you were signing in. Please connect again.",
}
_FOREIGN = (
    "This sign-in was not started in your chat, so nothing was connected. If somebody sent you the"
    " link, they may have wanted to use your account."
)
_UNSURE = "The service did not complete the sign-in. Please try again."


def finish(session: Session | None, broker: Broker, query: Mapping[str, str]) -> Outcome:
    """Complete a connection, if the session has started it."""
    connect_id = query.get("connect_id", "")
    started = session.started(connect_id) if session else None
    if session is None or started is None:
        return Outcome(connect_id, connected=False, text=_FOREIGN)
    if error := query.get("error"):
        text = _ERRORS.get(error, "{service} did not complete the sign-in. Please try again.")
        return Outcome(connect_id, connected=False, text=text.format(service=started.service))
    session.forget(connect_id)
    try:
        made = _complete(session, broker, started.server_id, query)
    except BrokerError as refused:
        return Outcome(connect_id, connected=False, text=str(answers.trouble(refused)["text"]))
    except httpx.TransportError:
        return Outcome(connect_id, connected=False, text=str(answers.unreachable()["text"]))
    if made["status"] != "active":
        return Outcome(connect_id, connected=False, text=_UNSURE)
    account = f" as {made['account']}" if made["account"] else ""
    return Outcome(connect_id, connected=True, text=f"Connected: {started.service}{account}")


def _complete(session: Session, broker: Broker, server_id: str, query: Mapping[str, str]) -> Json:
    """Return the connection; if the answer is lost, look whether it was made: never send twice."""
    user_id, code = session.user.user_id, query.get("completion_code", "")
    try:
        made: Json = broker.complete(user_id, server_id, query["connect_id"], code)["connection"]
    except httpx.TransportError:
        made = broker.connections(user_id, server_id)
    return made
