"""Invoke a tool as one of your users: one request, signed with your role's AWS credentials.

    BROKER_URL=https://broker.example.com AWS_REGION=eu-central-1 \
        python examples/invoke_signed.py jo my-server list_contacts '{"limit": 10}'

It needs botocore and httpx. Credentials are taken from where botocore finds them; they must hold
the stack's chat backend policy.
"""

import json
import os
import sys

import botocore.session
import httpx
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest


def invoke(user_id: str, server_id: str, tool: str, arguments: str = "{}") -> httpx.Response:
    """Sign and send; the user must be the one of your own session."""
    call = {"user_id": user_id, "server_id": server_id, "tool": tool}
    body = json.dumps(call | {"arguments": json.loads(arguments)})
    url = f"{os.environ['BROKER_URL'].rstrip('/')}/v1/invoke"
    request = AWSRequest("POST", url, {"Content-Type": "application/json"}, body)
    credentials = botocore.session.get_session().get_credentials()
    if credentials is None:
        sys.exit("botocore finds no AWS credentials.")
    SigV4Auth(credentials, "execute-api", os.environ["AWS_REGION"]).add_auth(request)
    return httpx.post(url, content=body, headers=dict(request.headers.items()), timeout=35)


if __name__ == "__main__":
    answer = invoke(*sys.argv[1:])
    print(json.dumps(answer.json(), indent=2, ensure_ascii=False))
    sys.exit(0 if answer.is_success else f"HTTP {answer.status_code}")
