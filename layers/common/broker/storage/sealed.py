"""How a sealed secret lies in an item."""

from broker.model import Sealed
from broker.storage.table import Item


def to_item(sealed: Sealed | None) -> Item | None:
    """Return the attribute's value."""
    if sealed is None:
        return None
    return {"key": sealed.wrapped_key, "nonce": sealed.nonce, "text": sealed.ciphertext}


def from_item(item: Item | None) -> Sealed | None:
    """Read the attribute back."""
    return None if item is None else required(item)


def required(item: Item) -> Sealed:
    """Read an attribute that is always there."""
    return Sealed(item["key"], item["nonce"], item["text"])
