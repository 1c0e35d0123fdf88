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
    html,
    knowing,
    no,
    of,
    saying,
    skewed,
    where,
)
from broker.diagnosis.rule import AT_SERVER, AT_SERVICE, Candidate, Paste, Rule

from .flow import REDIRECT_URI

_TOKEN = (Step.EXCHANGE, Step.REFRESH)
_CLIENT = (Step.AUTHORIZATION, Step.EXCHANGE, Step.REFRESH, Step.REVOCATION)
_GITHUB_PATH = "/login/oauth/access_token"
_GRANT_REFUSED = either(coded("invalid_grant"), knowing("grant_refused"))
_CLIENT_REFUSED = every(
    at(*_CLIENT),
    either(
        coded("invalid_client", "unauthorized_client", "incorrect_client_credentials"),
        coded("invalid_client_id", "invalid_client_secret", "bad_client_secret"),
        coded("bad_client_id", "deleted_client", "disabled_client", "invalid_oauth_app"),
        coded("client_id_missing", "client_secret_missing", "application_cannot_be_found"),
        coded("application_suspended"),
        knowing("client_refused", value=True),
        every(answered(401), coded("server_error")),  # ServiceNow's word for it
        saying(r"client.?(id|secret).{0,40}(invalid|incorrect|wrong|missing|unknown)"),
        saying(r"(invalid|incorrect|wrong|missing|unknown)\W{1,3}client"),
    ),
)
_BOTH_NAMED = saying(r"client[ _-]?(id|key)\W{0,3}(and/or|and|or|/)\W{0,3}(client[ _-]?)?secret")
_ID_NAMED = either(
    coded("invalid_client_id", "bad_client_id", "deleted_client", "disabled_client"),
    coded("invalid_oauth_app", "application_cannot_be_found", "application_suspended"),
    saying(r"error validating application"),
    saying(r"client.?id.{0,40}(invalid|unknown|not found|not registered)"),
    at(Step.AUTHORIZATION),
)
_ID_UNKNOWN = every(_ID_NAMED, no(_BOTH_NAMED))
_SECRET_NAMED = either(
    coded("invalid_client_secret", "bad_client_secret"),
    saying(r"AADSTS70002(15|22)|client.?secret.{0,40}(invalid|incorrect|wrong|expired)"),
    saying(r"(invalid|incorrect|wrong|expired)\W{1,3}client.?secret"),
    saying(r"error validating client secret"),
)
_SECRET_WRONG = every(_SECRET_NAMED, no(_BOTH_NAMED))
_OTHER_ENVIRONMENT = Candidate(
    Cause.WRONG_ENVIRONMENT,
    "See whether the app was registered in a sandbox, and these are production's URLs, or the "
    "other way round: {authorization_endpoint} {token_endpoint}",
)
_STYLE = Candidate(
    Cause.TOKEN_REQUEST_STYLE,
    "Compare token_request_style {style} with what the service documents about client "
    "authentication; try the other of form_post and form_basic, or none if the app is public.",
)
_RAW_BASIC = Candidate(
    Cause.TOKEN_REQUEST_STYLE,
    "If the secret is right, and holds other characters than letters, digits and -._: with HTTP "
    "Basic they are form-encoded (RFC 6749 §2.3.1), which some services do not undo. Set "
    "basic_encoding of quirks to raw, and test again.",
)

_DOCUMENT = where(lambda known: known.documents_itself)
_NO_ASSERTION = where(lambda known: known.token_request_style != "private_key_jwt")

REFUSED_CLIENT: tuple[Rule, ...] = (
    Rule(
        Cause.CLIENT_ID_UNKNOWN,
        every(_CLIENT_REFUSED, _DOCUMENT, either(at(Step.AUTHORIZATION), _NO_ASSERTION)),
        "The authorization server does not take our client id metadata document as a client.",
        "The client id is that document's URL: there is no app of ours on any page of the service.",
        "See whether its metadata says client_id_metadata_document_supported, and whether it can "
        "fetch the document from the internet. Otherwise register an app at the service, and PUT "
        "its client_id (and client_secret).",
        sure=Certainty.LIKELY,
        candidates=(_OTHER_ENVIRONMENT,),
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
        Cause.CLIENT_ID_UNKNOWN,
        every(
            at(*_TOKEN),
            answered(404),
            no(html),
            where(lambda known: (known.token_endpoint or "").endswith(_GITHUB_PATH)),
        ),
        "GitHub does not know this client id.",
        "It answers 404 to the id of an app that does not exist, at the address where it gives "
        "out tokens.",
        "Copy client_id from the app's page at GitHub again, whole, and check that the app is of "
        "the same GitHub as the endpoints. Now: {url}",
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
        Cause.CLIENT_CREDENTIALS,
        every(
            at(*_TOKEN, Step.REVOCATION),
            _CLIENT_REFUSED,
            where(lambda known: known.token_request_style == "private_key_jwt"),
        ),
        "The authorization server does not accept the assertion that is signed for this client.",
        "No secret is sent with private_key_jwt; the client id, the key or the method is refused.",
        "Compare what the app has at the service with what GET shows of the server: the client "
        "id, the jwks_uri (or, where the key itself was handed in, the key behind it), and "
        "private_key_jwt as the method of client authentication.",
        sure=Certainty.LIKELY,
        candidates=(
            Candidate(
                Cause.TOKEN_REQUEST_STYLE,
                "See whether the service documents private_key_jwt at all (RFC 7523 §2.2).",
            ),
            _OTHER_ENVIRONMENT,
        ),
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
        candidates=(_RAW_BASIC, _OTHER_ENVIRONMENT),
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
