"""Why a refresh brought nothing, in a word of a closed list: fit to be a dimension."""

from broker.diagnosis import Kind
from broker.metrics.metric import OTHER
from broker.metrics.values import OAUTH_ERRORS
from broker.oauth import NoUsableAnswer, TokenRequestFailed


def cause_of(failed: TokenRequestFailed) -> str:
    """Return the OAuth error where it is one of the RFCs', else what kind of silence it was.

    What a service says besides is ``other``; its words are a stranger's.
    """
    evidence = failed.evidence
    match evidence.kind:
        case Kind.REFUSED if isinstance(failed, NoUsableAnswer):
            return "rate_limited"
        case Kind.REFUSED:
            said = (evidence.error or "").lower()
            return said if said in OAUTH_ERRORS else OTHER
        case Kind.UNUSABLE if (evidence.status or 0) >= 500:
            return "server_error"
        case Kind.BLOCKED:
            return "blocked_address"
    return evidence.kind.value
