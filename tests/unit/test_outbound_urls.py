"""T3: one strict reading of a URL."""

import re

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.clock import Clock
from broker.errors import AddressBlocked
from broker.outbound import Outbound, Url

ACCEPTED = [
    "https://mcp.example.com",
    "https://mcp.example.com/",
    "https://MCP.Example.COM/mcp",
    "https://mcp.example.com:8443/mcp?tenant=a%20b&x=1",
    "https://mcp.example.com?x=1",
    "https://xn--bcher-kva.example/mcp",
    "https://my_app.example.com/v1/mcp;x=1",
    "https://127.0.0.1.example.com/",
    "https://1e100.net/",
]
REFUSED = [
    "",
    "https://",
    "https:///mcp",
    "https:/mcp.example.com",
    "https:mcp.example.com",
    "//mcp.example.com",
    "mcp.example.com",
    "http://mcp.example.com/",
    "HTTP://mcp.example.com/",
    "ftp://mcp.example.com/",
    "file:///etc/passwd",
    "javascript:alert(1)",
    "gopher://mcp.example.com:70/_x",
    "https+unix://mcp.example.com/",
    # user names
    "https://user@mcp.example.com/",
    "https://user:secret@mcp.example.com/",
    "https://mcp.example.com@169.254.169.254/",
    "https://169.254.169.254@mcp.example.com/",
    "https://@mcp.example.com/",
    # fragments
    "https://mcp.example.com/#x",
    "https://mcp.example.com#@evil.example/",
    # two readings of one text
    "https://mcp.example.com\\@evil.example/",
    "https:\\\\mcp.example.com/",
    "https://evil.example\\.mcp.example.com/",
    "https://mcp.example.com /",
    " https://mcp.example.com/",
    "https://mcp.example.com/\n",
    "https://mcp.example.com/a b",
    "https://mcp.exa\tmple.com/",
    "https://mcp.example.com/\r\nHost: evil.example",
    "https://mcp.example.com/\x00",
    "https://mcp.example.com/%",
    "https://mcp.example.com/%zz",
    "https://mcp.example.com/{tenant}",
    "https://mcp.example%2ecom/",
    "https://%6dcp.example.com/",
    "https://[mcp.example.com]/",
    "https://mcp.example.com[::1]/",
    # names that are none
    "https://mcp.example.com./",
    "https://.example.com/",
    "https://mcp..example.com/",
    "https://-mcp.example.com/",
    "https://mcp-.example.com/",
    "https://mcp.example.com,evil.example/",
    "https://mcp.example.com;evil.example/",
    "https://*.example.com/",
    f"https://{'a' * 64}.example.com/",
    f"https://{'a.' * 130}com/",
    f"https://mcp.example.com/{'a' * 8192}",
    # names that need no dot
    "https://localhost/",
    "https://localhost:8443/",
    "https://metadata/",
    "https://broker.localhost/",
    "https://a.b.LOCALHOST/",
    # ports
    "https://mcp.example.com:/",
    "https://mcp.example.com:0/",
    "https://mcp.example.com:65536/",
    "https://mcp.example.com:+443/",
    "https://mcp.example.com:4_43/",
    "https://mcp.example.com:-1/",
    "https://mcp.example.com:443:80/",
    "https://mcp.example.com:４４３/",
    # not in ASCII
    "https://bücher.example/",
    "https://mcp。example。com/",
    "https://ｍｃｐ.example.com/",
    "https://mcp.example.com/ü",
    "https://ⓛocalhost.example/",
    # addresses, in the notations that getaddrinfo or a URL parser takes
    "https://127.0.0.1/",
    "https://8.8.8.8/",
    "https://127.1/",
    "https://127.0.1/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7F.0x0.0x0.0x1/",
    "https://0177.0.0.1/",
    "https://017700000001/",
    "https://0x7f.1/",
    "https://127.0.0.01/",
    "https://127.0.0.1./",
    "https://0/",
    "https://0x/",
    "https://1.2.3.4.5/",
    "https://mcp.example.0x7f/",
    "https://１２７.0.0.1/",
    "https://127。0。0。1/",
    "https://①②⑦.⓪.⓪.①/",
    "https://[::1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[0:0:0:0:0:0:0:1]:443/",
    "https://[64:ff9b::a9fe:a9fe]/",
    "https://[fe80::1%25eth0]/",
    "https://[2606:4700:4700::1111]/",
    "https://::1/",
]


def refusing(_request: httpx.Request) -> httpx.Response:
    pytest.fail("a request was sent")


def door(*local_origins: str) -> Outbound:
    return Outbound(Clock(), httpx.MockTransport(refusing), frozenset(local_origins))


@pytest.mark.parametrize("url", ACCEPTED)
def test_an_https_url_with_a_dns_name_is_accepted(url: str) -> None:
    door().check_url(url)


@pytest.mark.parametrize("url", REFUSED)
def test_any_other_spelling_is_refused(url: str) -> None:
    with pytest.raises(AddressBlocked):
        door().check_url(url)


@pytest.mark.parametrize("url", REFUSED)
def test_no_request_is_made_for_a_refused_url(url: str) -> None:
    with pytest.raises(AddressBlocked):
        door().send("GET", url, headers={}, deadline=Clock().monotonic() + 5, cap=10)


@pytest.mark.parametrize("url", REFUSED)
def test_the_reason_quotes_nothing_of_the_url(url: str) -> None:
    with pytest.raises(AddressBlocked) as refused:
        door().check_url(url)
    reason = str(refused.value)
    assert reason.startswith("The URL")
    assert "evil" not in reason
    assert "secret" not in reason


def notations(number: int) -> list[str]:
    """Write one IPv4 address in the ways of inet_aton."""
    a, b, c, d = number.to_bytes(4)
    return [
        f"{a}.{b}.{c}.{d}",
        f"{a}.{b}.{c * 256 + d}",
        f"{a}.{b * 65536 + c * 256 + d}",
        str(number),
        hex(number),
        oct(number).replace("o", ""),
        f"{a:#x}.{b:#x}.{c:#x}.{d:#x}",
        f"0{a:o}.0{b:o}.0{c:o}.0{d:o}",
        f"{a:#X}.0{b:o}.{c * 256 + d}",
        f"{a:03d}.{b:03d}.{c:03d}.{d:03d}",
    ]


@given(st.integers(0, 2**32 - 1), st.integers(0, 9), st.sampled_from(["", ":8443"]))
def test_no_notation_of_an_address_passes_for_a_name(number: int, which: int, port: str) -> None:
    with pytest.raises(AddressBlocked):
        door().check_url(f"https://{notations(number)[which]}{port}/")


HOSTILE = st.text(st.sampled_from("aZ09.-_:@/\\?#[]%x \t\n０。é&;,=*"), max_size=30)


@given(HOSTILE)
def test_what_is_accepted_is_read_alike_by_another_parser(rest: str) -> None:
    url = "https://" + rest
    try:
        door().check_url(url)
    except AddressBlocked:
        return
    ours, theirs = Url.parse(url), httpx.URL(url)
    assert ours.origin.host == theirs.host
    assert ours.origin.port == (theirs.port or 443)
    assert not re.search(r"(?:^|\.)[0-9]+$", ours.origin.host)


@given(HOSTILE)
def test_the_parts_are_carried_over_unchanged(rest: str) -> None:
    try:
        url = Url.parse("https://" + rest)
    except AddressBlocked:
        return
    carried = url.for_httpx()
    assert carried.raw_host.decode() == url.origin.host
    assert (carried.port or 443) == url.origin.port


LOCAL = ("http://broker.localhost:8123", "http://127.0.0.1:9000", "http://[::1]:9001")


@pytest.mark.parametrize("origin", LOCAL)
def test_an_exact_local_origin_is_accepted(origin: str) -> None:
    door(*LOCAL).check_url(origin + "/mcp")


@pytest.mark.parametrize(
    "url",
    [
        "https://broker.localhost:8123/",
        "http://broker.localhost/",
        "http://broker.localhost:8124/",
        "http://other.localhost:8123/",
        "http://127.0.0.1:9001/",
        "http://127.1:9000/",
        "http://0x7f.0.0.1:9000/",
        "http://localhost:9000/",
        "http://[0:0:0:0:0:0:0:1]:9001/",
        "http://user@127.0.0.1:9000/",
        "http://127.0.0.1:9000@mcp.example.com/",
        "http://169.254.169.254/",
    ],
)
def test_anything_near_a_local_origin_is_refused(url: str) -> None:
    with pytest.raises(AddressBlocked):
        door(*LOCAL).check_url(url)


@pytest.mark.parametrize("origin", LOCAL)
def test_without_the_setting_a_local_origin_is_refused(origin: str) -> None:
    with pytest.raises(AddressBlocked):
        door().check_url(origin + "/mcp")
