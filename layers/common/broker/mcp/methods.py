"""The methods that a server is asked, as data (2026-07-28, Server Features)."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Method:
    """One method: what its headers name, and what its result must hold."""

    name: str
    names: str | None = None
    """The parameter that ``Mcp-Name`` mirrors (Streamable HTTP, Standard Request Headers)."""
    list_key: str | None = None
    """Under which member a page of its list lies; None: it is no list."""
    item_key: str = "name"
    """What tells the entries of that list apart."""
    result_key: str | None = None
    """The member without which a result is none; None: any object is one."""
    result_type: type = list
    may_ask: bool = False
    """It may be answered by ``input_required`` (Multi Round-Trip Requests)."""


METHODS: Mapping[str, Method] = {
    method.name: method
    for method in (
        Method("tools/list", list_key="tools"),
        Method("tools/call", names="name", result_key="content", may_ask=True),
        Method("prompts/list", list_key="prompts"),
        Method("prompts/get", names="name", result_key="messages", may_ask=True),
        Method("resources/list", list_key="resources", item_key="uri"),
        Method("resources/templates/list", list_key="resourceTemplates", item_key="uriTemplate"),
        Method("resources/read", names="uri", result_key="contents", may_ask=True),
        Method("completion/complete", result_key="completion", result_type=dict),
    )
}
LISTS = frozenset(name for name, method in METHODS.items() if method.list_key is not None)
QUESTIONS = frozenset(METHODS) - LISTS - {"tools/call"}
"""What is asked once and answered whole; tools/call has rules of its own."""
