"""One request to an address that was checked, and to no other."""

import ipaddress
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

import httpx

from detector.alerts.notify.reach import Address, Target

_PORTS: Final = {"http": 80, "https": 443}


@contextmanager
def pinned(
    method: str,
    target: Target,
    address: Address,
    *,
    headers: Mapping[str, str],
    content: bytes | None = None,
    tls: ssl.SSLContext | None = None,
    timeout_s: float = 10.0,
) -> Iterator[httpx.Response]:
    """The answer to a request, its body not read yet.

    The certificate is checked against the name. No proxy from the environment and no redirect may lead elsewhere.

    Args:
        method: GET or POST.
        target: checked by a `Reach`.
        address: one of the target's.
        headers: beside Host.
        content: body.
        tls: for a certificate authority of your own; the public ones by default.
        timeout_s: for each of connect, write and read.

    Raises:
        httpx.HTTPError: nobody answered, or not in HTTP.
    """
    host = f"[{target.host}]" if ":" in target.host else target.host
    name = host if target.port == _PORTS[target.scheme] else f"{host}:{target.port}"
    at = f"[{address}]" if isinstance(address, ipaddress.IPv6Address) else str(address)
    with (
        httpx.Client(verify=tls or True, timeout=timeout_s, trust_env=False, follow_redirects=False) as client,
        client.stream(
            method,
            f"{target.scheme}://{at}:{target.port}{target.path}",
            content=content,
            headers={**headers, "Host": name},
            extensions={"sni_hostname": target.host},
        ) as answer,
    ):
        yield answer
