"""A signed-in IMAP session: connected through `_network`, read within the bounds of `_imap_wire`, never writing a flag.

`imapclient` signs in; once that is done commands are sent and read here, because several are on their way at a time and
answers are kept only as far as their limits allow. What goes wrong leaves as the classes of `schemas.errors`, except
`Refused`, which is for callers within the connector.
"""

import imaplib
import re
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import pairwise
from typing import Any

from imapclient import IMAPClient  # type: ignore[import-untyped]  # it carries no types

from connectors._imap_grammar import Garbled, Status, Value, parsed, rest_of, status_of
from connectors._imap_uids import LARGEST, UidSet
from connectors._imap_wire import Wire
from connectors._network import is_public, open_socket, untrusted
from schemas.connector import Access
from schemas.errors import ConnectorError, ReauthRequired, Rejected, Transient

ANSWER_BYTES = 67_108_864
"""The most that is kept of one answer."""
_RESPONSES = 500_000
"""The most responses that one answer may have: a change of every message of a large folder."""
_PORTS = {"tls": 993, "starttls": 143, "none": 143}
_LATER = frozenset({"UNAVAILABLE", "LIMIT", "INUSE", "SERVERBUG", "OVERQUOTA", "CONTACTADMIN", "THROTTLED"})
"""Codes that say "not now" (RFC 5530 3)."""
_TOO_MANY = re.compile(r"too many|try again|temporar|unavailable|rate limit|throttl", re.IGNORECASE)
_ADDRESS = re.compile(r"\S*@\S*")
_UNPRINTABLE = re.compile(r"[^ -~\u00a0-\ud7ff\ue000-\ufffd]+")
_NOT_IMAP = "sends something that is not IMAP. Check host and port; Kith tries again."


class Refused(Exception):
    """The server answered NO or BAD to a command."""

    def __init__(self, status: Status) -> None:
        super().__init__(status.word)
        self.word = status.word
        self.code = status.code
        self.text = said(status.text)


def said(text: bytes | str) -> str:
    """A server's own words as they may be shown: short, on one line, without addresses."""
    words = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return _ADDRESS.sub("…", _UNPRINTABLE.sub(" ", words)).strip()[:120]


class Answer:
    """What came between a command and its completion: data as lists of values, and response codes with their arguments."""

    __slots__ = ("codes", "data")

    def __init__(self) -> None:
        self.data: list[list[Value]] = []
        self.codes: dict[str, bytes] = {}

    def named(self, name: bytes) -> Iterator[list[Value]]:
        """What follows this name, of every untagged response that begins with it."""
        for one in self.data:
            if len(one) > 1 and isinstance(one[1], bytes) and one[1].upper() == name:
                yield one[2:]

    def count_of(self, name: bytes) -> int:
        """The last number that came before this name, as in `* 12 EXISTS`; 0 when none did."""
        found = 0
        for one in self.data:
            if len(one) > 2 and isinstance(one[2], bytes) and one[2].upper() == name and one[1].isdigit():
                found = int(one[1][:10])
        return found


class Session:
    """A connection that is signed in."""

    def __init__(self, wire: Wire, host: str, user: str) -> None:
        self.wire = wire
        self.host = host
        self.user = user
        self.abilities: frozenset[str] = frozenset()
        self.enabled: frozenset[str] = frozenset()
        self._tags = 0
        self._finished: dict[bytes, Status] = {}

    def can(self, ability: str) -> bool:
        """Whether the server said that it can."""
        return ability in self.abilities

    # --- commands -----------------------------------------------------------------------------------------------------

    def send(self, command: str) -> bytes:
        """Send a command without waiting for its answer; its tag."""
        self._tags += 1
        tag = b"K%d" % self._tags
        self.wire.send(b"%b %b\r\n" % (tag, command.encode("ascii")))
        return tag

    def ask(self, command: str, *, most: int = _RESPONSES) -> Answer:
        """Send a command and wait for its completion, through so many responses at most.

        Raises:
            Refused: the server said NO or BAD.
        """
        answer = Answer()
        held = 0

        def keep(line: bytes) -> None:
            nonlocal held
            held += len(line)
            if held > ANSWER_BYTES or len(answer.data) >= most:
                raise Transient(f"{self.host} sends an answer without an end. Kith tries again later.")
            answer.data.append(parsed(rest_of(self.wire, line, ANSWER_BYTES - held)))

        self.finish(self.send(command), keep, answer.codes)
        return answer

    def finish(
        self, tag: bytes, keep: Callable[[bytes], None], codes: dict[str, bytes] | None = None
    ) -> None:
        """Read up to the completion of a command; `keep` takes the first line of each response that is data.

        Raises:
            Refused: the server said NO or BAD.
        """
        while tag not in self._finished:
            line = self.wire.line()
            status = status_of(line)
            if status is None:
                if not line.startswith((b"* ", b"+")):
                    raise Transient(f"{self.host} {_NOT_IMAP}")
                try:
                    keep(line)
                except (Garbled, ValueError, IndexError) as error:
                    raise Transient(f"{self.host} {_NOT_IMAP}") from error
                continue
            if status.word == "BYE":
                raise Transient(
                    f"{self.host} ended the connection ({said(status.text) or 'without a word'}). Kith tries again later."
                )
            if codes is not None and status.code:
                codes[status.code] = status.argument
            if status.tag != b"*":
                self._finished[status.tag] = status
                if len(self._finished) > 100:
                    raise Transient(f"{self.host} {_NOT_IMAP}")
        done = self._finished.pop(tag)
        if done.word != "OK":
            raise Refused(done)

    def trouble(self, refused: Refused, what: str) -> ConnectorError:
        """What a refusal means for the caller, where it is no news about the thing asked for."""
        words = f"{self.host} refused {what} ({refused.text or refused.word})."
        if refused.code in _LATER or _TOO_MANY.search(refused.text):
            return Transient(f"{words} Kith tries again later.")
        if refused.code in {"AUTHENTICATIONFAILED", "AUTHORIZATIONFAILED", "EXPIRED"}:
            return ReauthRequired(f"{words} Sign in again: kith connect imap.")
        return Rejected(f"{words} If it keeps doing so, leave the folder out.")

    def search(self, criteria: str) -> UidSet:
        """The UIDs in the selected folder that match.

        Raises:
            Refused: the server said NO or BAD.
        """
        if not self.can("ESEARCH"):
            answer = self.ask(f"UID SEARCH {criteria}")
            return UidSet.of(
                int(uid)
                for found in answer.named(b"SEARCH")
                for uid in found
                if isinstance(uid, bytes) and uid.isdigit() and len(uid) <= 10 and 0 < int(uid) <= LARGEST
            )
        found = UidSet()
        for values in self.ask(f"UID SEARCH RETURN (ALL) {criteria}").named(b"ESEARCH"):
            for name, value in pairwise(values):
                if isinstance(name, bytes) and name.upper() == b"ALL" and isinstance(value, bytes):
                    found |= uids_in(value)
        return found

    def close(self) -> None:
        """Take leave, without waiting for the answer."""
        with suppress(ConnectorError):
            self.send("LOGOUT")
        self.wire.close()


def uids_in(text: bytes) -> UidSet:
    """The set that a server names.

    Raises:
        Garbled: it names none.
    """
    try:
        return UidSet.parse(text.decode("ascii"))
    except ValueError as error:
        raise Garbled from error


# --- signing in -----------------------------------------------------------------------------------------------------


@contextmanager
def signed_in(access: Access) -> Iterator[Session]:
    """A session for as long as the block runs."""
    session = open_session(access)
    try:
        yield session
    finally:
        session.close()


def open_session(access: Access) -> Session:
    """Connect as the settings say, sign in once, and ask what the server can do.

    Raises:
        Rejected: the settings, the certificate or the server do not allow it.
        ReauthRequired: the sign-in was refused.
        Transient: the server is away, busy or in trouble.
    """
    settings = access.settings
    host = str(settings.get("host", ""))
    security = str(settings.get("security", "tls"))
    if security not in _PORTS:
        raise Rejected(f"--security knows tls, starttls and none; not {security[:20]}.")
    port = int(settings.get("port") or _PORTS[security])
    allow_private = bool(settings.get("allow_private", False))
    connection = open_socket(host, port, allow_private=allow_private)
    try:
        context = _trust(settings) if security != "none" else None
        if context is None:
            _stay_at_home(connection, host, is_allowed=allow_private)
        if security == "tls" and context is not None:
            connection = _wrapped(context, connection, host, port)
        client = _begun(Wire(connection, host), host, port)
        if security == "starttls" and context is not None:
            _start_tls(client, context, host, port)
        _sign_in(client, access, host)
    except BaseException:
        connection.close()
        raise
    session = Session(client.wire, host, str(settings.get("user", "")))
    try:
        _learn(session)
    except BaseException:
        session.close()
        raise
    return session


class _Protocol(imaplib.IMAP4):
    """imaplib's side of a connection, over a `Wire`."""

    def __init__(self, wire: Wire, host: str, port: int) -> None:
        self.wire = wire
        super().__init__(host, port)

    def open(self, host: str = "", port: int = 143, timeout: float | None = None) -> None:  # noqa: ARG002 - imaplib's own words
        self.host = host
        self.port = port
        self.sock = self.wire.connection

    def read(self, size: int) -> bytes:
        if size > ANSWER_BYTES:
            raise Transient(f"{self.host} {_NOT_IMAP}")
        return self.wire.take(size)

    def readline(self) -> bytes:
        return self.wire.line()

    def send(self, data: Any) -> None:
        self.wire.send(bytes(data))

    def shutdown(self) -> None:
        self.wire.close()


class _Client(IMAPClient):  # type: ignore[misc]  # imapclient carries no types
    """imapclient over a `Wire`; used for signing in alone."""

    def __init__(self, wire: Wire, host: str, port: int) -> None:
        self.wire = wire
        super().__init__(host, port, ssl=False)

    def _create_IMAP4(self) -> _Protocol:  # noqa: N802 - imapclient's name
        return _Protocol(self.wire, self.host, self.port)

    def _set_read_timeout(self) -> None:
        """The wire's own stays."""

    def secure(self, context: ssl.SSLContext) -> None:
        """STARTTLS (RFC 9051 6.2.1)."""
        typ, data = self._imap._simple_command("STARTTLS")  # noqa: SLF001 - imapclient's own seam
        self._checkok("starttls", typ, data)
        if not self.wire.is_empty():
            # What came before the encryption would count as said within it (CVE-2011-0411 and its kin).
            raise Transient(f"{self.host} {_NOT_IMAP}")
        connection = _wrapped(context, self.wire.connection, self.host, self.port)
        self.wire.connection = connection
        self._imap.sock = connection
        self._starttls_done = True
        self._imap._get_capabilities()  # noqa: SLF001 - what was said before encryption does not count


def _stay_at_home(connection: socket.socket, host: str, *, is_allowed: bool) -> None:
    """Without encryption nothing leaves the owner's own network."""
    if not is_allowed or is_public(str(connection.getpeername()[0])):
        raise Rejected(f"{host} would be read without encryption. Use --security tls or starttls.")


def _trust(settings: Mapping[str, Any]) -> ssl.SSLContext:
    ca_file = str(settings.get("ca_file") or "")
    try:
        return ssl.create_default_context(cafile=ca_file or None)
    except (OSError, ssl.SSLError) as error:
        raise Rejected(f"{ca_file} is no file of certificates that can be read. Check --ca-file.") from error


def _wrapped(context: ssl.SSLContext, connection: Any, host: str, port: int) -> ssl.SSLSocket:
    try:
        return context.wrap_socket(connection, server_hostname=host)
    except ssl.SSLCertVerificationError as error:
        raise Rejected(untrusted(host, error)) from error
    except ssl.SSLError as error:
        if isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError):
            raise Transient(f"{host} broke off while encryption began. Kith tries again later.") from error
        raise Rejected(
            f"{host}, port {port}, does not speak TLS as it should ({error.reason or 'no reason given'}). "
            "Check the port, or try --security starttls."
        ) from error
    except OSError as error:
        raise Transient(f"{host} broke off while encryption began. Kith tries again later.") from error


def _begun(wire: Wire, host: str, port: int) -> _Client:
    try:
        client = _Client(wire, host, port)
    except imaplib.IMAP4.error as error:
        text = said(str(error))
        raise Transient(
            f"{host} turned the connection away or does not speak IMAP ({text}). Check host and port; Kith tries again."
        ) from error
    if client._imap.state == "AUTH":  # noqa: SLF001 - there is no other way to see it
        raise Rejected(f"{host} lets everybody in without asking who they are. That is no mailbox of yours.")
    return client


def _start_tls(client: _Client, context: ssl.SSLContext, host: str, port: int) -> None:
    if not client.has_capability("STARTTLS"):
        raise Rejected(f"{host}, port {port}, offers no encryption. Try --security tls.")
    try:
        client.secure(context)
    except imaplib.IMAP4.error as error:
        raise Transient(
            f"{host} did not begin encryption ({said(str(error))}). Kith tries again later."
        ) from error


def _sign_in(client: _Client, access: Access, host: str) -> None:
    """One try, never a second: servers lock accounts."""
    user = str(access.settings.get("user", ""))
    secret = access.secret()
    if any(ord(char) < 32 for char in user + secret):
        raise Rejected("The user name or the password has a line break or the like in it. Give it again.")
    try:
        if access.settings.get("auth", "password") == "xoauth2":
            if client.has_capability("AUTH=OAUTHBEARER") and not client.has_capability("AUTH=XOAUTH2"):
                client.oauthbearer_login(user, secret)
            else:
                client.oauth2_login(user, secret)
        elif client.has_capability("AUTH=PLAIN"):
            client.plain_login(user, secret)
        elif client.has_capability("LOGINDISABLED"):
            raise Rejected(f"{host} takes no password this way. Use --security tls, or sign in by token.")
        elif not (user + secret).isascii():
            raise Rejected(f"{host} takes passwords of plain letters only, as it does not offer AUTH=PLAIN.")
        else:
            name = user.replace("\\", "\\\\").replace('"', '\\"')
            client.login(f'"{name}"', secret)
    except imaplib.IMAP4.error as error:
        raise _sign_in_trouble(error, host) from error


def _sign_in_trouble(error: Exception, host: str) -> ConnectorError:
    text = str(error)
    status = status_of(b"* NO " + re.sub(r"^[^\[]*b?['\"]?(?=\[)", "", text).encode("utf-8", "replace"))
    code = status.code if status else ""
    if isinstance(error.__context__, imaplib.IMAP4.abort) or isinstance(error, imaplib.IMAP4.abort):
        return Transient(f"{host} ended the connection during the sign-in. Kith tries again later.")
    if code in _LATER or (code not in {"AUTHENTICATIONFAILED", "EXPIRED"} and _TOO_MANY.search(text)):
        return Transient(f"{host} takes no sign-in now ({said(text)}). Kith tries again later.")
    if code == "PRIVACYREQUIRED":
        return Rejected(f"{host} takes no password without encryption. Use --security tls or starttls.")
    if "authenticated but not connected" in text:
        return Rejected(
            f"{host} knows the sign-in, but not for this mailbox: it is another account's, or IMAP is switched off for it."
        )
    return ReauthRequired(
        f"{host} refused the sign-in. Check the user name, and whether the provider wants an app password; "
        "then give it again: kith connect imap."
    )


def _learn(session: Session) -> None:
    """What the server can do now that it knows who asks; some tell only then, and some hide it behind a proxy."""
    try:
        session.abilities = _abilities(session)
        if session.can("ID"):
            # Some providers open no folder for a program that gives no name (RFC 2971).
            with suppress(Refused):
                session.ask('ID ("name" "Kith")')
        if session.can("ENABLE") and session.can("QRESYNC"):
            with suppress(Refused):
                answer = session.ask("ENABLE QRESYNC")
                session.enabled = frozenset(
                    name.decode("ascii", "replace").upper()
                    for names in answer.named(b"ENABLED")
                    for name in names
                    if isinstance(name, bytes)
                )
    except Refused as refused:
        raise session.trouble(refused, "to say what it can do") from refused


def _abilities(session: Session) -> frozenset[str]:
    answer = session.ask("CAPABILITY")
    return frozenset(
        name.decode("ascii", "replace").upper()
        for names in answer.named(b"CAPABILITY")
        for name in names
        if isinstance(name, bytes)
    )
