"""The one base for what others wrote: requests, environment, answers, metadata documents."""

from pydantic import BaseModel, ConfigDict


class Wire(BaseModel):
    """Frozen, tolerant of unknown members, and silent about the input in its errors.

    Never log a ``ValidationError`` or its ``.errors()``: they quote the input.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)
