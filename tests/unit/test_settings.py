"""The environment, validated once."""

import pytest

from broker.errors import ConfigurationError
from broker.settings import SessionBinding, Settings

COMPLETE = {
    "SERVERS_TABLE": "servers",
    "SERVER_STATE_TABLE": "server-state",
    "CONNECTIONS_TABLE": "connections",
    "PENDING_TABLE": "pending",
    "TOOLS_TABLE": "tools",
    "SESSIONS_TABLE": "sessions",
    "KMS_KEY_ID": "arn:key",
    "DUE_QUEUE_URL": "https://sqs/1/due",
    "RESCUE_QUEUE_URL": "https://sqs/1/rescue",
    "EVENT_BUS_NAME": "bus",
    "POWERTOOLS_SERVICE_NAME": "broker",
    "POWERTOOLS_METRICS_NAMESPACE": "ConsumerOAuthBroker/stack",
}


def faults(environ: dict[str, str]) -> tuple[str, ...]:
    with pytest.raises(ConfigurationError) as failed:
        Settings.read(environ)
    return failed.value.variables


def test_the_defaults_are_the_safe_ones() -> None:
    settings = Settings.read(COMPLETE)
    assert settings.session_binding is SessionBinding.BACKEND
    assert settings.allowed_return_urls == ()
    assert settings.broker_local_origins == frozenset()
    assert settings.refresh_buffer_seconds == 300
    assert settings.worker_concurrency == 5


def test_return_urls_are_separated_by_commas() -> None:
    settings = Settings.read(COMPLETE | {"ALLOWED_RETURN_URLS": "https://a/x, https://b/y,"})
    assert settings.allowed_return_urls == ("https://a/x", "https://b/y")


@pytest.mark.parametrize("name", COMPLETE)
def test_a_missing_variable_is_named(name: str) -> None:
    environ = {key: value for key, value in COMPLETE.items() if key != name}
    assert faults(environ) == (name,)


def test_all_that_is_wrong_is_named_at_once() -> None:
    assert faults({}) == tuple(sorted(COMPLETE))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *((name, "") for name in COMPLETE),
        *((name, " x y ") for name in COMPLETE),
        ("DUE_QUEUE_URL", "due"),
        ("PUBLIC_BASE_URL", "broker.example.com"),
        ("PUBLIC_BASE_URL", "https://broker.example.com/"),
        ("SESSION_BINDING", "backnd"),
        ("REFRESH_BUFFER_SECONDS", "many"),
        ("REFRESH_BUFFER_SECONDS", "-1"),
        ("KEEP_WARM_HOURS", "1e9"),
        ("REFRESHES_PER_SECOND", "0"),
        ("WORKER_CONCURRENCY", "1"),
        ("WORKER_CONCURRENCY", "1001"),
        ("WORKER_CONCURRENCY", "2.5"),
        ("LOG_LEVEL", "LOUD"),
        ("POWERTOOLS_METRICS_NAMESPACE", "a stack"),
    ],
)
def test_a_garbled_variable_is_named(name: str, value: str) -> None:
    assert faults(COMPLETE | {name: value}) == (name,)


def test_the_public_message_quotes_no_variable() -> None:
    with pytest.raises(ConfigurationError) as failed:
        Settings.read(COMPLETE | {"SESSION_BINDING": "canary"})
    assert str(failed.value) == "The broker is not configured: its log says what is wrong."
    assert failed.value.__cause__ is None


def test_other_variables_do_not_matter() -> None:
    assert Settings.read(COMPLETE | {"AWS_SECRET_ACCESS_KEY": "x", "PATH": "/bin"})
