"""The smoke test's own judgement: what it is asked, which region it signs for, what is harmless."""

from typing import Any

import pytest

from smoke.addresses import without_secrets
from smoke.asked import Asked, read
from smoke.failures import CannotRunError, in_one_line
from smoke.signing import signer
from smoke.steps import harmless

GATEWAY = "https://ab12cd34ef.execute-api.eu-central-1.amazonaws.com"
MCP = "--mcp=https://mcp.example.com/"


@pytest.fixture(autouse=True)
def _a_machine_without_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIA")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")


@pytest.mark.parametrize(
    ("api", "origin"),
    [
        (GATEWAY, GATEWAY),
        (f"{GATEWAY}/", GATEWAY),
        (" https://Broker.example.com ", "https://broker.example.com"),
        ("https://broker.example.com:8443", "https://broker.example.com:8443"),
        ("http://127.0.0.1:4000", "http://127.0.0.1:4000"),
        ("http://[::1]:4000", "http://[::1]:4000"),
        ("http://localhost:4000", "http://localhost:4000"),
        ("http://broker.localhost:4000", "http://127.0.0.1:4000"),
        ("https://bücher.example.com", "https://xn--bcher-kva.example.com"),
    ],
)
def test_the_api_is_an_https_origin_or_on_this_machine(api: str, origin: str) -> None:
    assert read([f"--api={api}", MCP]).api == origin


@pytest.mark.parametrize(
    "api",
    [
        "broker.example.com",
        "htps://broker.example.com",
        "https://",
        "https://broker.example.com/v1",
        "https://broker.example.com?a=b",
        "https://broker.example.com#a",
        "https://jo:secret@broker.example.com",
        "https://jo:secret",
        "https://jo:secret@℀.example",
        "http://broker.example.com",
        "http://10.0.0.1",
        "http://localhost.example.com",
        "http://127.0.0.1.example.com",
    ],
)
def test_any_other_address_is_refused_and_never_quoted_with_its_password(api: str) -> None:
    with pytest.raises(CannotRunError, match=r"^API ") as refused:
        read([f"--api={api}", MCP])
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    "api",
    [
        "https://broker.example.com:0",
        "https://broker.example.com:99999",
        "https://[broker",
        "https://[::1",
        "https://[v1.broker]",
        "https://a..b",
        "https://.a",
        "https://-a.example.com",
        "https://a b",
        "https://a%2eb",
        "https://a\\b",
        "https://xn--a",
        "https://☃.example.com",
        f"https://{'x' * 64}.example.com",
        f"https://{'x.' * 127}example.com",
        "http://..localhost",
    ],
)
def test_a_host_and_a_port_that_cannot_be_are_refused_in_one_sentence(api: str) -> None:
    with pytest.raises(CannotRunError) as refused:
        read([f"--api={api}", MCP])
    assert str(refused.value) == (
        "API has a host or a port that cannot be: it must be the stack's output ApiUrl."
    )


@pytest.mark.parametrize("mcp", ["https://[::1/?apiKey=secret", "https://jo:secret/mcp"])
def test_an_mcp_address_that_is_no_url_is_refused_unquoted(mcp: str) -> None:
    with pytest.raises(CannotRunError, match=r"^MCP is not a URL\.$"):
        read([f"--api={GATEWAY}", f"--mcp={mcp}"])


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://mcp.example.com/mcp?apiKey=secret", "https://mcp.example.com"),
        ("https://mcp.example.com/s/secret/mcp#secret", "https://mcp.example.com"),
        ("https://jo:secret@mcp.example.com:8443", "https://mcp.example.com:8443"),
        ("https://[2001:db8::1]/mcp", "https://[2001:db8::1]"),
    ],
)
def test_of_an_address_only_what_is_no_secret_is_shown(url: str, shown: str) -> None:
    assert without_secrets(url) == shown


@pytest.mark.parametrize("given", [[], [MCP], [f"--api={GATEWAY}"], ["--api=", "--mcp="], ["--x"]])
def test_what_is_missing_is_said_with_the_whole_command(given: list[str]) -> None:
    with pytest.raises(CannotRunError, match=r"make smoke API=https://… MCP=https://…"):
        read(given)


def test_options_that_are_given_empty_count_as_left_out() -> None:
    given = [f"--api={GATEWAY}", MCP, "--tool=", "--arguments=", "--remove="]
    assert read(given) == Asked(GATEWAY, "https://mcp.example.com/")


@pytest.mark.parametrize("arguments", ["{", "[]", '"text"', "1"])
def test_arguments_are_a_json_object(arguments: str) -> None:
    with pytest.raises(CannotRunError, match=r"^ARGUMENTS "):
        read([f"--api={GATEWAY}", MCP, "--tool=x", f"--arguments={arguments}"])


def test_arguments_without_their_tool_are_refused() -> None:
    with pytest.raises(CannotRunError, match="give both"):
        read([f"--api={GATEWAY}", MCP, "--arguments={}"])


@pytest.mark.parametrize(
    "name", ["salesforce", "smoke-", "smoke-test", "smoke-../x", "x-smoke-12ab"]
)
def test_nothing_is_removed_but_what_this_check_made(name: str) -> None:
    assert read([f"--api={GATEWAY}", "--remove=smoke-0123456789ab"]).remove
    with pytest.raises(CannotRunError, match=r"^REMOVE takes"):
        read([f"--api={GATEWAY}", f"--remove={name}"])


@pytest.mark.parametrize(
    ("api", "region"),
    [
        (GATEWAY, "eu-central-1"),
        ("https://ab12.execute-api.cn-north-1.amazonaws.com.cn", "cn-north-1"),
        ("https://broker.example.com", "us-west-2"),
        ("https://ab12.execute-api.eu-central-1.amazonaws.com.example.com", "us-west-2"),
    ],
)
def test_the_region_is_the_gateways_own_else_the_one_that_is_set(
    monkeypatch: pytest.MonkeyPatch, api: str, region: str
) -> None:
    monkeypatch.setenv("AWS_REGION", "us-west-2")
    assert signer(api).region == region


def test_a_region_that_nobody_tells_is_asked_for() -> None:
    with pytest.raises(CannotRunError, match=r"^Set AWS_REGION to the stack's region"):
        signer("https://broker.example.com")


READS = {"annotations": {"readOnlyHint": True}, "inputSchema": {"type": "object"}}


@pytest.mark.parametrize(
    "tool",
    [
        {"inputSchema": {"type": "object"}},
        READS | {"annotations": {"readOnlyHint": False}},
        READS | {"annotations": {"readOnlyHint": "true"}},
        READS | {"annotations": None},
        READS | {"inputSchema": {"type": "object", "required": ["id"]}},
        READS | {"inputSchema": None},
    ],
)
def test_a_tool_is_run_unasked_only_if_it_says_that_it_reads_and_needs_nothing(
    tool: dict[str, Any],
) -> None:
    assert harmless([tool | {"name": "unsure"}]) == ""
    assert harmless([tool | {"name": "unsure"}, READS | {"name": "sure"}]) == "sure"


def test_what_others_say_is_shown_on_one_line_without_control_characters() -> None:
    assert in_one_line("a\x1b[31m\r\nb\x9b\u202e\u2028c") == "a [31m b c"
    assert in_one_line("x" * 500) == "x" * 160 + "…"
