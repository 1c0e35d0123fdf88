"""The MCP server of a stand-in: 2026-07-28, one tool."""

import json
from typing import Any

from werkzeug import Request, Response

VERSION = "2026-07-28"
TOOL = "whoami"


def answer_mcp(request: Request, name: str) -> Response:
    """Answer one JSON-RPC request."""
    asked = json.loads(request.get_data())
    results: dict[str, Any] = {
        "server/discover": {
            "supportedVersions": [VERSION],
            "capabilities": {"tools": {}},
            "serverInfo": {"name": name, "version": "1"},
        },
        "tools/list": {"tools": [{"name": TOOL, "inputSchema": {"type": "object"}}]},
        "tools/call": {"content": [{"type": "text", "text": f"at {name}"}]},
    }
    answer: dict[str, Any] = {"jsonrpc": "2.0", "id": asked["id"]}
    if request.headers.get("MCP-Protocol-Version") != VERSION:
        data = {"supported": [VERSION], "requested": "another"}
        answer["error"] = {"code": -32022, "message": "Unsupported version", "data": data}
        return Response(json.dumps(answer), 400, mimetype="application/json")
    result = {"resultType": "complete", **results[asked["method"]]}
    if asked["method"] != "tools/call":
        result |= {"ttlMs": 60_000, "cacheScope": "private"}
    return Response(json.dumps({**answer, "result": result}), mimetype="application/json")
