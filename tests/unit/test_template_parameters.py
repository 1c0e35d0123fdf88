"""The stack's parameters: what they are for, and that they refuse what cannot work."""

import json
import re
from typing import Any

import pytest

from broker.settings import Settings
from tests.unit.test_settings import COMPLETE
from tests.unit.transformed import source, transformed

URLS = ["ChatLogoUrl", "AllowedReturnUrls", "DefaultReturnUrl"]
ADDRESSES = [*URLS, "PublicBaseUrl"]
WHOLE_NUMBERS = {
    "RefreshBufferSeconds": range(3601),
    "KeepWarmHours": range(8761),
    "RefreshesPerSecond": range(1, 1001),
    "ThrottleBurst": range(1, 5001),
    "WorkerConcurrency": range(2, 1001),
}


def _parameters() -> dict[str, dict[str, Any]]:
    parameters: dict[str, dict[str, Any]] = source()["Parameters"]
    return parameters


def _accepts(name: str, value: str) -> bool:
    """Judge as CloudFormation does.

    A pattern must match the whole value, or each member of a list with the blanks around it taken
    off. It is a Java expression, whose `$` and `\\s` know ASCII alone and whose other parts used
    here mean the same.
    """
    parameter = _parameters()[name]
    if "AllowedValues" in parameter:
        return value in map(str, parameter["AllowedValues"])
    if parameter["Type"] == "Number":
        return bool(re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", value, re.ASCII)) and (
            parameter["MinValue"] <= float(value) <= parameter["MaxValue"]
        )
    members = [value]
    if parameter["Type"] == "CommaDelimitedList":
        members = [member.strip(" ") for member in value.split(",")]
    pattern = re.compile(parameter["AllowedPattern"], re.ASCII)
    return all(pattern.fullmatch(member) for member in members)


def test_a_deployment_needs_no_answer_and_every_parameter_says_what_it_is_for() -> None:
    for name, parameter in _parameters().items():
        assert "Default" in parameter, name
        assert parameter["Description"].endswith("."), name
        assert parameter.keys() & {"AllowedPattern", "AllowedValues", "MinValue"}, name
        if "AllowedValues" not in parameter:
            assert parameter["ConstraintDescription"].endswith("."), name


def test_every_parameter_is_labelled_and_grouped_once_and_is_used() -> None:
    interface = source()["Metadata"]["AWS::CloudFormation::Interface"]
    grouped = [name for group in interface["ParameterGroups"] for name in group["Parameters"]]
    assert sorted(grouped) == sorted(_parameters())
    assert interface["ParameterLabels"].keys() == _parameters().keys()
    used = json.dumps([transformed()["Conditions"], transformed()["Resources"]])
    for name in _parameters():
        assert f'"Ref": "{name}"' in used or f"${{{name}}}" in used, name


def test_every_default_is_accepted() -> None:
    for name, parameter in _parameters().items():
        assert _accepts(name, str(parameter["Default"])), name


@pytest.mark.parametrize("name", _parameters())
@pytest.mark.parametrize("spoilt", ["{}\n", "\n{}", "{}\t", " {}", "{}\u00a0", "{}\u200b"])
def test_what_slips_in_when_a_value_is_pasted_is_refused(name: str, spoilt: str) -> None:
    parameter = _parameters()[name]
    good = {
        "CustomDomainName": "broker.example.com",
        "CertificateArn": "arn:aws:acm:eu-central-1:123456789012:certificate/12ab-34cd",
        "AlarmEmail": "ops@example.com",
        **dict.fromkeys(ADDRESSES, "https://chat.example.com"),
    }.get(name, str(parameter["Default"]))
    assert _accepts(name, good)
    if parameter["Type"] == "CommaDelimitedList" and spoilt == " {}":
        assert _accepts(name, spoilt.format(good))  # CloudFormation takes such blanks off
    else:
        assert not _accepts(name, spoilt.format(good))


@pytest.mark.parametrize("name", ADDRESSES)
@pytest.mark.parametrize(
    "value",
    [
        "http://chat.example.com",
        "HTTPS://chat.example.com",
        "javascript:alert(1)",
        "//chat.example.com",
        "https://",
        "https:///return",
        "https://chat.example.com/ b",
        'https://chat.example.com/"',
        "https://chat.example.com/'",
        "https://chat.example.com\\@evil.example.com",
        "https://user@chat.example.com",
        "https://user:password@chat.example.com",
        "https://chat.example.com.",
        "https://chat..example.com",
        "https://.chat.example.com",
        "https://-chat.example.com",
        "https://chat-.example.com",
        "https://chat_one.example.com",
        "https://chat.ex\u0430mple.com",  # a Cyrillic a
        "https://chat\uff0eexample.com",  # a full-width dot
        "https://chat.example.com:",
        "https://chat.example.com:0",
        "https://chat.example.com:99999",
        "https://chat.example.com:65536",
        "https://chat.example.com:08443",
        "https://chat.example.com/#here",
    ],
)
def test_what_is_not_plainly_an_https_address_is_refused(name: str, value: str) -> None:
    assert not _accepts(name, value)


@pytest.mark.parametrize("name", ADDRESSES)
@pytest.mark.parametrize(
    "value",
    [
        "https://chat.example.com",
        "https://chat",
        "https://xn--bcher-kva.example.com",
        "https://a--b.example.com",
        "https://chat.example.com:1",
        "https://chat.example.com:8443",
        "https://chat.example.com:65535",
    ],
)
def test_an_https_address_is_accepted(name: str, value: str) -> None:
    assert _accepts(name, value)


@pytest.mark.parametrize("name", URLS)
@pytest.mark.parametrize("rest", ["/", "/return", "/a/b.png?x=1&y=%20~@!$()*+", "?from=broker"])
def test_a_page_may_have_a_path_and_a_query(name: str, rest: str) -> None:
    assert _accepts(name, f"https://chat.example.com{rest}")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ChatLogoUrl", "https://chat.example.com/logo.png; script-src *"),
        ("ChatLogoUrl", "https://chat.example.com/logo.png;script-src"),
        ("ChatLogoUrl", "https://chat.example.com/a,https://chat.example.com/b"),
        ("AllowedReturnUrls", "https://chat.example.com/a https://chat.example.com/b"),
        ("AllowedReturnUrls", "https://chat.example.com/a;https://chat.example.com/b,nowhere"),
        ("AllowedReturnUrls", "https://chat.example.com/*,*"),
        ("DefaultReturnUrl", "https://chat.example.com/a,https://chat.example.com/b"),
        ("PublicBaseUrl", "https://broker.example.com/"),
        ("PublicBaseUrl", "https://broker.example.com/v1"),
        ("PublicBaseUrl", "https://Broker.example.com"),
        ("CustomDomainName", "https://broker.example.com"),
        ("CustomDomainName", "localhost"),
        ("CustomDomainName", "broker.example.com."),
        ("CustomDomainName", "Broker.example.com"),
        ("CustomDomainName", "broker.example.com:443"),
        ("CustomDomainName", "*.example.com"),
        ("CustomDomainName", "10.0.0.1"),
        ("CustomDomainName", "br\u00f6ker.example.com"),
        ("CertificateArn", "arn:aws:iam::123456789012:server-certificate/x"),
        ("CertificateArn", "12ab-34cd"),
        ("AlarmEmail", "nobody"),
        ("AlarmEmail", "ops@example"),
        ("AlarmEmail", "ops@example.com."),
        ("AlarmEmail", "ops@example.com,dev@example.com"),
        ("AlarmEmail", "ops@example.com;dev@example.com"),
        ("AlarmEmail", "ops@example.com dev@example.com"),
        ("AlarmEmail", "Ops <ops@example.com>"),
        ("AlarmEmail", "mailto:ops@example.com"),
        ("AlarmEmail", "ops@ex\u0430mple.com"),
        ("ChatName", ""),
        ("ChatName", " "),
        ("ChatName", " Harbor Chat"),
        ("ChatName", "Harbor Chat "),
        ("ChatName", "Harbor\nChat"),
        ("ChatName", "<b>chat</b>"),
        ("ChatName", "x" * 65),
        ("SessionBinding", "Backend"),
        ("SessionBinding", ""),
        ("WorkerConcurrency", "1"),
        ("ThrottleRate", "0"),
        ("ThrottleBurst", "many"),
        ("LogRetentionDays", "2"),
    ],
)
def test_a_value_that_would_fail_later_is_refused_at_once(name: str, value: str) -> None:
    assert not _accepts(name, value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AllowedReturnUrls", "https://chat.example.com/a,https://chat.example.com/b?c=d"),
        ("AllowedReturnUrls", "https://chat.example.com/a, https://chat.example.com/b"),
        ("CustomDomainName", "broker.example.com"),
        ("CustomDomainName", "xn--brker-jua.xn--p1ai"),
        ("CertificateArn", "arn:aws:acm:eu-central-1:123456789012:certificate/12ab-34cd"),
        ("CertificateArn", "arn:aws-us-gov:acm:us-gov-west-1:123456789012:certificate/12ab"),
        ("AlarmEmail", "ops@example.com"),
        ("AlarmEmail", "first.last+alarms@mail.example.co.uk"),
        ("ChatName", "Zoë’s Chat & Co."),
        ("ChatName", "港 Chat 🚢"),
        ("ChatName", "Harbor\u00a0Chat"),
        ("ChatName", "Chat \U0001f469\u200d\U0001f4bb"),  # a joined emoji: woman technologist
        ("ChatName", "Chat \u2764\ufe0f"),  # an emoji with its variation selector: red heart
        ("ChatName", "\u06af\u067e\u200c\u0632\u0646"),  # Persian, with a non-joiner inside
        ("ChatName", "x"),
        ("ChatName", "🚢" * 64),
    ],
)
def test_a_value_that_works_is_accepted(name: str, value: str) -> None:
    assert _accepts(name, value)


@pytest.mark.parametrize(("name", "bounds"), WHOLE_NUMBERS.items())
def test_what_is_read_as_a_whole_number_is_one_within_its_bounds(name: str, bounds: range) -> None:
    accepted = [number for number in range(bounds.stop + 1100) if _accepts(name, str(number))]
    assert accepted == list(bounds)
    for value in ("", "0.5", "2.5", "5.0", "1e2", "-5", "+5", "007", "300 s", "\u0663"):
        assert not _accepts(name, value), value


def test_only_numbers_that_may_be_fractions_or_are_listed_are_of_the_type_number() -> None:
    """A Number takes fractions; a rate may be one (AWS::ApiGatewayV2::Stage, a double)."""
    numbers = {
        name
        for name, parameter in _parameters().items()
        if parameter["Type"] == "Number" and "AllowedValues" not in parameter
    }
    assert numbers == {"ThrottleRate"}
    assert _accepts("ThrottleRate", "2.5")


@pytest.mark.parametrize(
    "invisible",
    [
        *("\u00ad", "\u034f", "\u180e"),
        *("\u200b", "\u2060", "\u2064", "\ufeff", "\ufff9"),  # of no width
        *("\u115f", "\u1160", "\u17b4", "\u2800", "\u3164", "\uffa0"),  # fillers
        *("\u061c", "\u200e", "\u200f", "\u202e", "\u2066", "\u2069", "\u206a"),  # directions
        *("\u0000", "\u0085", "\u2028", "\u2029"),  # controls and ends of lines
    ],
)
def test_what_cannot_be_seen_is_in_no_name(invisible: str) -> None:
    for name in (invisible, f"{invisible}Chat", f"Ch{invisible}at", f"Chat{invisible}"):
        assert not _accepts("ChatName", name), name


@pytest.mark.parametrize(
    "blank", ["\u00a0", "\u1680", "\u2000", "\u2003", "\u200a", "\u202f", "\u205f", "\u3000"]
)
def test_no_blank_of_any_width_stands_before_or_after_a_name(blank: str) -> None:
    assert _accepts("ChatName", f"Harbor{blank}Chat")
    for name in (blank, f"{blank}Chat", f"Chat{blank}"):
        assert not _accepts("ChatName", name), name


@pytest.mark.parametrize("joiner", ["\u200c", "\u200d"])
def test_a_joiner_without_something_to_join_is_refused(joiner: str) -> None:
    for name in (joiner, f"{joiner}Chat", f"Chat{joiner}"):
        assert not _accepts("ChatName", name), name


@pytest.mark.parametrize("selector", ["\u180b", "\ufe00", "\ufe0f"])
def test_a_variation_selector_without_something_to_vary_is_refused(selector: str) -> None:
    assert not _accepts("ChatName", selector)
    assert not _accepts("ChatName", f"{selector}Chat")


def test_an_empty_member_of_the_return_urls_is_left_out() -> None:
    """A pattern cannot refuse it: none at all is an empty member, too."""
    value = "https://chat.example.com/a, ,,https://chat.example.com/b,"
    assert _accepts("AllowedReturnUrls", value)
    members = ",".join(member.strip() for member in value.split(","))
    read = Settings.read(COMPLETE | {"ALLOWED_RETURN_URLS": members})
    assert read.allowed_return_urls == ("https://chat.example.com/a", "https://chat.example.com/b")


def test_users_are_protected_from_forwarded_links_unless_the_builder_opts_out() -> None:
    assert _parameters()["SessionBinding"]["Default"] == "backend"
