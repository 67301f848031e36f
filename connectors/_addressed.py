"""Whom a mail of Kith's own is from and for, by its headers, as vendors send to whomever those name; it sends nothing."""

import re
from email import message_from_bytes
from email.message import Message
from email.utils import getaddresses

from schemas.errors import Rejected

_MESSAGE_ID = re.compile(r"<[^<>\s']{1,500}>")


def checked(mail: bytes, sender: str, to: str) -> str:
    """The Message-ID of a mail from one sender to one addressee and nobody else; empty where it has none.

    Raises:
        Rejected: it names others.
    """
    head = message_from_bytes(mail)
    if _addresses(head, "From") != {sender.lower()} or _addresses(head, "To", "Cc", "Bcc") != {to.lower()}:
        raise Rejected("The mail does not say who it is from and for, or names others too. It was not sent.")
    found = _MESSAGE_ID.search(str(head.get("Message-ID", "")))
    return found[0] if found else ""


def _addresses(head: Message, *names: str) -> set[str]:
    values = [str(value) for name in names for value in head.get_all(name, [])]
    return {address.lower() for _, address in getaddresses(values)}
