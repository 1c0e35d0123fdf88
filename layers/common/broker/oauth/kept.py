"""What a connection keeps of its consent: values of both answers, for the gaps of later URLs."""

from collections.abc import Mapping

from broker.diagnosis import Evidence, Kind, Step
from broker.model import KeptFrom, Secret, Server, needed
from broker.redaction import Redactor

from .answer_body import value_at
from .failures import ForeignResponse
from .token_response import read_scope


class PlaceRefused(ForeignResponse):
    """A value that later requests need is not there, or is none that the builder allows."""


def kept_of_callback(server: Server, parameters: Mapping[str, str]) -> dict[str, str]:
    """Return what is kept of the authorization response; what may not be is left out.

    It comes by the user's browser: who relies on it must hold it against the token.
    """
    code = Secret(parameters.get("code", ""))
    said = {
        name: parameters.get(field.field)
        for name, field in server.quirks.kept_fields.items()
        if field.source is KeptFrom.CALLBACK
    }
    return _admitted(server, said, Redactor(code))


def scopes_of_callback(server: Server, parameters: Mapping[str, str]) -> tuple[str, ...]:
    """Return the scopes that the authorization response lists as granted; none: it lists none.

    For display and for the next question alone: it comes by the user's browser.
    """
    name = server.quirks.scope_callback_parameter
    listed = read_scope(parameters.get(name), server.scope_separator) if name else None
    return Redactor(Secret(parameters.get("code", ""))).without(listed or ())


def kept_of_response(
    server: Server,
    members: Mapping[str, object],
    before: Mapping[str, str],
    *secrets: Secret | None,
) -> dict[str, str]:
    """Return ``before`` with what is kept of the token response; what may not be is left out.

    A value in which one of the ``secrets`` stands is not kept: it would be stored in the clear.
    """
    said = {
        name: value_at(members, field.field)
        for name, field in server.quirks.kept_fields.items()
        if field.source is KeptFrom.TOKEN_RESPONSE
    }
    return {**before, **_admitted(server, said, Redactor(*secrets))}


def check_kept(server: Server, kept: Mapping[str, str], step: Step) -> None:
    """Raise PlaceRefused unless everything is kept that a URL or header has a gap for."""
    wanted = needed(server)
    for name in server.quirks.kept_fields:
        if name in wanted and name not in kept:
            raise place_refused(name, step)


def place_refused(name: str, step: Step) -> PlaceRefused:
    """Name the field for which there is no value that may be used."""
    description = f"kept_fields.{name}: not said, or not a value that is allowed."
    evidence = Evidence(
        step,
        Kind.REFUSED,
        error="kept_field",
        description=description,
        facts={"kept_field": name},
    )
    return PlaceRefused(evidence)


def _admitted(server: Server, said: Mapping[str, object], redactor: Redactor) -> dict[str, str]:
    """Judge each value by its rule; the default stands in for one that was not said."""
    kept = {}
    for name, value in said.items():
        field = server.quirks.kept_fields[name]
        text = field.rule.admitted(field.default if value is None else value)
        if text is not None and not redactor.holds(text):
            kept[name] = text
    return kept
