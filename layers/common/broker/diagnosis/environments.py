"""Sandbox or production: what a host's name says of the environment it belongs to."""

import re
from urllib.parse import urlsplit

from .configured import Configured

_NOT_PRODUCTION = re.compile(
    r"(?:^|[.-])(?:sandbox|test|testing|dev|develop|demo|staging|stage|uat|qa|preview|integration)"
    r"(?:\d*)(?:[.-]|$)"
    r"|^account-d\.docusign\.com$",
    re.IGNORECASE,
)


def mixed(configured: Configured) -> bool:
    """Say whether one endpoint is a sandbox's by its name, and another is not."""
    urls = (
        configured.authorization_endpoint,
        configured.token_endpoint,
        configured.refresh_endpoint,
        configured.issuer,
    )
    return len({is_sandbox(url) for url in urls if url}) > 1


def is_sandbox(url: str) -> bool:
    """Say whether a URL's host is named as one that is not production."""
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return False
    return bool(_NOT_PRODUCTION.search(host))
