"""Connections to hosts that a person or a server named: resolved once, looked at, and made to what was looked at.

An address that is not public is refused unless the owner allowed it, whatever name leads there and however it is
written, so that a hostile record or redirect cannot reach into the owner's network (CWE-918). The address that was
looked at is the one connected to, so that a second answer of the resolver changes nothing.
"""

import ipaddress
import socket
import ssl
from contextlib import suppress
from datetime import timedelta

from schemas.errors import Rejected, Transient

CONNECT_WITHIN = timedelta(seconds=20)
IDLE_AT_MOST = timedelta(seconds=60)
"""How long an answer may let wait for its next byte."""
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_TRIED = 4
_OUT_OF_TIME = frozenset({9, 10})
"""OpenSSL's codes of a certificate that is not valid yet, or any more (x509_vfy.h)."""
_OF_ANOTHER = frozenset({62, 64})
"""Of one for another name or address."""

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def addresses(host: str, port: int, *, allow_private: bool) -> list[str]:
    """The addresses of a host that may be connected to, in the resolver's order.

    Raises:
        Transient: the name cannot be resolved now.
        Rejected: every address is in a private network or on this machine, and that was not allowed; or it is no name.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (UnicodeError, ValueError) as error:
        raise Rejected(f"{host[:100]!r} is not the name of a host. Check how it is spelt.") from error
    except OSError as error:
        raise Transient(
            f"{host} cannot be found ({error.strerror or 'no answer'}). Check the name and this machine's network."
        ) from error
    texts = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    allowed = [text for text in texts if allow_private or is_public(text)]
    if not allowed:
        raise Rejected(
            f"{host} is in a private network or on this machine. If it is yours, allow it: add --allow-private."
        )
    return allowed


def is_public(text: str) -> bool:
    """Whether an address is one of the public internet, also where an IPv4 address is wrapped into an IPv6 one."""
    try:
        address: _Address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address):
        inner = _wrapped(address)
        if inner is not None and not inner.is_global:
            return False
    return address.is_global and not address.is_multicast


def _wrapped(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that an IPv6 one leads to: mapped (RFC 4291), 6to4 (RFC 3056), Teredo (4380), NAT64 (6052)."""
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)


def open_socket(
    host: str, port: int, *, allow_private: bool, timeout: timedelta = CONNECT_WITHIN
) -> socket.socket:
    """A connection to the first address of a host that answers; reading from it may idle `IDLE_AT_MOST`.

    Raises:
        Transient: nobody answers there.
        Rejected: as `addresses` does.
    """
    failure: OSError | None = None
    for address in addresses(host, port, allow_private=allow_private)[:_TRIED]:
        try:
            made = socket.create_connection((address, port), timeout.total_seconds())
        except OSError as error:
            failure = error
            continue
        with suppress(OSError):
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        made.settimeout(IDLE_AT_MOST.total_seconds())
        return made
    why = (
        "it took too long"
        if isinstance(failure, TimeoutError)
        else getattr(failure, "strerror", "") or "no answer"
    )
    raise Transient(f"{host}, port {port}, does not answer ({why}). Check host and port; Kith tries again.")


def untrusted(host: str, error: ssl.SSLCertVerificationError) -> str:
    """What to say of a certificate that is not to be trusted, and what to do."""
    if error.verify_code in _OUT_OF_TIME:
        cure = "See whether this machine's clock is right; if it is, whoever runs the server has to renew it."
    elif error.verify_code in _OF_ANOTHER:
        cure = "Check how the host is spelt."
    else:
        cure = (
            "If it is your own server, give the certificate of who signed it with --ca-file; else somebody may be in "
            "between."
        )
    return (
        f"{host} shows a certificate that is not to be trusted ({error.verify_message.rstrip('.')}). {cure}"
    )
