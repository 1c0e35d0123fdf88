"""What Microsoft's numbers say: they are one cause each, where the code beside them is many.

Source: Microsoft identity platform, 'Microsoft Entra authentication and authorization error codes'.
"""

from broker.diagnosis.causes import Cause, Certainty
from broker.diagnosis.predicates import saying
from broker.diagnosis.rule import AT_SERVER, Candidate, Paste, Rule

from .flow import REDIRECT_URI

_URLS = "Now: {authorization_endpoint} and {token_endpoint}"

MICROSOFT: tuple[Rule, ...] = (
    Rule(
        Cause.CLIENT_ID_UNKNOWN,
        saying(r"AADSTS700016\b"),
        "This client id is not known in the tenant that the endpoints name.",
        "Microsoft says so in AADSTS700016.",
        "Copy the Application (client) ID from the app's overview again, and put the Directory "
        f"(tenant) ID that stands below it into both endpoints. {_URLS}",
        sure=Certainty.LIKELY,
        candidates=(
            Candidate(
                Cause.APP_NOT_APPROVED,
                "If the app is another organization's: an administrator of this tenant has to "
                "allow it first.",
            ),
        ),
    ),
    Rule(
        Cause.TOKEN_REQUEST_STYLE,
        saying(r"AADSTS(700025|90023)\b"),
        "The app is a public client at Microsoft, and a client secret was sent.",
        "Microsoft says so in AADSTS700025 or AADSTS90023.",
        "On the app's page, under Authentication, register {redirect_uri} for the platform Web, "
        "which takes the secret; or remove client_secret and set token_request_style to none.",
        sure=Certainty.LIKELY,
        paste=Paste(AT_SERVER, "token_request_style", "none"),
        candidates=(
            Candidate(
                Cause.REDIRECT_URI_MISMATCH,
                "See for which platform the redirect URI is registered: “Mobile and desktop” takes "
                "no secret.",
            ),
        ),
    ),
    Rule(
        Cause.GRANT_TYPE_REFUSED,
        saying(r"AADSTS900232[567]\b"),
        "The redirect URI is registered for a single-page app, whose codes only a browser redeems.",
        "Microsoft says so in AADSTS9002325, AADSTS9002326 or AADSTS9002327.",
        "On the app's page, under Authentication, move the redirect URI from the platform "
        "Single-page application to Web: {redirect_uri}",
        paste=REDIRECT_URI,
    ),
    Rule(
        Cause.WRONG_ENVIRONMENT,
        saying(r"AADSTS(50194|50020)\b"),
        "The app or the account is of one tenant, and the endpoints are of another or of all.",
        "Microsoft says so in AADSTS50194 or AADSTS50020.",
        "Put the Directory (tenant) ID from the app's overview into both endpoints (in place of "
        f"common), or make the app multitenant under Authentication. {_URLS}",
        sure=Certainty.LIKELY,
        candidates=(
            Candidate(
                Cause.APP_NOT_APPROVED,
                "If it is one account only, add it to the tenant as a guest, and consent again.",
            ),
        ),
    ),
    Rule(
        Cause.ENDPOINT_NOT_FOUND,
        saying(r"AADSTS(90002|900023)\b"),
        "There is no such tenant as the endpoints name.",
        "Microsoft says so in AADSTS90002 or AADSTS900023.",
        "Put the Directory (tenant) ID from the app's overview, or a domain of that tenant, into "
        f"both endpoints. {_URLS}",
    ),
)
