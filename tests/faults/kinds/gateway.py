"""Through the gateway onto containers of the local stack."""

from functools import partial

from tests.faults.gateway import storms
from tests.faults.gateway.place import MODES
from tests.faults.kind import Kind

_STORMS = tuple(
    Kind(
        f"gateway: 100 requests at expiry, {mode.name}",
        "100 requests at once through the gateway onto 8 containers, the access token over",
        "one refresh request; all 100 are completed, a 503 that says when to come again included",
        partial(storms.storm, mode=mode),
    )
    for mode in MODES
)

KINDS = (*_STORMS,)
