"""Which addresses the broker talks to: public unicast ones, and nothing that hides another.

`ipaddress` alone is not enough: depending on the Python version it calls the NAT64, 6to4 and
IPv4-compatible forms of 169.254.169.254 global. So what is denied stands here by name, after the
IANA special-purpose address registries (RFC 6890), and `is_global` is asked as well.
"""

import ipaddress
from ipaddress import IPv4Address, IPv6Address

_DENIED_4 = tuple(
    ipaddress.IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # this network; Linux connects 0.0.0.0 to itself
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # shared address space of carriers, and of some clouds' metadata
        "127.0.0.0/8",  # loopback
        "169.254.0.0/16",  # link-local: the metadata services
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # IETF protocol assignments
        "192.0.2.0/24",  # documentation
        "192.31.196.0/24",  # AS112
        "192.52.193.0/24",  # AMT
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",  # private
        "192.175.48.0/24",  # AS112
        "198.18.0.0/15",  # benchmarking
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
    )
)

# All that IANA has allotted to global unicast. Outside it lie, among others, ::, ::1,
# IPv4-mapped, -compatible and -translated addresses, NAT64 (64:ff9b::/96, 64:ff9b:1::/48),
# discard-only 100::/64, fc00::/7, fe80::/10, fec0::/10 and multicast ff00::/8.
_GLOBAL_UNICAST_6 = ipaddress.IPv6Network("2000::/3")

_DENIED_6 = tuple(
    ipaddress.IPv6Network(network)
    for network in (
        "2001::/23",  # IETF protocol assignments: Teredo 2001::/32, ORCHID, benchmarking
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4: any IPv4 address inside
        "2620:4f:8000::/48",  # AS112
        "3ffe::/16",  # 6bone, returned
        "3fff::/20",  # documentation
    )
)


def is_public(address: str) -> bool:
    """Judge one numeric address; anything that is not plainly one is not public."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, IPv4Address):
        return _is_public_4(parsed)
    return _is_public_6(parsed)


def _is_public_4(address: IPv4Address) -> bool:
    return address.is_global and not any(address in network for network in _DENIED_4)


def _is_public_6(address: IPv6Address) -> bool:
    if address.scope_id is not None or address not in _GLOBAL_UNICAST_6:
        return False
    return address.is_global and not any(address in network for network in _DENIED_6)
