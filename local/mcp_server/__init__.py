"""The MCP server of the local stack: the ``mcp`` SDK, an invented address book, and odd moods.

Run it as ``python -m local.mcp_server --port 0 --introspection URL --issuer URL``. It binds to
127.0.0.1, prints ``{"port": N}`` on one line when it is ready, and ends with its parent or when
its stdin reaches EOF. Options: see ``--help``.

Any ``http://127.0.0.1:N/{tenant}/mcp`` is an MCP server of its own, with its own sessions, switches
and log, so that tests can share one process. A bearer is introspected (RFC 7662) at every request
and the tools answer with that person's contacts, so that a mixed-up user shows in the result.

``/.well-known/oauth-protected-resource/{tenant}/mcp`` is its metadata (RFC 9728), ``/control/`` the
interface for tests (see ``control``).
"""
