"""The digest handed to a mail submission server (RFC 5321, 6409): one mail, to one address of the owner's own.

Promises: mail: done, as `Transient` until the mail's last byte is written and `Ambiguous` when no answer came after it.
8BITMIME (RFC 6152), SIZE (1870) and SMTPUTF8 (6531): done, where offered. re-consent: done. 429: none, because SMTP has
no such reply. wrong account, revocation: none, because a password names no account but its own.
"""

import re
from email import message_from_bytes
from email.policy import SMTP
from functools import partial
from typing import Any

from connectors._discovery import locate_mail
from connectors._smtp import Patience, Session, check, said_by, server_of, session
from schemas.connector import Access, ConnectorSpec, MailSink, Survey
from schemas.errors import Ambiguous, Rejected
from schemas.ids import StreamName

STREAM = StreamName("mail-out")

_ADDRESS = re.compile(r"[^\s\x00-\x1f\x7f<>()\[\],;:\\\"@]{1,64}@[^\s\x00-\x1f\x7f<>()\[\],;:\\\"@]{1,253}")
_LINE_END = re.compile(rb"\r\n|\r|\n")
_FIRST_DOT = re.compile(rb"^\.", re.MULTILINE)


class SmtpSink:
    """Hands mails over, each in a session of its own."""

    def __init__(self, access: Access, patience: Patience | None = None) -> None:
        self._access = access
        self._patience = patience or Patience()

    def send(self, mail: bytes, sender: str, to: str, /) -> None:
        """Hand one mail over for one addressee; to nobody but whom the settings name, where they do.

        Raises:
            Transient: it was not taken, and may be later.
            Rejected: it was refused for good.
            ReauthRequired: the sign-in was refused.
            Ambiguous: it may have been taken; the answer never came.
        """
        named = self._access.settings.get("to")
        if named and str(named).lower() != to.lower():
            raise Rejected("This account sends to its owner's own address alone; see --to.")
        for address, option in ((sender, "--from"), (to, "--to")):
            if not _ADDRESS.fullmatch(address):
                raise Rejected(f"The address in {option} is none that mail can be sent with.")
        server = server_of(self._access.settings)
        with session(server, self._access.secret, self._patience) as smtp:
            _begin_mail(smtp, mail, sender, to)
            _hand_over(smtp, mail, self._patience)


def _begin_mail(smtp: Session, mail: bytes, sender: str, to: str) -> None:
    """Name sender and addressee (RFC 5321 3.3)."""
    options: list[str] = []
    if smtp.has_extn("size"):
        limit = smtp.esmtp_features["size"]
        if limit.isdecimal() and 0 < int(limit) < len(mail):
            raise Rejected(
                f"The mail has {len(mail):,} bytes; {smtp.server.host} takes {int(limit):,} at most."
            )
        options.append(f"SIZE={len(mail)}")
    if smtp.has_extn("8bitmime") and not mail.isascii():
        options.append("BODY=8BITMIME")
    if not (sender + to).isascii():
        if not smtp.has_extn("smtputf8"):
            raise Rejected(
                f"{smtp.server.host} takes no address beyond ASCII. Give one that is, a domain in its form xn--…"
            )
        options.append("SMTPUTF8")
    check(
        smtp,
        smtp.mail(sender, options),
        250,
        "the sender",
        "See that --from is an address which this account may send from.",
    )
    code, text = smtp.rcpt(to)
    # 251: the server passes it on to where the addressee went.
    check(smtp, (250 if code == 251 else code, text), 250, "the addressee", "See that --to is your address.")


def _hand_over(smtp: Session, mail: bytes, patience: Patience) -> None:
    """Send the mail itself; from its last line on only an answer tells whether it was taken (RFC 5321 4.2.5)."""
    if not smtp.has_extn("8bitmime") and not mail.isascii():
        mail = message_from_bytes(mail, policy=SMTP.clone(cte_type="7bit")).as_bytes()
    # A bare CR or LF, or a dot of the mail's own, would let its text be read as commands.
    lines = _LINE_END.sub(b"\r\n", mail).removesuffix(b"\r\n")
    whole = _FIRST_DOT.sub(b"..", lines) + b"\r\n.\r\n"
    check(smtp, smtp.docmd("DATA"), 354, "the mail")
    smtp.send(whole)
    try:
        reply = smtp.reply_within(patience.taking)
    except OSError as error:
        raise Ambiguous(
            f"{smtp.server.host} was given the mail and did not answer, so it may have been sent or not. Look whether "
            "it has come."
        ) from error
    check(smtp, reply, 250, "the mail", f"It was refused as it is ({said_by(reply)}).")


def open_mail(access: Access) -> MailSink:
    """The server that `access` signs in to."""
    return SmtpSink(access)


def survey(access: Access) -> Survey:
    """Sign in, look round and leave; nothing is sent."""
    server = server_of(access.settings)
    with session(server, access.secret, Patience()) as smtp:
        check(smtp, smtp.docmd("NOOP"), 250, "a word")
        abilities = list(_abilities(smtp))
    return Survey(user=server.user, abilities=tuple(abilities))


def _abilities(smtp: Session) -> list[str]:
    version: Any = getattr(smtp.sock, "version", lambda: None)()
    found = [f"encrypted ({version})" if version else "not encrypted, within your own network"]
    found += [f"signed in by {smtp.signed_in_by}" if smtp.signed_in_by else "takes mail without a sign-in"]
    size = smtp.esmtp_features.get("size", "")
    if size.isdecimal() and int(size):
        found.append(f"takes mails of up to {int(size) // 1_000_000:,} MB")
    if smtp.has_extn("smtputf8"):
        found.append("takes addresses beyond ASCII")
    return found


SPEC = ConnectorSpec(
    name="smtp",
    title="Mail out (SMTP)",
    stream=STREAM,
    account="smtp",
    open_mail=open_mail,
    locate=partial(locate_mail, "smtp"),
    survey=survey,
)
