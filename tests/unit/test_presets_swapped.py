"""Endpoints of a known service that are entered the wrong way round are noticed at registration."""

from typing import Any

import pytest

from broker.errors import InvalidServer
from broker.flows.servers.conflicts import check_conflicts
from broker.presets import Catalogue, Preset

PRESETS = list(Catalogue().all())
NOTHING = dict.fromkeys(
    (
        "issuer",
        "resource",
        "mcp_url",
        "refresh_endpoint",
        "revocation_endpoint",
        "userinfo_endpoint",
    )
)
PARAMETERS: dict[str, dict[str, str]] = {
    name: {} for name in ("extra_authorize_params", "extra_token_params")
}


def entered(preset: Preset, authorizes: str, issues: str) -> dict[str, Any]:
    """Return what a builder enters: the service's two URLs in these fields."""
    examples = {name: value.example for name, value in preset.values.items()}
    known = preset.filled(examples, ())
    urls = {authorizes: known["authorization_endpoint"], issues: known["token_endpoint"]}
    return {**NOTHING, **PARAMETERS, **urls, "scopes": [], "scope_parameter": "scope"}


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.preset_id)
def test_the_wrong_way_round_is_noticed_and_the_right_way_is_not(preset: Preset) -> None:
    check_conflicts(entered(preset, "authorization_endpoint", "token_endpoint"))
    with pytest.raises(InvalidServer, match="seem to be swapped"):
        check_conflicts(entered(preset, "token_endpoint", "authorization_endpoint"))
