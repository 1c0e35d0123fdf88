"""Text of a stranger, made fit to be shown: nothing secret, nothing that hides or moves text."""

import itertools
import re
import unicodedata
from collections.abc import Iterable
from urllib.parse import quote, quote_plus, urlsplit

HIDDEN = "…"
_LONGEST_READ = 2_000
_LONGEST_SHOWN = 200
_SHORTEST_HIDDEN = 4
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_CODE = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_RUN = r"[A-Za-z0-9_\-.~+/%]{16,}+={0,2}"
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]{1,15}://[^\s\"'<>]+")
_OURS = re.compile(r"^https?://[^/?#@]+/callback/[a-z0-9-]{1,63}[.,]?$")
_PIECE = re.compile(
    r"(?P<url>[A-Za-z][A-Za-z0-9+.\-]{1,15}://[^\s\"'<>]+)"
    r"|(?P<local>[^\s@<>\"'(),;:=]{1,64})@(?P<domain>[A-Za-z0-9.\-]+\.[A-Za-z]{2,})"
    r"|(?P<name>[A-Za-z_]{0,30}(?:token|code|secret|password|assertion|state|verifier|key)=)"
    r"(?P<value>[^\s&\"'<>,;]+)"
    rf"|(?P<run>{_RUN})(?!://)",
    re.IGNORECASE,
)


def printable(text: str) -> str:
    """Drop control, format (bidirectional marks too), surrogate and unassigned characters."""
    kept = (" " if char.isspace() else char for char in text)
    visible = "".join(char for char in kept if unicodedata.category(char)[0] != "C")
    return " ".join(visible.split())


def scrub(text: str, hide: Iterable[str] = ()) -> str:
    """Return at most 200 printable characters without secrets.

    Takes out every text in ``hide`` (raw and percent-encoded), long runs that look like tokens,
    what is before the @ of an e-mail address, and the user, query and fragment of URLs. It does
    not find a secret that is short and looks like a word: hand such a one in ``hide``.
    """
    shown = text if len(text) <= _LONGEST_READ else text[:_LONGEST_READ].rpartition(" ")[0]
    for variant in _variants(hide):
        shown = shown.replace(variant, HIDDEN)
    shown = _PIECE.sub(_shown_piece, printable(shown))
    return shown if len(shown) <= _LONGEST_SHOWN else shown[: _LONGEST_SHOWN - 1] + HIDDEN


def hide_in_urls(text: str) -> str:
    """Take query, fragment, user and what looks like a key in a path out of the URLs in a text.

    A redirect URI of ours stays as it is: it is what the service has to be told.
    """
    return _URL.sub(lambda url: url[0] if _OURS.search(url[0]) else _shown_url(url[0]), text)


def short_code(text: object, hide: Iterable[str] = ()) -> str | None:
    """Return an error code of at most 64 ``[A-Za-z0-9_.-]``; None for anything else."""
    if not isinstance(text, str) or not _CODE.fullmatch(text):
        return None
    hidden = any(variant in text for variant in _variants(hide))
    return None if hidden or _looks_secret(text) else text


def _variants(hide: Iterable[str]) -> list[str]:
    texts = {text for text in hide if len(text) >= _SHORTEST_HIDDEN}
    encoders = (str, lambda text: quote(text, "", errors="replace"), _form_encoded)
    return sorted({encode(text) for text in texts for encode in encoders}, key=len, reverse=True)


def _form_encoded(text: str) -> str:
    return quote_plus(text, errors="replace")


def _shown_piece(match: re.Match[str]) -> str:
    if match["url"]:
        return _shown_url(match["url"])
    if match["domain"]:
        return f"{HIDDEN}@{match['domain']}"
    if match["name"]:
        return f"{match['name']}{HIDDEN}"
    return HIDDEN if _looks_secret(match["run"]) else match["run"]


def _shown_url(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        return HIDDEN
    place = parts.netloc.rpartition("@")[2]
    path = "/".join(_shown_segment(segment) for segment in parts.path.split("/"))
    return f"{parts.scheme}://{place}{path}{'?…' if parts.query or parts.fragment else ''}"


def _shown_segment(segment: str) -> str:
    if _UUID.fullmatch(segment):  # a tenant in a path; elsewhere it may be an opaque token
        return segment
    return HIDDEN if _looks_secret(segment) else segment


def _looks_secret(run: str) -> bool:
    """Tell a token from words: digits in a long run, wild capitals, or no pause for 30 letters."""
    run = re.sub(r"oauth2", "oauth", run, flags=re.IGNORECASE)
    if len(run) < 16:
        return False
    pairs = itertools.pairwise(run)
    changes = sum(a.isalpha() and b.isalpha() and a.islower() != b.islower() for a, b in pairs)
    unbroken = max(len(part) for part in re.split(r"[^A-Za-z0-9]", run))
    return any(char.isdigit() for char in run) or changes * 3 >= len(run) or unbroken > 30
