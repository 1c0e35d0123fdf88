"""From evidence to one diagnosis."""

from collections.abc import Sequence
from dataclasses import dataclass

from .configured import Configured
from .evidence import Evidence, Kind
from .rules import FAILURES, FINDINGS, LAST_RESORT, NOTHING_WRONG, Cause, Rule


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One named cause, what was seen (scrubbed), and what to do, with exact values."""

    cause: Cause
    summary: str
    seen: str
    fix: str


def diagnose(
    evidence: Evidence | Sequence[Evidence],
    *,
    redirect_uri: str,
    authorization_endpoint: str | None = None,
    token_endpoint: str | None = None,
    refresh_endpoint: str | None = None,
    revocation_endpoint: str | None = None,
    userinfo_endpoint: str | None = None,
    mcp_url: str | None = None,
    issuer: str | None = None,
    resource: str | None = None,
    scopes: tuple[str, ...] = (),
    token_request_style: str | None = None,
) -> Diagnosis:
    """Name the cause of what was seen, oldest observation first.

    The last failure decides; without one, a finding in what succeeded (no refresh token, no
    tools). Whatever is known of the configuration is quoted in the fix.
    """
    configured = Configured(
        redirect_uri=redirect_uri,
        authorization_endpoint=authorization_endpoint,
        token_endpoint=token_endpoint,
        refresh_endpoint=refresh_endpoint,
        revocation_endpoint=revocation_endpoint,
        userinfo_endpoint=userinfo_endpoint,
        mcp_url=mcp_url,
        issuer=issuer,
        resource=resource,
        scopes=scopes,
        token_request_style=token_request_style,
    )
    observed = [evidence] if isinstance(evidence, Evidence) else list(evidence)
    return _judged(observed, configured)


def _judged(observed: list[Evidence], configured: Configured) -> Diagnosis:
    if not observed:
        return Diagnosis(Cause.UNKNOWN, NOTHING_WRONG.summary, "nothing", str(NOTHING_WRONG.fix))
    for seen in reversed(observed):
        if seen.kind is not Kind.OK:
            return _told(_first(FAILURES, seen) or LAST_RESORT, seen, configured)
    for seen in observed:
        if rule := _first(FINDINGS, seen):
            return _told(rule, seen, configured)
    return _told(NOTHING_WRONG, observed[-1], configured)


def _first(rules: tuple[Rule, ...], seen: Evidence) -> Rule | None:
    return next((rule for rule in rules if rule.when(seen)), None)


def _told(rule: Rule, seen: Evidence, configured: Configured) -> Diagnosis:
    words = configured.words(seen)
    fix = rule.fix.format_map(words) if isinstance(rule.fix, str) else rule.fix(seen, configured)
    summary = rule.summary.format_map(words)
    return Diagnosis(rule.cause, summary[:1].upper() + summary[1:], seen.seen, fix)
