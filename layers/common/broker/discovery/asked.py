"""What users are asked for: the scopes, the consent for a refresh token, and the account's name."""

from dataclasses import replace

from broker.model import Server

from .discoverer import Findings
from .proposal_values import CHALLENGE, CONFIGURED, DEFAULT, Proposal

_OFFLINE = "offline_access"
_PROMPT = "prompt"


def ask_users(proposal: Proposal, found: Findings, known: Server | None) -> None:
    """Set the scopes, and what follows from them; what the builder of ``known`` said stays."""
    _scopes(proposal, found)
    _consent(proposal, found)
    _account(proposal, found, known)


def _scopes(proposal: Proposal, found: Findings) -> None:
    """Choose: the challenge's, else all the resource has, else none (MCP, Scope Selection)."""
    if proposal.server.scopes:
        proposal.sources["scopes"] = CONFIGURED
        return
    scopes: tuple[str, ...] = ()
    if found.challenge and found.challenge.scopes:
        scopes = found.challenge.scopes
        proposal.sources["scopes"] = CHALLENGE
    elif found.resource and found.resource.scopes:
        scopes = found.resource.scopes
        proposal.sources["scopes"] = found.resource_url or CHALLENGE
    listed = found.server.scopes if found.server else ()
    if _OFFLINE in listed and _OFFLINE not in scopes:
        scopes = (*scopes, _OFFLINE)
        proposal.sources.setdefault("scopes", found.server_url or DEFAULT)
    proposal.server = replace(proposal.server, scopes=scopes)


def _consent(proposal: Proposal, found: Findings) -> None:
    """Have the user asked: without it ``offline_access`` is ignored (OpenID Connect Core §11)."""
    about, params = found.server, proposal.server.extra_authorize_params
    wanted = _OFFLINE in proposal.server.scopes and _PROMPT not in params
    if about and wanted and about.takes_prompt_consent:
        value = {**params, _PROMPT: "consent"}
        proposal.take("extra_authorize_params", value, found.server_url or DEFAULT)


def _account(proposal: Proposal, found: Findings, known: Server | None) -> None:
    """Leave out a userinfo endpoint that refuses the token, unless the builder has it there.

    That of an OpenID provider takes none that was not asked for with ``openid`` (OpenID Connect
    Core §5.3), and no scope is asked for that the MCP server does not want.
    """
    about = found.server
    if known and known.userinfo_endpoint == proposal.server.userinfo_endpoint:
        return
    if about and about.is_openid_provider and "openid" not in proposal.server.scopes:
        proposal.take("userinfo_endpoint", None, found.server_url or DEFAULT)
