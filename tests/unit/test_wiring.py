"""The composition root: an environment at fault is found once and told once, for each container."""

from collections.abc import Iterator

import pytest

from broker import wiring as root
from broker.errors import ConfigurationError
from broker.telemetry import logger
from tests.unit.test_settings import COMPLETE


@pytest.fixture(autouse=True)
def new_container(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, value in COMPLETE.items():
        monkeypatch.setenv(name, value)
    root._built.cache_clear()
    yield
    root._built.cache_clear()


def test_a_complete_environment_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    first = root.wiring()
    monkeypatch.delenv("TOOLS_TABLE")
    assert root.wiring() is first


def test_the_log_names_the_variables_at_fault_once_and_every_request_fails(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv("TOOLS_TABLE")
    monkeypatch.setenv("DUE_QUEUE_URL", "canary")
    for _ in range(3):
        with pytest.raises(ConfigurationError):
            root.wiring()
    [line] = [vars(record) for record in caplog.records]
    assert (line["levelname"], line["msg"]) == ("ERROR", "configuration_error")
    assert line["variables"] == ("DUE_QUEUE_URL", "TOOLS_TABLE")
    assert "canary" not in str(line)


def test_a_garbled_log_level_is_told_all_the_same(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("LOG_LEVEL", "LOUD")
    logger.cache_clear()
    with pytest.raises(ConfigurationError):
        root.wiring()
    logger.cache_clear()
    [line] = [vars(record) for record in caplog.records]
    assert line["variables"] == ("LOG_LEVEL",)
