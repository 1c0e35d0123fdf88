"""A named gap in a preset's templates, and what may be put into it."""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Self

from pydantic import ConfigDict, Field, model_validator

from broker.wire import Wire

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"


class Kind(StrEnum):
    """What a value is; each kind admits nothing that could end a host name or a path segment."""

    LABEL = "label"
    """One label of a host name (RFC 1123 §2.1): ``acme`` of ``acme.example.com``."""
    HOST = "host"
    """A host name of at least two labels; no port, no user name, no scheme."""
    SEGMENT = "segment"
    """One path segment of unreserved characters (RFC 3986 §2.3), not starting with a dot."""
    CHOICE = "choice"
    """The name of one of the ``options``."""


GRAMMAR: Mapping[Kind, re.Pattern[str]] = {
    Kind.LABEL: re.compile(_LABEL),
    Kind.HOST: re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})+"),
    Kind.SEGMENT: re.compile(r"[A-Za-z0-9_~-][A-Za-z0-9._~-]{0,127}"),
}
_EXPECTED: Mapping[Kind, str] = {
    Kind.LABEL: "letters, digits and hyphens",
    Kind.HOST: "a host name alone, without https:// and without a path",
    Kind.SEGMENT: "letters, digits and -._~",
}


class ValueRefused(ValueError):
    """A value does not fit its kind; the text says what would."""


class PresetValue(Wire):
    """A value that the builder gives, with what to look for and where."""

    model_config = ConfigDict(extra="forbid")

    kind: Kind
    description: Annotated[str, Field(min_length=1, max_length=300)]
    example: Annotated[str, Field(min_length=1, max_length=253)]
    default: str | None = None
    options: Mapping[str, Annotated[str, Field(pattern=r"^[A-Za-z0-9.-]*$")]] = Field(
        default_factory=dict
    )
    """For a choice: its names, and the text that each stands for in the templates."""

    def text_for(self, given: str) -> str:
        """Return what stands in the templates for a value; raise ValueRefused."""
        if self.kind is Kind.CHOICE:
            if given not in self.options:
                raise ValueRefused(f"must be one of {', '.join(self.options)}")
            return self.options[given]
        if not GRAMMAR[self.kind].fullmatch(given):
            raise ValueRefused(f"must be {_EXPECTED[self.kind]}, such as {self.example}")
        return given

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        if (self.kind is Kind.CHOICE) != bool(self.options):
            raise ValueError("a choice has options, and nothing else has")
        self.text_for(self.example)
        if self.default is not None:
            self.text_for(self.default)
        return self
