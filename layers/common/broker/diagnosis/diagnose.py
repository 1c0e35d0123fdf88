"""From evidence to one diagnosis."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from .causes import Cause, Certainty
from .configured import Configured, Words
from .evidence import Evidence, Kind
from .rule import Candidate, Paste, Rule
from .rules import FAILURES, FINDINGS, LAST_RESORT, NOTHING_WRONG
from .sight import Sight


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One named cause, what was seen (scrubbed), why it is that, how sure, and what to do."""

    cause: Cause
    summary: str
    seen: str
    fix: str
    why: str = ""
    certainty: Certainty = Certainty.CERTAIN
    paste: Paste | None = None
    candidates: Sequence[Candidate] = field(default=())


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
    pkce: bool | None = None,
    client_id: str | None = None,
    extra_authorize_params: Mapping[str, str] | None = None,
) -> Diagnosis:
    """Name the cause of what was seen, oldest observation first.

    The last failure decides, in the light of what came before it; without one, a finding in what
    succeeded (no refresh token, no tools). Whatever is known of the configuration is quoted in the
    fix.
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
        pkce=pkce,
        client_id=client_id,
        extra_authorize_params=extra_authorize_params or {},
    )
    observed = [evidence] if isinstance(evidence, Evidence) else list(evidence)
    return _judged(observed, configured)


def _judged(observed: list[Evidence], configured: Configured) -> Diagnosis:
    if not observed:
        fix = str(NOTHING_WRONG.fix)
        return Diagnosis(Cause.UNKNOWN, NOTHING_WRONG.summary, "nothing", fix, NOTHING_WRONG.why)
    for place in reversed(range(len(observed))):
        if observed[place].kind is not Kind.OK:
            sight = Sight(observed[place], configured, tuple(observed[:place]))
            return _told(_first(FAILURES, sight) or LAST_RESORT, sight)
    for seen in observed:
        sight = Sight(seen, configured)
        if rule := _first(FINDINGS, sight):
            return _told(rule, sight)
    return _told(NOTHING_WRONG, Sight(observed[-1], configured))


def _first(rules: Sequence[Rule], sight: Sight) -> Rule | None:
    return next((rule for rule in rules if rule.when(sight)), None)


def _told(rule: Rule, sight: Sight) -> Diagnosis:
    seen, configured = sight.seen, sight.configured
    words = configured.words(seen)
    fix = rule.fix.format_map(words) if isinstance(rule.fix, str) else rule.fix(seen, configured)
    return Diagnosis(
        rule.cause,
        _sentence(rule.summary, words),
        seen.seen,
        fix,
        _sentence(rule.why, words),
        rule.sure,
        _pasted(rule, sight, words),
        tuple(Candidate(one.cause, one.test.format_map(words)) for one in rule.candidates),
    )


def _sentence(text: str, words: Words) -> str:
    told = text.format_map(words)
    return told[:1].upper() + told[1:]


def _pasted(rule: Rule, sight: Sight, words: Words) -> Paste | None:
    paste = rule.paste
    if paste is None or isinstance(paste, Paste):
        return paste and Paste(paste.place, paste.field, paste.value.format_map(words))
    return paste(sight.seen, sight.configured)
