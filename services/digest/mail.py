"""Puts a rendered digest into one mail (RFC 5322, RFC 2046 5.1.4); it sends nothing and adds no chance of its own."""

import re
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from urllib.parse import urlsplit

from schemas.errors import ConfigError
from schemas.interface import Digest
from schemas.records import Mailbox
from services.digest.render import NO_LINKS, Links, is_local, render_html, render_text, subject
from services.digest.words import NAME_LENGTH, clean

# A narrow addr-spec (RFC 5322 3.4.1 without quoted strings and literals): nothing that could end a header.
_ADDRESS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9.-]{1,253}")
_TOKEN = re.compile(r"[A-Za-z0-9.+_=-]{1,200}")


def render_email(
    digest: Digest,
    *,
    sender: Mailbox,
    to: Mailbox,
    message_id: str,
    boundary: str,
    date: datetime,
    links: Links = NO_LINKS,
) -> EmailMessage:
    """The digest as a mail of two equal parts, text and HTML; equal arguments give equal bytes.

    Args:
        digest: what to say.
        sender: who it is from.
        to: the owner's own address; the caller answers for that.
        message_id: without brackets, `local@domain`.
        boundary: between the parts (RFC 2046 5.1.1).
        date: aware.
        links: an unsubscribe address makes List-Unsubscribe headers (RFC 8058) when it is public https.

    Raises:
        ConfigError: an address, the message id or the boundary could not stand in a header.
    """
    mail = EmailMessage(policy=SMTP)
    mail["From"] = _address(sender)
    mail["To"] = _address(to)
    mail["Subject"] = subject(digest)
    mail["Date"] = format_datetime(date)
    mail["Message-ID"] = f"<{_checked(_ADDRESS, message_id, 'message id')}>"
    mail["List-Id"] = f"Kith weekly digest <digest.kith.{sender.address.rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834 5
    if links.unsubscribe and _is_public(links.unsubscribe):
        mail["List-Unsubscribe"] = f"<{links.unsubscribe}>"
        mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    mail.set_content(render_text(digest, links))
    mail.add_alternative(render_html(digest, links), subtype="html")
    mail.set_boundary(_checked(_TOKEN, boundary, "boundary"))
    return mail


def _address(mailbox: Mailbox) -> Address:
    spec = _checked(_ADDRESS, mailbox.address, "address")
    return Address(display_name=clean(mailbox.name, NAME_LENGTH), addr_spec=spec)


def _checked(pattern: re.Pattern[str], value: str, what: str) -> str:
    if not pattern.fullmatch(value):
        raise ConfigError(
            f"The digest cannot be written: its {what} {clean(value, 60)!r} does not fit a mail header."
        )
    return value


def _is_public(url: str) -> bool:
    return (
        urlsplit(url).scheme == "https"
        and url.isascii()
        and url.isprintable()
        and " " not in url
        and not is_local(url)
    )
