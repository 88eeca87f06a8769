"""Which hosts may be reached for somebody who is not the owner of this machine.

An app on the internet that fetches what strangers write could be made to ask its own neighbours: the
metadata service of the cloud, a database without a password. So every connection for such a reader is
checked where it is made, by the very address it goes to: a name that resolves to a private address, a
redirect to one, and a name that answers differently the second time all end here.
"""

from __future__ import annotations

import ipaddress
import socket
from typing import Any

from lib.remote.faults import ForbiddenHost

__all__ = ["is_public", "public_socket"]

# IPv6 in front of an IPv4 address: what counts is the latter. www.rfc-editor.org/rfc/rfc6052, rfc3056
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_SIXTOFOUR = ipaddress.ip_network("2002::/16")


def is_public(text: str) -> bool:
    """Whether an IP address belongs to the internet: not private, loopback, link-local, shared, reserved
    or multicast, nor a wrapping of such."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped
        if inner is None and address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is None and address in _SIXTOFOUR:
            inner = ipaddress.IPv4Address((int(address) >> 80) & 0xFFFFFFFF)
        if inner is None and address.teredo is not None:
            inner = address.teredo[1]
        if inner is not None:
            return is_public(str(inner))
    return address.is_global and not address.is_multicast


def public_socket(target: tuple[Any, ...]) -> socket.socket:
    """A socket for ``target`` (family, kind, protocol, name, address), as aiohttp asks for one before each
    connection. Raises ``ForbiddenHost``."""
    family, kind, protocol, _, address = target
    if not is_public(str(address[0])):
        raise ForbiddenHost("not a public address")
    return socket.socket(family=family, type=kind, proto=protocol)
