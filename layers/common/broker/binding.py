"""Cookies that bind a flow to the browser that began it."""

import hashlib

from broker.model import Secret


def flow_cookie(state: Secret) -> str:
    """Return the name of one flow's cookie, so that flows in two tabs do not collide."""
    return f"__Host-flow-{hashlib.sha256(state.reveal().encode()).hexdigest()[:16]}"


def consent_cookie(ticket: Secret) -> str:
    """Return the name of the cookie that the consent page's form must come back with."""
    return f"__Host-consent-{hashlib.sha256(ticket.reveal().encode()).hexdigest()[:16]}"


def cookie_hash(value: str) -> str:
    """Return what is stored of a flow's cookie."""
    return hashlib.sha256(value.encode()).hexdigest()
