"""How to ask each service for a refresh token (facts of the services' own documentation)."""

import re
from urllib.parse import urlsplit

from .configured import Configured
from .evidence import Evidence
from .rule import AT_SERVER, Paste

_PAIR = r"(\w+)=([\w.]*\w)"
_PARAMETERS = re.compile(rf"Set (extra_\w+_params) to ({_PAIR}(?: and {_PAIR})*)")
_SCOPE = re.compile(r"^Add the scope ([\w.]+?)(?=[\s.,]*(?:\s|$))")
_OFFLINE_SCOPE = "Add the scope offline_access."
BY_HOST = {
    "accounts.google.com": "Set extra_authorize_params to access_type=offline and prompt=consent.",
    "login.microsoftonline.com": _OFFLINE_SCOPE,
    "auth.atlassian.com": f"{_OFFLINE_SCOPE} Keep audience=api.atlassian.com and prompt=consent.",
    "salesforce.com": "Add the scope refresh_token (or offline_access), and check the app's "
    "refresh token policy: “immediately expire” gives none.",
    "dropbox.com": "Set extra_authorize_params to token_access_type=offline.",
    "reddit.com": "Set extra_authorize_params to duration=permanent.",
    "x.com": "Add the scope offline.access (with a dot).",
    "twitter.com": "Add the scope offline.access (with a dot).",
    "typeform.com": "Add the scope offline.",
    "xero.com": _OFFLINE_SCOPE,
    "zoho.com": "Set extra_authorize_params to access_type=offline and prompt=consent.",
    "zoho.eu": "Set extra_authorize_params to access_type=offline and prompt=consent.",
    "gong.io": "Set extra_authorize_params to access_type=offline.",
    "linkedin.com": "Nothing, unless LinkedIn has approved the app for refresh tokens, which it "
    "gives to some partners only: users connect again when the access token ends, after 60 days.",
    "snowflakecomputing.com": "Add the scope refresh_token, and let the security integration issue "
    "refresh tokens (OAUTH_ISSUE_REFRESH_TOKENS = TRUE).",
    "slack.com": "Turn on token rotation for the app; without it Slack's tokens do not expire.",
    "github.com": "Use a GitHub App with expiring user tokens; an OAuth app's tokens do not expire "
    "and need no refresh token.",
    "shopify.com": "Set extra_token_params to expiring=1.",
    "myshopify.com": "Set extra_token_params to expiring=1.",
}
_ASKED = (
    "The scope offline_access was asked for and not granted: add prompt=consent to "
    "extra_authorize_params (OpenID Connect Core §11), and check that the app may use refresh "
    "tokens."
)
_NOT_THE_REQUEST = (
    "All that asks for a refresh token was sent: check on the app's page at the service that it "
    "may use refresh tokens (the grant type refresh_token). If its access tokens do not expire, "
    "nothing needs to be done."
)
_ELSEWHERE = (
    "Add the scope offline_access, or set extra_authorize_params to access_type=offline and "
    "prompt=consent, as the service's documentation says. If its access tokens do not expire, "
    "nothing needs to be done."
)


def refresh_advice(_: Evidence, configured: Configured) -> str:
    """Name the parameter or scope that makes this service give a refresh token."""
    host = _host(configured.authorization_endpoint)
    known = next((text for domain, text in BY_HOST.items() if _within(host, domain)), None)
    asked = "offline_access" in configured.scopes
    if known and not (asked and known == _OFFLINE_SCOPE):
        return _NOT_THE_REQUEST if _is_set(known, configured) else known
    consent = "consent" in configured.extra_authorize_params.get("prompt", "").split()
    if asked:
        return _NOT_THE_REQUEST if consent else _ASKED
    return _ELSEWHERE


def _is_set(advice: str, configured: Configured) -> bool:
    """Say whether all the parameters that the advice names are sent already."""
    named = _PARAMETERS.search(advice)
    if named is None or named[1] != "extra_authorize_params":
        return False
    sent = configured.extra_authorize_params
    return all(sent.get(name) == value for name, value in re.findall(_PAIR, named[2]))


def refresh_paste(evidence: Evidence, configured: Configured) -> Paste | None:
    """Return the field and value that the advice names; None where it names none."""
    advice = refresh_advice(evidence, configured)
    if named := _PARAMETERS.search(advice):
        pairs = ", ".join(f'"{k}": "{v}"' for k, v in re.findall(_PAIR, named[2]))
        return Paste(AT_SERVER, named[1], f"{{{pairs}}}")
    scope = _SCOPE.search(advice)
    if scope and scope[1] not in configured.scopes:
        return Paste(AT_SERVER, "scopes", " ".join([*configured.scopes, scope[1]]))
    return None


def _host(url: str | None) -> str:
    try:
        return urlsplit(url or "").hostname or ""
    except ValueError:
        return ""


def _within(host: str, domain: str) -> bool:
    return host == domain or host.endswith(f".{domain}")
