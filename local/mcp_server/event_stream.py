"""A JSON answer as an SSE stream, for servers that always choose that (the TypeScript SDK does)."""

from dataclasses import dataclass, field

from starlette.datastructures import MutableHeaders
from starlette.types import Message, Send


@dataclass(slots=True)
class EventStream:
    """A ``send`` that turns a 200 with a JSON body into a stream of one event."""

    send: Send
    start: Message | None = None
    body: bytearray = field(default_factory=bytearray)

    async def __call__(self, message: Message) -> None:
        """Hold a JSON answer back until it is complete; let everything else pass."""
        if message["type"] == "http.response.start" and _is_json(message):
            self.start = message
        elif self.start is None:
            await self.send(message)
        else:
            self.body += message.get("body", b"")
            if not message.get("more_body", False):
                await self._stream(self.start)

    async def _stream(self, start: Message) -> None:
        headers = MutableHeaders(raw=start["headers"])
        headers["content-type"] = "text/event-stream"
        del headers["content-length"]
        event = b"event: message\r\ndata: " + bytes(self.body) + b"\r\n\r\n"
        await self.send(start)
        await self.send({"type": "http.response.body", "body": event})


def _is_json(start: Message) -> bool:
    headers = MutableHeaders(raw=start["headers"])
    return start["status"] == 200 and headers.get("content-type", "") == "application/json"
