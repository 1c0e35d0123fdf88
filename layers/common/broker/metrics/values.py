"""The values that dimensions take, where several metrics share them."""

ERRORS = (
    "authorization_server_error",
    "configuration_error",
    "connection_not_found",
    "foreign_origin",
    "invalid_request",
    "invalid_server",
    "invalid_token",
    "invalid_tool_arguments",
    "mcp_result_too_large",
    "mcp_server_error",
    "mcp_server_timeout",
    "method_not_allowed",
    "not_found",
    "precondition_failed",
    "preset_not_found",
    "refresh_in_progress",
    "request_too_large",
    "server_changed",
    "server_error",
    "server_in_use",
    "server_misconfigured",
    "server_not_found",
    "session_mismatch",
    "temporarily_unavailable",
    "test_not_found",
    "too_many_requests",
)
"""The codes of ``broker.errors`` and ``endpoint_errors``; a test compares."""
OAUTH_ERRORS = (
    "invalid_client",
    "invalid_grant",
    "invalid_request",
    "invalid_scope",
    "invalid_target",
    "unauthorized_client",
    "unsupported_grant_type",
)
"""What a token endpoint may answer (RFC 6749 §5.2, RFC 8707 §2); services say much else."""
REQUEST_FAILURES = ("grant_refused", "client_refused", "request_refused", "no_usable_answer")
"""How a token request fails: the classes of ``broker.oauth.failures``."""
RECONNECTS = (
    "ambiguous_refresh",
    "expired_without_refresh",
    "refresh_rejected",
    "rejected_by_server",
    "revoked",
    "server_changed",
)
"""Why a connection needs its user again; a test compares with the model's reasons."""
STATES = ("active", "reconnect_required", "removing", "none")
