"""What the tests read about a token or revocation request: fingerprints, never a token."""

import time
from typing import Any

from flask import Response, request

from .client_authentication import presented
from .records import fingerprint
from .store import Store


def describe(store: Store, endpoint: str, mode: str, answer: Response | None) -> dict[str, Any]:
    """Return the log entry of the current request.

    ``outcome`` is ``ok``, an error code, or None if the mode kept it from being carried out.
    """
    body = answer.get_json() if answer else {}
    credentials = presented(request)
    form = request.form
    return {
        "time": time.time(),
        "endpoint": endpoint,
        "client_id": credentials.client_id,
        "style": credentials.style,
        "grant_type": form.get("grant_type"),
        "mode": mode,
        "outcome": body.get("error", "ok") if answer else None,
        "detail": body.get("error_description"),
        "presented": _fingerprint(form.get("refresh_token") or form.get("token")),
        "issued": _fingerprint(body.get("refresh_token")),
        "parameters": sorted(form),
        "accept": request.headers.get("Accept", ""),
        **_owner(store, [body.get("access_token"), form.get("refresh_token"), form.get("token")]),
    }


def _fingerprint(token: str | None) -> str | None:
    return fingerprint(token) if token else None


def _owner(store: Store, values: list[str | None]) -> dict[str, Any]:
    for value in values:
        if token := store.find_token(value or ""):
            grant = token.grant
            return {"username": grant.person.username, "grant_id": grant.grant_id}
    return {"username": None, "grant_id": None}
