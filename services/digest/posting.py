"""The digest as the very mail that is sent: every byte follows from what is handed in, so that sending again is the same.

A mail is known again by its Message-ID, which is made of owner, week and installation: a server that gets it twice, or
an owner who does, can tell. It sends nothing.
"""

from datetime import datetime
from hashlib import blake2b

from schemas.interface import Digest
from schemas.records import Mailbox
from services.digest.mail import render_email
from services.digest.render import NO_LINKS, Links


def message_id(owner: int, week: str, instance: str, sender: str) -> str:
    """The Message-ID of an owner's digest of a week, without brackets; `sender` is the address it comes from."""
    return f"kith-{_mark(owner, week, instance)}@{sender.rpartition('@')[2]}"


def post(
    digest: Digest,
    *,
    owner: int,
    sender: Mailbox,
    to: Mailbox,
    instance: str,
    date: datetime,
    links: Links = NO_LINKS,
) -> bytes:
    """The whole mail (RFC 5322, CRLF lines) of an owner's digest; equal arguments give equal bytes.

    `instance` names the installation, by letters and digits, in every mail it sends; `date` is aware.

    Raises:
        ConfigError: an address could not stand in a header.
    """
    mail = render_email(
        digest,
        sender=sender,
        to=to,
        message_id=message_id(owner, digest.week, instance, sender.address),
        boundary=f"=_kith-{_mark(owner, digest.week, instance)}",
        date=date,
        links=links,
    )
    mail["X-Auto-Response-Suppress"] = "All"  # MS-OXCMAIL: no absence notice in answer
    mail["X-Kith-Instance"] = "".join(char for char in instance if char.isascii() and char.isalnum())
    return mail.as_bytes()


def _mark(owner: int, week: str, instance: str) -> str:
    return blake2b(f"{owner}\x1f{week}\x1f{instance}".encode(), digest_size=12).hexdigest()
