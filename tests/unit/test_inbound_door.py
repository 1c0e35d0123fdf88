"""The door in: what an event says of its caller, and how a failure leaves."""

import json

import pytest
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver

from broker.errors import ConfigurationError, RefreshInProgress
from broker.inbound.door import cookies, invocation, precondition, read_arrival
from broker.inbound.pages import page_error
from broker.settings import Settings
from tests.unit.inbound_events import ask, event, invoked
from tests.unit.test_settings import COMPLETE


def settings_with(public_base_url: str) -> Settings:
    return Settings.read(COMPLETE | {"PUBLIC_BASE_URL": public_base_url})


def unconfigured() -> object:
    raise ConfigurationError(["TOOLS_TABLE"])


def boom(_: APIGatewayHttpResolver) -> object:
    raise RuntimeError("canary-secret")


def test_a_bug_of_ours_says_nothing_of_itself(capsys: pytest.CaptureFixture[str]) -> None:
    answer = ask(boom, event("{}"))
    assert answer["statusCode"] == 500
    assert json.loads(answer["body"])["error"] == "server_error"
    printed = capsys.readouterr()
    assert "canary" not in answer["body"] + printed.out + printed.err


def test_a_bug_of_ours_is_found_in_the_log_by_its_request(
    caplog: pytest.LogCaptureFixture,
) -> None:
    answer = ask(boom, event("{}"))
    [line] = [vars(record) for record in caplog.records if record.message == "unexpected_error"]
    assert line["request_id"] == json.loads(answer["body"])["request_id"] == "request-1"
    assert line["exception_type"] == "RuntimeError"


def test_a_bug_of_ours_is_a_page_where_pages_are_shown() -> None:
    answer = ask(boom, event("{}"), page_error)
    assert answer["headers"]["Content-Type"] == "text/html; charset=utf-8"
    assert "canary" not in answer["body"]


def test_an_error_says_when_to_come_back() -> None:
    def busy(_: APIGatewayHttpResolver) -> object:
        raise RefreshInProgress("Wait.", retry_after=2)

    answer = ask(busy, event("{}"))
    assert (answer["statusCode"], answer["headers"]["Retry-After"]) == (503, "2")


def test_without_a_configuration_no_request_is_looked_at() -> None:
    answer = ask(invoked, event("not JSON"), configured=unconfigured)
    assert (answer["statusCode"], json.loads(answer["body"])) == (
        500,
        {
            "error": "configuration_error",
            "error_description": "The broker is not configured: its log says what is wrong.",
            "request_id": "request-1",
        },
    )


def test_a_browser_is_shown_a_page_without_the_variables_at_fault() -> None:
    answer = ask(boom, event("{}"), page_error, unconfigured)
    assert answer["statusCode"] == 500
    assert answer["headers"]["Content-Type"] == "text/html; charset=utf-8"
    assert "configuration_error" in answer["body"]
    assert "TOOLS_TABLE" not in answer["body"]


def test_a_request_without_a_configuration_writes_no_log_line_of_its_own(
    caplog: pytest.LogCaptureFixture,
) -> None:
    ask(boom, event("{}"))
    assert len(caplog.records) == 1
    caplog.clear()
    ask(boom, event("{}"), configured=unconfigured)
    assert caplog.records == []


def test_an_unknown_address_is_a_404_of_ours() -> None:
    sent = event("{}")
    sent["requestContext"]["http"]["path"] = sent["rawPath"] = "/nowhere"
    answer = ask(boom, sent)
    assert (answer["statusCode"], json.loads(answer["body"])["error"]) == (404, "not_found")


def test_cookies_are_read_and_of_a_repeated_name_the_first_counts() -> None:
    sent = event("{}", cookies=["a=1", "b= 2 ", "a=3", "c=x=y", "d"])
    read = json.loads(ask(cookies, sent)["body"])["read"]
    assert read == repr({"a": "1", "b": "2", "c": "x=y", "d": ""})


@pytest.mark.parametrize("name", ["if-match", "If-Match", "IF-MATCH"])
def test_preconditions_are_read_however_their_header_is_written(name: str) -> None:
    sent = event("{}", headers={name: '"3"'})
    assert "if_match='\"3\"'" in json.loads(ask(precondition, sent)["body"])["read"]


@pytest.mark.parametrize(
    ("configured", "expected"),
    [
        ("", "https://abc.execute-api.example.com"),
        ("https://b.example.com", "https://b.example.com"),
    ],
)
def test_the_public_address_is_configured_or_the_gateways_own(
    configured: str, expected: str
) -> None:
    settings = settings_with(configured)
    read = ask(lambda app: invocation(app, settings).base_url, event("{}"))
    assert json.loads(read["body"])["read"] == repr(expected)


def test_the_forwarded_host_is_not_believed() -> None:
    headers = {"host": "evil.example.com", "x-forwarded-host": "evil.example.com"}
    settings = settings_with("")
    read = ask(lambda app: invocation(app, settings).base_url, event("{}", headers=headers))
    assert "evil" not in read["body"]


def test_what_the_browser_brings_never_prints() -> None:
    sent = event(
        None,
        rawQueryString="code=canary-code&state=canary-state",
        pathParameters={"server_id": "crm"},
        cookies=["__Host-flow-1=canary-cookie"],
    )
    assert "canary" not in ask(read_arrival, sent)["body"]
