"""What the broker itself saw of the flow: the consent in the browser, and whose it was."""

from broker.diagnosis.causes import Cause, Certainty
from broker.diagnosis.evidence import Step
from broker.diagnosis.predicates import at, coded, every, knowing
from broker.diagnosis.rule import AT_SERVICE, Candidate, Paste, Rule

SEEN_BY_US: tuple[Rule, ...] = (
    Rule(
        Cause.SERVER_CHANGED,
        knowing("flow", value="server_changed"),
        "The server's configuration was changed while the test ran.",
        "Its digest is no longer the one that the test began with.",
        "Start the test again.",
    ),
    Rule(
        Cause.KEPT_FIELD_MISSING,
        knowing("kept_field"),
        "The service does not say a value that each connection is to keep.",
        "{facts[kept_field]} of kept_fields is not in its answer, or is no value that is allowed "
        "there. Without it, it is not known where to send the user's token.",
        "Compare kept_fields.{facts[kept_field]} with the service's documentation: its source "
        "(token_response or callback), its field, and for a host its hosts. Give it a default if "
        "the service says it for some users only.",
    ),
    Rule(
        Cause.SESSION_MISMATCH,
        knowing("flow", value="session_mismatch"),
        "The completion code does not belong to this test.",
        "It is another test's, was used before, or is not the whole code. Nothing was sent to the "
        "service, and a code that is handed in wrongly is erased.",
        "Open connect_url again, consent, and hand in the code that is shown then, whole and once.",
        candidates=(
            Candidate(
                Cause.COMPLETION_CODE_EXPIRED,
                "Hand in a fresh code within two minutes: if it is taken, the old one was late.",
            ),
        ),
    ),
    Rule(
        Cause.COMPLETION_CODE_EXPIRED,
        knowing("flow", value="completion_code_expired"),
        "The completion code was not handed in in time.",
        "A code is good for two minutes after the consent, and no longer than the ten minutes of "
        "its link.",
        "Open connect_url again, or start the test again after ten minutes, and hand in the code "
        "that is shown then within two minutes.",
    ),
    Rule(
        Cause.COOKIES_REFUSED,
        knowing("flow", value="cookies_refused"),
        "The browser that came back from the service is not known by its cookie.",
        "The authorization response arrived with the state of this test, but without the cookie "
        "that connect_url set: {facts[cookie]}.",
        "Open connect_url in the same browser and profile in which you consent, on the broker's "
        "public address, and allow its cookies (no private window that closes in between). The "
        "test goes on as soon as that browser comes back.",
        sure=Certainty.LIKELY,
        candidates=(
            Candidate(
                Cause.SESSION_MISMATCH,
                "If connect_url was opened by somebody else, or in another browser, start the test "
                "again and open the link yourself.",
            ),
        ),
    ),
    Rule(
        Cause.CONSENT_NOT_STARTED,
        knowing("flow", value="link_not_opened"),
        "Nobody opened connect_url within ten minutes.",
        "No authorization request was sent for this test.",
        "Start the test again, and open its connect_url in a browser within ten minutes.",
    ),
    Rule(
        Cause.CONSENT_LEFT_OPEN,
        knowing("flow", value="no_response"),
        "The browser was sent to the service, and did not come back within ten minutes.",
        "An authorization request was sent ({facts[opened]} in all), and no response arrived at "
        "{redirect_uri}.",
        "Start the test again and consent to the end. If the service showed an error page instead "
        "of a consent, read it: services that refuse the app or its redirect URI say so there, and "
        "send nobody back.",
        sure=Certainty.LIKELY,
        candidates=(
            Candidate(
                Cause.REDIRECT_URI_MISMATCH,
                "The service's page speaks of a redirect or callback URI: register exactly "
                "{redirect_uri}",
            ),
            Candidate(Cause.CLIENT_ID_UNKNOWN, "The service's page speaks of the client or app."),
            Candidate(
                Cause.APP_NOT_APPROVED, "The service's page speaks of an administrator or a review."
            ),
        ),
    ),
    Rule(
        Cause.CONSENT_EXPIRED,
        knowing("flow", value="response_too_late"),
        "The consent was given later than ten minutes after the test was started.",
        "The authorization response arrived when the time of its request was over.",
        "Start the test again, and consent within ten minutes.",
    ),
    Rule(
        Cause.ISSUER_MISMATCH,
        knowing("received_issuer"),
        "{place} names another issuer than the one configured.",
        "iss is compared character by character (RFC 9207 §2.4, RFC 8414 §3.3): configured "
        "{issuer}, received {facts[received_issuer]}.",
        "Set issuer to exactly what the service's metadata document says; a slash at the end "
        "counts. Configured: {issuer} Received: {facts[received_issuer]} If you do not know the "
        "received one, do not accept it: the response came from somebody else.",
    ),
    Rule(
        Cause.NONCE_MISMATCH,
        every(at(Step.ACCOUNT), coded("nonce_mismatch")),  # no answer is read for its error there
        "The id_token answers another authorization request than ours.",
        "Its nonce is not the one that was sent (OpenID Connect Core §3.1.3.7).",
        "Start the test again, in one window only. If it happens again, ask the service why its "
        "id_token does not repeat the nonce that was sent (OpenID Connect Core §3.1.3.7).",
    ),
)

REDIRECT_URI = Paste(AT_SERVICE, "redirect URI", "{redirect_uri}")
