"""NTLM over HTTP ([MS-NTHT], [MS-NLMP]): the two messages with which a user signs a connection in; it sends nothing.

Over TLS the second message is bound to the certificate that the server showed (RFC 5929 4.1), so that it is worth nothing
on another connection. Servers with Extended Protection insist on that, and therefore refuse it where something between
opens the TLS and makes its own.
"""

import base64
import binascii
import re
from collections.abc import Callable, Iterable

from msgspec import Struct

from schemas.errors import Rejected

_CHALLENGE = re.compile(r"NTLM ([A-Za-z0-9+/=]{1,20000})", re.IGNORECASE)


class Ntlm(Struct, frozen=True):
    r"""A user (`DOMAIN\user`, or an address) with a password, who signs in by NTLM."""

    user: str
    secret: Callable[[], str]


def offers_ntlm(offers: Iterable[str]) -> bool:
    """Whether one of the `WWW-Authenticate` fields offers NTLM."""
    return any(offer.strip().lower().partition(" ")[0] == "ntlm" for offer in offers)


def challenge_in(offers: Iterable[str]) -> bytes:
    """The server's challenge in one of the `WWW-Authenticate` fields; nothing where there is none."""
    for offer in offers:
        found = _CHALLENGE.fullmatch(offer.strip())
        if found is not None:
            try:
                return base64.b64decode(found[1], validate=True)
            except binascii.Error:
                continue
    return b""


class Handshake:
    """One sign-in: `opening`, then `response` to the challenge that came back."""

    def __init__(self, login: Ntlm, host: str, certificate: bytes) -> None:
        """`certificate` is the server's in DER; empty without TLS."""
        import spnego  # noqa: PLC0415  # 60 ms that only this sign-in needs
        from spnego.channel_bindings import GssChannelBindings  # noqa: PLC0415

        bindings = None
        if certificate:
            bindings = GssChannelBindings(
                application_data=b"tls-server-end-point:" + _fingerprint(certificate)
            )
        # Without a domain the server finds it out, of a user principal name also from what follows the @.
        user = login.user if "\\" in login.user else f"\\{login.user}"
        self._context = spnego.client(
            user,
            login.secret(),
            hostname=host,
            service="http",
            protocol="ntlm",
            channel_bindings=bindings,
            options=spnego.NegotiateOptions.use_ntlm,
        )

    def opening(self) -> str:
        """The `Authorization` of the first request."""
        return _field(self._context.step())

    def response(self, challenge: bytes) -> str:
        """The `Authorization` of the second request.

        Raises:
            Rejected: the challenge is none.
        """
        from spnego.exceptions import SpnegoError  # noqa: PLC0415

        try:
            return _field(self._context.step(challenge))
        except (SpnegoError, ValueError, IndexError) as error:
            raise Rejected("The server's side of the NTLM sign-in cannot be understood.") from error


def _field(message: bytes | None) -> str:
    return f"NTLM {base64.b64encode(message or b'').decode()}"


def _fingerprint(certificate: bytes) -> bytes:
    """The certificate's hash by its own algorithm, SHA-256 instead of what is weaker (RFC 5929 4.1)."""
    from cryptography import x509  # noqa: PLC0415
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415

    loaded = x509.load_der_x509_certificate(certificate)
    try:
        algorithm = loaded.signature_hash_algorithm
    except UnsupportedAlgorithm:
        algorithm = None
    if algorithm is None or algorithm.name in {"md5", "sha1"}:
        algorithm = hashes.SHA256()
    return loaded.fingerprint(algorithm)
