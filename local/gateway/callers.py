"""Who may call the signed routes: AWS IAM authorization, as the gateway does it."""

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, Self

from local.account import ACCOUNT, API_ID, REGION
from local.loopback import Request
from local.signing import SERVICE, TIMESTAMP, AccessKey, authorization
from local.template import Template

CHAT_BACKEND, BUILDER, OPERATOR = "chat-backend", "builder", "operator"
BOTH = f"{CHAT_BACKEND}+{BUILDER}"
"""One caller with both policies."""
_SKEW = timedelta(minutes=5)
_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>[^/\s]+)/[^,\s]+,\s*"
    r"SignedHeaders=(?P<headers>[^,\s]+),\s*Signature=[0-9a-f]{64}"
)
_SPACES = re.compile(r",\s*")


@dataclass(frozen=True, slots=True)
class Caller:
    """One party with credentials, and the routes that its policy allows."""

    name: str
    key: AccessKey
    allowed: tuple[str, ...]
    """Resources of execute-api:Invoke, `*` and `?` included."""
    denied: tuple[str, ...] = ()

    def may_invoke(self, method: str, path: str) -> bool:
        """Judge the policy: what is allowed and not denied; conditions are not looked at."""
        route = f"arn:aws:{SERVICE}:{REGION}:{ACCOUNT}:{API_ID}/$default/{method}{path}"
        if any(_fits(pattern, route) for pattern in self.denied):
            return False
        return any(_fits(pattern, route) for pattern in self.allowed)

    def identity(self) -> dict[str, Any]:
        """Return `requestContext.authorizer.iam`."""
        user_id = f"AIDA{''.join(filter(str.isalnum, self.name)).upper()}"
        return {
            "accessKey": self.key.access_key_id,
            "accountId": ACCOUNT,
            "callerId": user_id,
            "cognitoIdentity": None,
            "principalOrgId": None,
            "userArn": f"arn:aws:iam::{ACCOUNT}:user/{self.name}",
            "userId": user_id,
        }


@dataclass(frozen=True, slots=True)
class Callers:
    """The known callers, by access key id."""

    by_key: Mapping[str, Caller] = field(repr=False)

    @classmethod
    def of(cls, template: Template, keys: Mapping[str, AccessKey]) -> Self:
        """Give each key's holder the routes of its policy; all routes, where it has none.

        A caller's policy is the managed policy whose logical id begins like the caller's name; a
        name joined by + has the policies of its parts.
        """
        allows, denials = _policies(template, "Allow"), _policies(template, "Deny")
        callers = [
            Caller(
                name,
                key,
                tuple(_policy_of(name, allows) or ["*"]),
                tuple(_policy_of(name, denials)),
            )
            for name, key in keys.items()
        ]
        return cls({caller.key.access_key_id: caller for caller in callers})

    def authenticate(self, request: Request) -> Caller | None:
        """Return who signed this very request within the last five minutes; None if nobody did."""
        header = request.header("authorization") or ""
        parts = _AUTHORIZATION.fullmatch(header)
        caller = self.by_key.get(parts["key"]) if parts else None
        if parts is None or caller is None:
            return None
        headers = {name: request.header(name) or "" for name in parts["headers"].split(";")}
        if "host" not in headers or not _is_recent(headers.get("x-amz-date", "")):
            return None
        # A hash that the caller states must be that of the body that came.
        if headers.get("x-amz-content-sha256") not in {None, sha256(request.body).hexdigest()}:
            return None
        url = f"http://{headers['host']}{request.path}?{request.query}"
        expected = authorization(caller.key, request.method, url, headers, request.body)
        return caller if hmac.compare_digest(expected, _SPACES.sub(", ", header)) else None


def _is_recent(timestamp: str) -> bool:
    try:
        at = datetime.strptime(timestamp, TIMESTAMP).replace(tzinfo=UTC)
    except ValueError:
        return False
    return abs(datetime.now(UTC) - at) <= _SKEW


def _policy_of(caller: str, policies: Mapping[str, list[str]]) -> list[str]:
    beginnings = tuple(caller.replace("-", "").split("+"))
    matching = [policies[name] for name in policies if name.lower().startswith(beginnings)]
    return [resource for policy in matching for resource in policy]


def _policies(template: Template, effect: str) -> dict[str, list[str]]:
    """Return what each managed policy allows or denies of execute-api, by logical id."""
    policies: dict[str, list[str]] = {}
    for logical_id, properties in template.of_type("AWS::IAM::ManagedPolicy"):
        document = template.resolve(properties["PolicyDocument"])
        resources = [
            resource
            for statement in _listed(document["Statement"])
            if statement["Effect"] == effect and f"{SERVICE}:Invoke" in _listed(statement["Action"])
            for resource in _listed(statement["Resource"])
        ]
        if resources:
            policies[logical_id] = resources
    return policies


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _fits(pattern: str, arn: str) -> bool:
    wildcards = {"*": ".*", "?": "."}
    expression = "".join(wildcards.get(character, re.escape(character)) for character in pattern)
    return re.fullmatch(expression, arn, re.DOTALL) is not None
