"""Lists, page after page (2025-11-25 and later, Pagination)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeGuard

from broker.errors import McpResultTooLarge, McpServerError

from .answers import Listing, unusable
from .conversation import Conversation, Draft
from .eras import Era, Learned
from .headers import annotations
from .methods import METHODS, Method
from .weight import CAP

MOST_PAGES = 1000
"""A list of that many pages is refused: it is taken for an endless one."""
_LONGEST_NAME = 256
_LONGEST_KEY = 2048
_LONGEST_TTL = 24 * 3600 * 1000


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list."""

    entries: Sequence[object] = field(repr=False)
    cursor: str | None
    ttl_ms: int | None
    is_public: bool


def list_all(conversation: Conversation, method: str) -> Listing:
    """Read all pages: fewer than 1,000, and 4 MB in all.

    A key (a tool's name, a resource's URI) is kept once, the first time; an entry without a
    printable one, or a tool with invalid x-mcp-header annotations, not at all.

    Raises:
        McpServerError: The list is endless, goes in a circle, or is none.
        McpResultTooLarge: It is over 4 MB.
    """
    rule = METHODS[method]
    pages = list(_pages(conversation, rule))
    if conversation.remembered is None:
        raise unusable("list")
    return _joined(pages, rule, conversation.remembered)


def _pages(conversation: Conversation, rule: Method) -> Iterator[Page]:
    seen: set[str | None] = {None}
    cursor, left = None, CAP
    while True:
        params: dict[str, object] = {} if cursor is None else {"cursor": cursor}
        settled = conversation.ask(Draft(rule.name, params), cap=left)
        page = _read_page(settled.result, rule)
        yield page
        cursor, left = page.cursor, left - settled.size
        if left < 0:
            raise McpResultTooLarge("The MCP server's list is larger than the broker takes.")
        if cursor is None:
            return
        if cursor in seen or len(seen) == MOST_PAGES - 1:
            raise McpServerError(
                "The MCP server's list has no end.", details={"reason": "endless_list"}
            )
        seen.add(cursor)


def _read_page(result: Mapping[str, object], rule: Method) -> Page:
    entries, cursor = result.get(rule.list_key or ""), result.get("nextCursor")
    if not isinstance(entries, list) or result.get("resultType", "complete") != "complete":
        raise unusable(f"result of {rule.name}")
    return Page(
        entries,
        cursor if isinstance(cursor, str) else None,
        _lifetime(result.get("ttlMs")),
        is_public=result.get("cacheScope") == "public",
    )


def _lifetime(ttl: object) -> int | None:
    if not isinstance(ttl, int | float) or isinstance(ttl, bool) or ttl < 0:
        return None
    return int(min(ttl, _LONGEST_TTL))


def _joined(pages: Sequence[Page], rule: Method, learned: Learned) -> Listing:
    """Make one list of all pages; only what every page allows is allowed."""
    is_modern = learned.era is Era.MODERN
    lifetimes = [page.ttl_ms for page in pages if page.ttl_ms is not None]
    return Listing(
        _kept((entry for page in pages for entry in page.entries), rule, is_modern=is_modern),
        ttl_ms=min(lifetimes) if is_modern and lifetimes else None,
        cache_scope="public" if is_modern and all(page.is_public for page in pages) else "private",
        learned=learned,
    )


def _kept(
    entries: Iterable[object], rule: Method, *, is_modern: bool
) -> tuple[Mapping[str, object], ...]:
    kept: dict[str, Mapping[str, object]] = {}
    for entry in entries:
        if not isinstance(entry, dict):
            continue
        key = entry.get(rule.item_key)
        if _is_key(key, rule) and not (is_modern and _is_misannotated(entry, rule)):
            kept.setdefault(key, entry)
    return tuple(kept.values())


def _is_key(key: object, rule: Method) -> TypeGuard[str]:
    longest = _LONGEST_NAME if rule.item_key == "name" else _LONGEST_KEY
    return isinstance(key, str) and 0 < len(key) <= longest and key.isprintable()


def _is_misannotated(entry: Mapping[str, object], rule: Method) -> bool:
    return rule.name == "tools/list" and annotations(entry.get("inputSchema")) is None
