"""Who the client is to the authorization server, and what became of its code."""

from broker.diagnosis.causes import Cause, Certainty
from broker.diagnosis.environments import mixed
from broker.diagnosis.evidence import Kind, Step
from broker.diagnosis.predicates import (
    answered,
    at,
    coded,
    consented,
    either,
    every,
    knowing,
    of,
    saying,
    skewed,
    where,
)
from broker.diagnosis.rule import AT_SERVER, AT_SERVICE, Candidate, Paste, Rule

from .flow import REDIRECT_URI

_TOKEN = (Step.EXCHANGE, Step.REFRESH)
_CLIENT = (Step.AUTHORIZATION, Step.EXCHANGE, Step.REFRESH, Step.REVOCATION)
_GRANT_REFUSED = either(coded("invalid_grant"), knowing("grant_refused"))
_CLIENT_REFUSED = every(
    at(*_CLIENT),
    either(
        coded("invalid_client", "unauthorized_client", "incorrect_client_credentials"),
        coded("invalid_client_id", "invalid_client_secret", "bad_client_secret"),
        coded("bad_client_id", "deleted_client", "disabled_client", "invalid_oauth_app"),
        coded("client_id_missing", "client_secret_missing"),
        knowing("client_refused", value=True),
        saying(r"client.?(id|secret).{0,40}(invalid|incorrect|wrong|missing|unknown)"),
        saying(r"(invalid|incorrect|wrong|missing|unknown)\W{1,3}client"),
    ),
)
_ID_UNKNOWN = either(
    coded("invalid_client_id", "bad_client_id", "deleted_client", "disabled_client"),
    coded("invalid_oauth_app"),
    saying(r"AADSTS700016|client.?id.{0,40}(invalid|unknown|not found|not registered)"),
    at(Step.AUTHORIZATION),
)
_SECRET_WRONG = either(
    coded("invalid_client_secret", "bad_client_secret"),
    saying(r"AADSTS70002(15|22)|client.?secret.{0,40}(invalid|incorrect|wrong|expired)"),
    saying(r"(invalid|incorrect|wrong|expired)\W{1,3}client.?secret"),
)
_OTHER_ENVIRONMENT = Candidate(
    Cause.WRONG_ENVIRONMENT,
    "See whether the app was registered in a sandbox, and these are production's URLs, or the "
    "other way round: {authorization_endpoint} {token_endpoint}",
)
_STYLE = Candidate(
    Cause.TOKEN_REQUEST_STYLE,
    "Compare token_request_style {style} with what the service documents about client "
    "authentication; try the other of form_post and form_basic.",
)

REFUSED_CLIENT: tuple[Rule, ...] = (
    Rule(
        Cause.TOKEN_REQUEST_STYLE,
        every(
            at(*_TOKEN),
            either(answered(415), coded("multiple_client_credentials"), saying(r"content.type")),
        ),
        "{place} wants the token request sent in another way.",
        "It refuses the form of the body, or where the credentials lie.",
        "Set token_request_style as the service's documentation says: a form body (form_post, "
        "form_basic) or a JSON body (json_post, json_basic). Now: {style}",
        sure=Certainty.LIKELY,
    ),
    Rule(
        Cause.CLOCK_SKEW,
        every(skewed, saying(r"expired|not yet valid|\b(clock|iat|nbf|exp)\b|assertion")),
        "The clocks of the broker and of {place} are {facts[clock_skew_seconds]} seconds apart.",
        "Its answer is dated so, and it calls something expired or not yet valid.",
        "Set the clock of the machine that is wrong; on AWS the broker's follows Amazon's time.",
    ),
    Rule(
        Cause.WRONG_ENVIRONMENT,
        every(at(*_TOKEN), either(_GRANT_REFUSED, _CLIENT_REFUSED), where(mixed)),
        "The endpoints belong to different environments of the service.",
        "By their names, one host is a sandbox's and the other is not, and {place} does not know "
        "what the other one gave out.",
        "Use both endpoints of the environment in which the app is registered. Now: "
        "{authorization_endpoint} and {token_endpoint}",
        sure=Certainty.LIKELY,
        candidates=(
            Candidate(
                Cause.CLIENT_SECRET_WRONG,
                "If both hosts are meant so, copy the secret again from the app's page.",
            ),
        ),
    ),
    Rule(
        Cause.GRANT_REFUSED,
        every(at(Step.EXCHANGE), _GRANT_REFUSED),
        "The authorization server refused the authorization code.",
        "It answers invalid_grant (RFC 6749 §5.2): the code is spent, too old or foreign.",
        "Start the test again: a code works once, for a minute or so. If it happens again, check "
        "that the app at the service has exactly this redirect URI: {redirect_uri}",
        sure=Certainty.LIKELY,
        paste=REDIRECT_URI,
        candidates=(
            Candidate(
                Cause.REDIRECT_URI_MISMATCH,
                "Compare the redirect URI on the app's page with {redirect_uri}: some services "
                "refuse it only here, as a wrong grant.",
            ),
            _OTHER_ENVIRONMENT,
            Candidate(
                Cause.PKCE_REFUSED,
                "Set pkce to false and test again: if it works, the service takes no PKCE.",
            ),
        ),
    ),
    Rule(
        Cause.REFRESH_REFUSED,
        every(at(Step.REFRESH), _GRANT_REFUSED),
        "The authorization server refused the refresh token: the user's grant is gone.",
        "The token was issued a moment ago, and was refreshed once, on purpose.",
        "Connect again. If it happens after every refresh, see whether the app is in a test mode "
        "that ends grants early, or whether another program refreshes the same grant.",
        candidates=(
            Candidate(
                Cause.GRANT_TYPE_REFUSED,
                "Look on the app's page whether it may use refresh tokens at all.",
            ),
            Candidate(
                Cause.WRONG_ENVIRONMENT,
                "If refresh_endpoint is set, compare its host with the token endpoint's.",
            ),
        ),
    ),
    Rule(
        Cause.CLIENT_ID_UNKNOWN,
        every(_CLIENT_REFUSED, _ID_UNKNOWN),
        "The authorization server does not know this client id.",
        "It says so before any secret was asked for, or names the client id.",
        "Copy client_id from the app's page at the service again, whole and without blanks, and "
        "check that the app is still there and active.",
        sure=Certainty.LIKELY,
        candidates=(_OTHER_ENVIRONMENT,),
    ),
    Rule(
        Cause.CLIENT_SECRET_MISSING,
        every(of(Kind.NOT_SENT), coded("signing_key_missing")),
        "The stack has no signing key, and token_request_style is private_key_jwt.",
        "Nothing was sent: an assertion in place of the secret cannot be signed.",
        "Deploy the stack with SigningKey=create, or set client_secret and another "
        "token_request_style.",
        paste=Paste(AT_SERVER, "token_request_style", "form_post"),
    ),
    Rule(
        Cause.CLIENT_SECRET_MISSING,
        every(_CLIENT_REFUSED, where(lambda known: known.token_request_style == "none")),
        "The authorization server wants a client secret, and none is sent.",
        "With token_request_style none, the client is refused.",
        "Set client_secret, and token_request_style as the service documents it (form_post is the "
        "usual one). If the app has no secret, make it a public client at the service.",
        sure=Certainty.LIKELY,
        paste=Paste(AT_SERVER, "token_request_style", "form_post"),
    ),
    Rule(
        Cause.CLIENT_SECRET_WRONG,
        every(_CLIENT_REFUSED, _SECRET_WRONG),
        "The authorization server does not accept the client secret.",
        "It names the secret.",
        "Copy client_secret from the app's page at the service again (whole, no blanks, not "
        "expired), or make a new one there.",
        paste=Paste(AT_SERVICE, "client secret", "(make a new one, and PUT it as client_secret)"),
    ),
    Rule(
        Cause.CLIENT_SECRET_WRONG,
        every(
            _CLIENT_REFUSED,
            at(Step.EXCHANGE),
            consented,
            knowing("refused_in_every_style", value=True),
        ),
        "The authorization server does not accept the client secret.",
        "The client id is known, for the consent was given to it; the client is refused in every "
        "token request style, the configured one and all others.",
        "Copy client_secret from the app's page at the service again (whole, no blanks, not "
        "expired), or make a new one there.",
        sure=Certainty.LIKELY,
        paste=Paste(AT_SERVICE, "client secret", "(make a new one, and PUT it as client_secret)"),
        candidates=(_OTHER_ENVIRONMENT,),
    ),
    Rule(
        Cause.CLIENT_SECRET_WRONG,
        every(_CLIENT_REFUSED, at(Step.EXCHANGE), consented),
        "The authorization server does not accept the client secret.",
        "The client id is known, for the consent was given to it; then the client was refused.",
        "Copy client_secret from the app's page at the service again (whole, no blanks, not "
        "expired), or make a new one there.",
        sure=Certainty.LIKELY,
        candidates=(_STYLE, _OTHER_ENVIRONMENT),
    ),
    Rule(
        Cause.CLIENT_CREDENTIALS,
        _CLIENT_REFUSED,
        "The authorization server does not accept this client id and secret.",
        "It answers invalid_client (RFC 6749 §5.2), which does not tell one from the other.",
        "Copy client_id and client_secret from the app's page at the service again (no blanks, not "
        "expired, of the same environment), and check that the service documents "
        "token_request_style {style}.",
        sure=Certainty.POSSIBLE,
        candidates=(
            Candidate(
                Cause.CLIENT_ID_UNKNOWN,
                "Start a test and open connect_url: a login page of the service knows the client "
                "id, an error page does not.",
            ),
            Candidate(
                Cause.CLIENT_SECRET_WRONG,
                "Make a new secret on the app's page, PUT it, and test again.",
            ),
            _STYLE,
            _OTHER_ENVIRONMENT,
        ),
    ),
)
