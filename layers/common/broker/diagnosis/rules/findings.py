"""What is worth telling of a flow that went well, and what is said where nothing else fits."""

from broker.diagnosis.causes import Cause, Certainty
from broker.diagnosis.evidence import Kind, Step
from broker.diagnosis.predicates import at, every, knowing, of, skewed
from broker.diagnosis.refresh_advice import refresh_advice, refresh_paste
from broker.diagnosis.rule import Candidate, Rule

FINDINGS: tuple[Rule, ...] = (
    Rule(
        Cause.SCOPE_NOT_GRANTED,
        knowing("missing_scopes"),
        "The service granted fewer scopes than were asked for.",
        "The token response lists its scopes (RFC 6749 §5.1), and these are not among them: "
        "{facts[missing_scopes]}",
        "Allow these for the app at the service, or remove them from scopes: "
        "{facts[missing_scopes]}. If the service grants them under other names, or without a "
        "word, say so in scope_aliases.",
        sure=Certainty.LIKELY,
        candidates=(
            Candidate(Cause.CONSENT_DENIED, "Consent again, and leave every box ticked."),
            Candidate(Cause.APP_NOT_APPROVED, "Look whether the scope awaits a review there."),
        ),
    ),
    Rule(
        Cause.NO_REFRESH_TOKEN,
        every(at(Step.EXCHANGE), of(Kind.OK), knowing("refresh_token", value=False)),
        "The service gave no refresh token: users must connect again when the access token ends.",
        "The token response has an access token that expires, and no refresh_token.",
        refresh_advice,
        paste=refresh_paste,
        candidates=(
            Candidate(
                Cause.GRANT_TYPE_REFUSED,
                "Look on the app's page at the service whether it may use refresh tokens.",
            ),
        ),
    ),
    Rule(
        Cause.NO_TOOLS,
        every(at(Step.TOOLS), of(Kind.OK), knowing("tools", value=0)),
        "The MCP server accepts the token, but lists no tools.",
        "tools/list was answered with an empty list.",
        "Check that this account may use the server's tools, and that the scopes allow it. "
        "Now: {scopes}",
        candidates=(
            Candidate(Cause.MCP_SCOPE_MISSING, "Ask for all scopes that the server documents."),
        ),
    ),
    Rule(
        Cause.CLOCK_SKEW,
        every(skewed, of(Kind.OK)),
        "The clocks of the broker and of {place} are {facts[clock_skew_seconds]} seconds apart.",
        "Its answer is dated so. It was taken, but id_tokens and signed requests may not be.",
        "Set the clock of the machine that is wrong; on AWS the broker's follows Amazon's time.",
        sure=Certainty.LIKELY,
    ),
)

LAST_RESORT = Rule(
    Cause.UNKNOWN,
    lambda _: True,
    "{place} did not do what was expected, for a reason the broker does not know.",
    "No cause that is known looks like this.",
    "Look up “{error}” in the service's documentation, and compare the server's configuration "
    "with it. Address used: {url}",
    sure=Certainty.POSSIBLE,
)
NOTHING_WRONG = Rule(
    Cause.UNKNOWN,
    lambda _: True,
    "Nothing failed in what was seen.",
    "Every step that was tried held.",
    "If it still does not work, start the test again and look at the step that stops.",
    sure=Certainty.POSSIBLE,
)
