"""T3: which addresses are talked to."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.outbound import is_public

PUBLIC = [
    "1.1.1.1",
    "8.8.8.8",
    "93.184.215.14",
    "172.15.255.255",
    "172.32.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "2606:4700:4700::1111",
    "2a00:1450:4001:80b::200e",
]
NOT_PUBLIC = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.169.254",
    "169.254.170.2",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::169.254.169.254",
    "::8.8.8.8",
    "::ffff:127.0.0.1",
    "::ffff:8.8.8.8",
    "::ffff:0:169.254.169.254",
    "64:ff9b::169.254.169.254",
    "64:ff9b::8.8.8.8",
    "64:ff9b:1::a9fe:a9fe",
    "100::1",
    "2001::1",
    "2001:0:a9fe:a9fe::1",
    "2001:10::1",
    "2001:db8::1",
    "2002:7f00:1::1",
    "2002:a9fe:a9fe::",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "2606:4700:4700::1111%1",
    "fec0::1",
    "ff02::1",
    "ff0e::1",
]


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_unicast_address_is_talked_to(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_an_address_that_is_not_plainly_public_is_not_talked_to(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "text", ["", "localhost", "127.1", "0x7f.1", "1.1.1.1 ", "１.1.1.1", "[::1]"]
)
def test_what_is_not_plainly_an_address_is_not_talked_to(text: str) -> None:
    assert not is_public(text)


@given(
    st.integers(0, 2**32 - 1), st.sampled_from(["::", "::ffff:0:0", "::ffff:0:0:0", "64:ff9b::"])
)
def test_no_ipv4_address_hides_in_the_last_bits_of_an_ipv6_address(v4: int, prefix: str) -> None:
    hidden = ipaddress.IPv6Address(int(ipaddress.IPv6Address(prefix)) | v4)
    assert not is_public(str(hidden))


@given(st.integers(0, 2**32 - 1), st.integers(0, 2**80 - 1))
def test_no_ipv4_address_hides_in_a_6to4_or_teredo_address(v4: int, rest: int) -> None:
    assert not is_public(str(ipaddress.IPv6Address((0x2002 << 112) | (v4 << 80) | rest)))
    assert not is_public(str(ipaddress.IPv6Address((0x20010000 << 96) | (v4 << 64) | rest % 2**64)))


@given(st.integers(0, 2**32 - 1))
def test_what_python_calls_private_or_reserved_is_never_public(v4: int) -> None:
    address = ipaddress.IPv4Address(v4)
    if address.is_private or address.is_multicast or address.is_reserved or not address.is_global:
        assert not is_public(str(address))


@given(st.integers(0, 2**128 - 1))
def test_what_lies_outside_global_unicast_is_never_public(v6: int) -> None:
    address = ipaddress.IPv6Address(v6)
    if address not in ipaddress.IPv6Network("2000::/3"):
        assert not is_public(str(address))
