"""Gaps: what may be put into them, and where they may stand."""

import pytest

from broker.templates import (
    GapKind,
    GapRule,
    filled,
    gaps,
    is_listable,
    misplaced,
    samples,
)

SALESFORCE = GapRule(GapKind.HOST, ("*.salesforce.com", "login.example.com"))
SEGMENT, LABEL = GapRule(GapKind.SEGMENT), GapRule(GapKind.LABEL)
RULES = {"host": SALESFORCE, "realm": SEGMENT, "tenant": LABEL}
HOSTILE = [
    "",
    " ",
    "a b",
    "a/b",
    "a\\b",
    "a@evil.example",
    "a#b",
    "a?b",
    "a:8443",
    "a%2Fb",
    "a\nb",
    "a\r\nX-Evil: 1",
    "..",
    ".",
    "{realm}",
    "á",
    "a" * 300,
    None,
    True,
    -1,
    1.5,
    ["a"],
    {"a": "b"},
]


@pytest.mark.parametrize("value", HOSTILE, ids=repr)
@pytest.mark.parametrize("rule", RULES.values(), ids=list(RULES))
def test_no_kind_admits_hostile_text(rule: GapRule, value: object) -> None:
    assert rule.admitted(value) is None


@pytest.mark.parametrize(
    ("said", "host"),
    [
        ("https://acme.my.salesforce.com", "acme.my.salesforce.com"),
        ("https://acme.my.salesforce.com/", "acme.my.salesforce.com"),
        ("HTTPS://ACME.my.Salesforce.com", "acme.my.salesforce.com"),
        ("login.example.com", "login.example.com"),
    ],
)
def test_a_host_is_taken_with_or_without_its_scheme(said: str, host: str) -> None:
    assert SALESFORCE.admitted(said) == host


@pytest.mark.parametrize(
    "said",
    [
        "https://salesforce.com",
        "https://evilsalesforce.com",
        "https://acme.salesforce.com.evil.example",
        "https://evil.example/.salesforce.com",
        "https://evil.example?.salesforce.com",
        "https://evil.example#.salesforce.com",
        "https://acme.salesforce.com@evil.example",
        "https://evil.example\\.salesforce.com",
        "https://acme.salesforce.com:8443",
        "https://acme.salesforce.com/path",
        "http://acme.salesforce.com",
        "https://a.login.example.com",
        "https://-.salesforce.com",
        "https://.salesforce.com",
        "//acme.salesforce.com",
        "https://https://acme.salesforce.com",
        "127.0.0.1",
        "[::1]",
    ],
)
def test_no_host_is_taken_but_those_that_are_listed(said: str) -> None:
    assert SALESFORCE.admitted(said) is None


def test_a_host_is_never_taken_where_none_is_listed() -> None:
    assert GapRule(GapKind.HOST).admitted("a.example.com") is None


@pytest.mark.parametrize(("value", "text"), [("a.b-c_d~", "a.b-c_d~"), (4620816365, "4620816365")])
def test_a_segment_may_come_as_text_or_number(value: object, text: str) -> None:
    assert SEGMENT.admitted(value) == text


def test_a_label_has_no_dot() -> None:
    assert LABEL.admitted("acme-1") == "acme-1"
    assert LABEL.admitted("acme.evil") is None


@pytest.mark.parametrize(
    "host", ["login.example.com", "*.example.com", "*.my.example.com", "example.com"]
)
def test_a_name_of_two_labels_or_more_can_be_listed(host: str) -> None:
    assert is_listable(host)


@pytest.mark.parametrize(
    "host",
    [
        "*",
        "*.",
        "*.com",
        "com",
        "*.*.com",
        "a.*.com",
        "a*.example.com",
        "",
        ".example.com",
        "*.co.uk",
        "*.COM.au",
    ],
)
def test_what_would_open_more_than_a_service_cannot(host: str) -> None:
    assert not is_listable(host)


@pytest.mark.parametrize(
    "url",
    [
        "https://{host}/oauth/token",
        "https://{host}",
        "https://{host}?realm={realm}",
        "https://{tenant}.example.com/mcp",
        "https://mcp.example.com/{realm}/{tenant}/{host}?r={realm}",
        "https://mcp.example.com/mcp",
        "http://127.0.0.1:8080/{realm}",
    ],
)
def test_a_gap_stands_where_its_kind_may(url: str) -> None:
    assert misplaced(url, RULES) is None


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://{realm}.example.com/", "realm"),
        ("https://{realm}/", "realm"),
        ("https://{tenant}/", "tenant"),
        ("https://{tenant}.com/", "tenant"),
        ("https://{tenant}.co.uk/", "tenant"),
        ("https://{tenant}{realm}.example.com/", "tenant"),
        ("https://a{tenant}.example.com/", "tenant"),
        ("https://{host}.evil.example/", "host"),
        ("https://{host}:8443/", "host"),
        ("https://jo@{host}/", "host"),
        ("https://{unknown}/", "unknown"),
        ("http://{host}/", "host"),
        ("{host}/path", "host"),
    ],
)
def test_and_nowhere_else(url: str, name: str) -> None:
    assert misplaced(url, RULES) == name


def test_a_gap_without_a_value_stays() -> None:
    assert filled("https://{host}/{realm}", {"realm": "1"}) == "https://{host}/1"
    assert gaps("https://{host}/{realm}") == ("host", "realm")


def test_a_value_is_put_in_once() -> None:
    assert filled("/{a}/{b}", {"a": "{b}", "b": "x"}) == "/{b}/x"


def test_every_sample_is_admitted_by_its_rule() -> None:
    for name, text in samples(RULES).items():
        assert RULES[name].admitted(text) == text
