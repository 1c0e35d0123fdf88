"""Whose address book holds whom; all of them invented."""

from typing import TypedDict


class Contact(TypedDict):
    """A line in an address book."""

    name: str
    email: str
    region: str


_NOBODY = "nobody"

_BOOKS: dict[str, list[tuple[str, str, str]]] = {
    "alice": [
        ("Ada Ferry", "ada.ferry@example.com", "north"),
        ("Ari Quay", "ari.quay@example.com", "south"),
    ],
    "bob": [
        ("Bea Mast", "bea.mast@example.com", "north"),
        ("Bo Tide", "bo.tide@example.com", "west"),
        ("Bram Keel", "bram.keel@example.com", "south"),
    ],
    _NOBODY: [("Harbor Office", "office@example.com", "north")],
}


def contacts_of(username: str) -> list[Contact]:
    """Return a person's contacts; a caller who is no person sees the office."""
    lines = _BOOKS.get(username, _BOOKS[_NOBODY])
    return [Contact(name=name, email=email, region=region) for name, email, region in lines]
