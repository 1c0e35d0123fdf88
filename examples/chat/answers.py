"""The broker's answers and errors, as the chat page shows them: JSON with a `kind`."""

from examples.chat.agent import EXAMPLES, ToolCall
from examples.chat.broker import BrokerError, Json

_ERRORS = {
    "server_not_found": "I do not know that app.",
    "server_misconfigured": "This app is not set up completely. Its builder has to finish that.",
    "invalid_tool_arguments": "The app did not understand what I asked it to do.",
    "mcp_server_timeout": "The app took too long. Look there before you ask again: it may have"
    " done it all the same.",
    "mcp_server_error": "The app is not working properly at the moment.",
    "mcp_result_too_large": "The app's answer is too long to be shown here.",
    "authorization_server_error": "The service did not complete the sign-in. Please try again.",
    "connection_not_found": "There is no such connection any more.",
    "session_mismatch": "This sign-in does not belong to your session, so nothing was connected.",
    "server_changed": "The app was changed while you were signing in. Please connect again.",
}
_REVOCATIONS = {
    "confirmed": "{service} is disconnected, and has confirmed that the access has ended.",
    "pending": "{service} is disconnected here, and is being told to end the access.",
    "failed": "{service} is disconnected here, but could not be told. To be sure, also remove the"
    " access in your settings there.",
    "unsupported": "{service} is disconnected here. It cannot be told, so also remove the access in"
    " your settings there.",
}


def help_text() -> Json:
    """Say what this chat understands."""
    return said("I am a small example and know only a few sentences, such as:", list(EXAMPLES))


def said(text: str, suggestions: list[str] | None = None) -> Json:
    """Return a plain remark of the chat."""
    return {"kind": "said", "text": text, "suggestions": suggestions or []}


def trouble(error: BrokerError) -> Json:
    """Return a failure in friendly words."""
    if error.retry_after:
        text = f"The app is busy just now. Please try again in {error.retry_after} seconds."
    else:
        text = _ERRORS.get(error.error, "Something went wrong on our side. Please try again.")
    return {"kind": "trouble", "text": text, "request_id": error.request_id}


def unreachable() -> Json:
    """Say that no answer came from the broker."""
    return {
        "kind": "trouble",
        "text": "We cannot reach our own service just now.",
        "request_id": "",
    }


def invoked(call: ToolCall, answer: Json) -> Json:
    """Return what an invoke answered: a result, a connect card, or a question."""
    match answer["status"]:
        case "completed":
            return _result(call, answer["result"])
        case "authorization_required":
            return _card(answer)
        case _:
            return said("The app asks something before it goes on. This example cannot answer.")


def disconnected(service: str, answer: Json) -> str:
    """Say what became of the access at the service."""
    return _REVOCATIONS[answer["revocation"]].format(service=service)


def connection(shown: Json) -> Json:
    """Return one line of the list of connections."""
    return {
        "server_id": shown["server"]["id"],
        "service": shown["server"]["name"] or shown["server"]["id"],
        "account": shown["account"],
        "active": shown["status"] == "active",
    }


def _result(call: ToolCall, result: Json) -> Json:
    """Return a CallToolResult; the page shows all of it as text, never as HTML."""
    content = [_as_text(block) for block in result.get("content", [])]
    return {
        "kind": "result",
        "tool": call.tool,
        "server_id": call.server_id,
        "is_error": bool(result.get("isError")),
        "content": content,
        "structured": result.get("structuredContent"),
    }


def _as_text(block: Json) -> str:
    return str(block["text"]) if block.get("type") == "text" else f"[{block.get('type')}]"


def _card(answer: Json) -> Json:
    return {
        "kind": "card",
        "service": answer["server"]["name"],
        **{name: answer[name] for name in ("prompt", "connect_id", "connect_url", "expires_at")},
    }
