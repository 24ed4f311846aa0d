"""Where notifications may go: https and public addresses, unless a network is allowed by name.

A URL is a setting, and settings get stolen or mistyped: without this a webhook could be pointed at a cloud's metadata
service.
"""

import ipaddress
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, urlsplit

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

LOOPBACK: Final[tuple[Network, ...]] = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))
_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")
_PORTS: Final = {"http": 80, "https": 443}


class RefusedError(ValueError):
    """A URL that must not be called."""


@dataclass(frozen=True)
class Target:
    """A URL with the addresses that were checked; the call must go to one: a name may resolve otherwise a moment later.

    Attributes:
        scheme, host, port, path: of the URL; the path with its query.
        addresses: at least one; IPv4 first.
    """

    scheme: str
    host: str
    port: int
    path: str
    addresses: tuple[Address, ...]


def resolve(host: str, port: int) -> list[Address]:
    """All addresses of a host.

    Raises:
        OSError: it has none now.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    # An IPv6 address may carry a zone ("fe80::1%eth0").
    return [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]


@dataclass(frozen=True)
class Reach:
    """The rule.

    Attributes:
        allowed: networks that may be called though private, and without TLS; e.g. `LOOPBACK`, or that of a cluster.
        resolver: (host, port) → addresses.
    """

    allowed: Sequence[Network] = ()
    resolver: Callable[[str, int], list[Address]] = resolve

    def check(self, url: str) -> Target:
        """The target of a URL.

        Raises:
            RefusedError: no http(s) URL, it carries a password, or an address or the lack of TLS is not allowed.
            OSError: the host does not resolve now.
        """
        parts, port = _parts(url)
        host = parts.hostname or ""
        addresses = self.resolver(host, port)
        if not addresses:
            raise OSError(f"{host} has no address")
        for address in addresses:
            self._check_address(parts.scheme, host, address)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return Target(parts.scheme, host, port, path, tuple(sorted(addresses, key=lambda a: a.version)))

    def _check_address(self, scheme: str, host: str, address: Address) -> None:
        if any(address in network for network in self.allowed):
            return
        if scheme != "https":
            raise RefusedError(f"{host}: only https, unless its network is allowed")
        inner = _inner(address)
        if not all(a.is_global and not a.is_multicast for a in (address, *inner)):
            raise RefusedError(f"{host} is at {address}, which is no public address; allow its network if it is meant")


def _parts(url: str) -> tuple[SplitResult, int]:
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError as error:
        raise RefusedError("no valid URL") from error
    if parts.scheme not in _PORTS or not parts.hostname:
        raise RefusedError("neither an http nor an https URL")
    if parts.username is not None or parts.password is not None:
        raise RefusedError("the URL carries a user or password")
    return parts, port


def _inner(address: Address) -> list[Address]:
    """IPv4 addresses that an IPv6 address leads to."""
    if isinstance(address, ipaddress.IPv4Address):
        return []
    inner: list[Address | None] = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if address in _NAT64:
        inner.append(ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF))
    return [a for a in inner if a is not None]
