"""A session with a mail submission server (RFC 5321, 6409, 8314): encrypted, signed in, and bounded in all it may say.

It never sends a password before the connection is encrypted as the settings say, and never goes on without STARTTLS.
"""

import base64
import re
import smtplib
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from datetime import timedelta
from time import monotonic
from typing import Any, Literal

from msgspec import Struct

from connectors._network import is_public, open_socket, untrusted
from schemas.errors import ReauthRequired, Rejected, Transient

Security = Literal["tls", "starttls", "none"]

_PORTS: Mapping[Security, int] = {"tls": 465, "starttls": 587, "none": 25}
_REPLY_AT_MOST = 65_536
"""Bytes of one reply; the longest that are met, to EHLO, have under one thousand."""
_REPLY_LINE = re.compile(rb"[2-5][0-9]{2}[ -]?")
_ENHANCED = re.compile(rb"[245]\.[0-9]{1,3}\.[0-9]{1,3}\b")
_SIGN_INS = ("PLAIN", "LOGIN")
_REFUSED_SIGN_IN = frozenset({432, 530, 534, 535})
"""RFC 4954 6, and 534 as Google gives it to those who need an app password."""


class Patience(Struct, frozen=True):
    """How long to wait for a reply, and for the one to a whole mail, which is looked through first (RFC 5321 4.5.3.2)."""

    reply: timedelta = timedelta(seconds=60)
    taking: timedelta = timedelta(minutes=5)
    goodbye: timedelta = timedelta(seconds=5)


class Server(Struct, frozen=True, kw_only=True):
    """Where to sign in and how, as the account's settings say."""

    host: str
    port: int
    security: Security
    user: str
    is_token: bool
    allow_private: bool
    ca_file: str


def server_of(settings: Mapping[str, Any]) -> Server:
    """The server that settings name.

    Raises:
        Rejected: a setting is missing or cannot be used.
    """
    named = settings.get("security") or "tls"
    security = next((one for one in _PORTS if one == named), None)
    if security is None:
        raise Rejected(f"--security is tls, starttls or none, not {str(named)[:20]!r}.")
    host = str(settings.get("host") or "")
    if not host:
        raise Rejected("Where mail is sent from is not known. Name the server: --host smtp.example.com")
    port = settings.get("port") or _PORTS[security]
    if not isinstance(port, int) or not 0 < port < 65_536:
        raise Rejected("--port is a number from 1 to 65535.")
    return Server(
        host=host,
        port=port,
        security=security,
        user=str(settings.get("user") or ""),
        is_token=settings.get("auth") == "xoauth2",
        allow_private=bool(settings.get("allow_private")),
        ca_file=str(settings.get("ca_file") or ""),
    )


class Session(smtplib.SMTP):
    """One connection, made to an address that was looked at first."""

    def __init__(self, server: Server, patience: Patience) -> None:
        # The name of this machine is nobody's business; a literal is what a client without a name gives (4.1.3).
        super().__init__(local_hostname="[127.0.0.1]")
        self.server = server
        self.signed_in_by = ""
        self._patience = patience
        self._host = server.host
        self._unread = b""

    # --- beginning ------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Connect and encrypt, and learn what the server offers."""
        check(self, self.connect(self.server.host, self.server.port), 220, "the connection")
        check(self, self.ehlo(), 250, "the greeting")
        if self.server.security == "starttls":
            self._start_tls()
            check(self, self.ehlo(), 250, "the greeting")

    def _get_socket(self, host: str, port: int, _timeout: object) -> socket.socket:
        made = open_socket(host, port, allow_private=self.server.allow_private)
        with ExitStack() as on_failure:
            on_failure.callback(made.close)
            made.settimeout(self._patience.reply.total_seconds())
            if self.server.security == "tls":
                made = self._encrypted(made)
            elif self.server.security == "none":
                _only_private(made, host)
            on_failure.pop_all()
        return made

    def _start_tls(self) -> None:
        if not self.has_extn("starttls"):
            raise Rejected(
                f"{self._host} does not offer STARTTLS, so nothing was sent. Try --security tls --port 465."
            )
        check(self, self.docmd("STARTTLS"), 220, "STARTTLS")
        if self._unread:
            # Said before the encryption, to be taken for said within it (RFC 3207 4.2, CVE-2011-0411).
            raise Rejected(
                f"{self._host}, or somebody on the way, talked out of turn before the encryption. Nothing was sent."
            )
        self.sock = self._encrypted(self.sock)

    def _encrypted(self, plain: socket.socket | None) -> ssl.SSLSocket:
        if plain is None:
            raise smtplib.SMTPServerDisconnected
        try:
            context = ssl.create_default_context(cafile=self.server.ca_file or None)
        except OSError as error:
            raise Rejected(
                f"The certificates in {self.server.ca_file} cannot be read. --ca-file takes a PEM file."
            ) from error
        try:
            return context.wrap_socket(plain, server_hostname=self._host)
        except ssl.SSLCertVerificationError as error:
            raise Rejected(untrusted(self._host, error)) from error
        except (ssl.SSLEOFError, ssl.SSLZeroReturnError) as error:
            raise smtplib.SMTPServerDisconnected from error
        except ssl.SSLError as error:
            other = "tls --port 465" if self.server.security == "starttls" else "starttls --port 587"
            raise Rejected(
                f"{self._host}, port {self.server.port}, does not encrypt as expected ({error.reason or 'TLS'}). "
                f"Perhaps it wants --security {other}."
            ) from error

    # --- replies --------------------------------------------------------------------------------------------------

    def getreply(self) -> tuple[int, bytes]:
        """The next reply: its code and its text, lines parted by newlines."""
        return self.reply_within(self._patience.reply)

    def reply_within(self, patience: timedelta) -> tuple[int, bytes]:
        """The next reply (RFC 5321 4.2), whole and in time.

        Raises:
            smtplib.SMTPServerDisconnected: it did not come.
            smtplib.SMTPResponseException: what came is no reply, or has no end.
        """
        deadline = monotonic() + patience.total_seconds()
        said: list[bytes] = []
        size = 0
        while True:
            line = self._line(deadline)
            size += len(line)
            if not _REPLY_LINE.match(line) or size > _REPLY_AT_MOST:
                self.close()
                raise smtplib.SMTPResponseException(-1, b"")
            said.append(line[4:].strip())
            if line[3:4] != b"-":
                return int(line[:3]), b"\n".join(said)

    def _line(self, deadline: float) -> bytes:
        while b"\n" not in self._unread and len(self._unread) <= _REPLY_AT_MOST:
            left = deadline - monotonic()
            try:
                if self.sock is None or left <= 0:
                    raise TimeoutError
                self.sock.settimeout(left)
                came = self.sock.recv(8192)
            except OSError as error:
                self.close()
                raise smtplib.SMTPServerDisconnected from error
            if not came:
                self.close()
                raise smtplib.SMTPServerDisconnected
            self._unread += came
        line, _, self._unread = self._unread.partition(b"\n")
        return line

    # --- signing in -----------------------------------------------------------------------------------------------

    def sign_in(self, secret: Callable[[], str]) -> None:
        """Sign in with a password (RFC 4954, 4616) or a token (XOAUTH2), as the settings say."""
        offered = self.esmtp_features.get("auth", "").upper().split()
        wanted = ("XOAUTH2",) if self.server.is_token else _SIGN_INS
        how = next((name for name in wanted if name in offered), None)
        if how is None:
            raise Rejected(
                f"{self._host} takes no sign-in by {' or '.join(wanted)} here; it offers "
                f"{', '.join(name[:20] for name in offered[:8]) or 'none'}. Check --port and --security."
            )
        user, word = self.server.user, secret()
        match how:
            case "PLAIN":
                reply = self.docmd("AUTH", "PLAIN " + _base64("\0" + user + "\0" + word))
            case "LOGIN":
                reply = self.docmd("AUTH", "LOGIN")
                for answer in (user, word):
                    reply = self.docmd(_base64(answer)) if reply[0] == 334 else reply
            case _:
                # https://developers.google.com/workspace/gmail/imap/xoauth2-protocol: an error is a challenge first.
                claim = _base64("user=" + user + "\x01auth=Bearer " + word + "\x01\x01")
                reply = self.docmd("AUTH", "XOAUTH2 " + claim)
                reply = self.docmd("") if reply[0] == 334 else reply
        if reply[0] in _REFUSED_SIGN_IN:
            cure = (
                "Connect the account again."
                if self.server.is_token
                else "Check user and password; many providers want an app password here, made in their settings."
            )
            raise ReauthRequired(f"{self._host} refused the sign-in ({said_by(reply)}). {cure}")
        check(self, reply, 235, "the sign-in")
        self.signed_in_by = how

    # --- ending ---------------------------------------------------------------------------------------------------

    def end(self) -> None:
        """Say goodbye where there is still somebody to say it to, and let go."""
        with suppress(OSError):
            if self.sock is not None:
                self.putcmd("QUIT")
                self.reply_within(self._patience.goodbye)
        self.close()


@contextmanager
def session(server: Server, secret: Callable[[], str], patience: Patience) -> Iterator[Session]:
    """A session that is encrypted and signed in, ended when the block is.

    Raises:
        Transient: the server cannot be reached, falls silent, or asks for patience.
        Rejected: it refuses, cannot be trusted, or does not speak SMTP.
        ReauthRequired: the sign-in was refused.
    """
    smtp = Session(server, patience)
    try:
        smtp.begin()
        if server.user:
            smtp.sign_in(secret)
        yield smtp
    except smtplib.SMTPResponseException as error:
        raise Rejected(
            f"{server.host}, port {server.port}, does not answer as a mail server does. Check host, port and "
            "--security."
        ) from error
    except OSError as error:
        raise Transient(
            f"{server.host} broke off or fell silent before the mail was handed over. Kith tries again."
        ) from error
    finally:
        smtp.end()


def _only_private(made: socket.socket, host: str) -> None:
    if is_public(str(made.getpeername()[0])):
        raise Rejected(
            f"{host} is on the public internet, where mail and password would be readable by all. Take --security tls "
            "or --security starttls."
        )


def check(smtp: Session, reply: tuple[int, bytes], wanted: int, what: str, cure: str = "") -> None:
    """See that a reply is the one wanted.

    Raises:
        Transient: the server cannot now (4yz, RFC 5321 4.2.1).
        ReauthRequired: it asks for a sign-in again.
        Rejected: it will not.
    """
    code = reply[0]
    if code == wanted:
        return
    host = smtp.server.host
    if 400 <= code < 500:
        raise Transient(f"{host} cannot take {what} now ({said_by(reply)}). Kith tries again.")
    if code == 530 and smtp.server.user:
        raise ReauthRequired(f"{host} wants a new sign-in ({said_by(reply)}). Connect the account again.")
    if code == 530:
        cure = "It wants a sign-in: give --user and --password-file."
    raise Rejected(f"{host} refused {what} ({said_by(reply)}). {cure or 'Check host, port and --security.'}")


def said_by(reply: tuple[int, bytes]) -> str:
    """What a reply says in figures alone (RFC 3463): its words may hold addresses, or anything."""
    code, text = reply
    enhanced = _ENHANCED.match(text)
    return f"{code} {enhanced.group().decode()}" if enhanced else str(code)


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode("ascii")
