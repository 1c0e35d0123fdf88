"""A stand-in for the agent: a few sentences, each of which means one tool call.

In your product a language model chooses the tool and its arguments, from the list that
``GET /v1/servers/{server_id}/tools`` returns.
"""

import re
from dataclasses import dataclass, field

from examples.chat.broker import Json


@dataclass(frozen=True, slots=True)
class ToolCall:
    """What the agent wants to run."""

    server_id: str
    tool: str
    arguments: Json = field(default_factory=dict)


EXAMPLES = ("List my contacts", "Who am I?", "Add 2 and 3", "Delete contact Ada Ferry")

_NUMBER = r"-?\d+(?:\.\d+)?"
_SENTENCES = [
    (r"list (?:my )?contacts", "list_contacts"),
    (r"find contacts in the (?P<region>\w+)", "find_contacts"),
    (r"show contact (?P<name>.+)", "contact_card"),
    (r"delete contact (?P<name>.+)", "delete_contact"),
    (r"who am i", "whoami"),
    (rf"add (?P<first>{_NUMBER}) and (?P<second>{_NUMBER})", "add_numbers"),
]
_ADDRESSED = re.compile(r"(?:@(?P<server_id>[a-z0-9-]+)\s+)?(?P<sentence>.*?)[\s.!?]*", re.DOTALL)


def choose(message: str, default_server_id: str) -> ToolCall | None:
    """Return the call that a message asks for; `@server-id` before it names another server."""
    parts = _ADDRESSED.fullmatch(message.strip())
    if parts is None:
        return None
    for pattern, tool in _SENTENCES:
        if said := re.fullmatch(pattern, parts["sentence"], re.IGNORECASE):
            arguments = {name: _value(text) for name, text in said.groupdict().items()}
            return ToolCall(parts["server_id"] or default_server_id, tool, arguments)
    return None


def _value(text: str) -> str | float:
    return float(text) if re.fullmatch(_NUMBER, text) else text
