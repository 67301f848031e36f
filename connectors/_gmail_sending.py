"""The owner's own mail sent by `messages.send`: as it is written, to one address, and once.

https://developers.google.com/workspace/gmail/api/reference/rest/v1/users.messages/send, read 2026-11. Gmail has no key by
which a message that comes twice is known, and may put a Message-ID of its own in place of the one it is given (Observed
2021: it does, by this method). So what was sent is looked for in the sent mail, where the sign-in lets Kith read that:
before each sending, since an earlier one may have been answered to nobody, and after one whose answer was lost. It is
known by its Message-ID, or by installation, second and subject, which no other mail of Kith's shares.
"""

import json
from base64 import urlsafe_b64encode
from collections.abc import Iterable
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from email.utils import getaddresses

from connectors._gmail_api import GET, METADATA, READING, SEND, UNITS, Gmail, me
from connectors._gmail_records import headers_of, id_of
from connectors._google import GMAIL, Api, is_granted, require
from connectors._mail_text import decode_words
from schemas.connector import Access
from schemas.errors import Ambiguous, ConnectorError, Rejected

_LATEST = 5
"""Sent messages that are looked at; the one looked for was sent a moment ago, or is one of the day's."""
_MARKS = ("Message-ID", "X-Google-Original-Message-ID", "X-Kith-Instance", "Date", "Subject")
_LONGEST = 20 * 1024 * 1024
_SENDING = ("gmail.send", "gmail.compose", "gmail.modify", "https://mail.google.com/")


class GmailSink:
    """Sends mails by one account."""

    def __init__(self, access: Access) -> None:
        self._access = access

    def send(self, mail: bytes, sender: str, to: str, /) -> None:
        """Send one mail to one addressee; to nobody but whom the settings name, where they do.

        Raises:
            Transient: it was not sent, and may be later.
            Rejected: it was refused for good.
            ReauthRequired: the sign-in was refused, or gave no permission to send.
            Ambiguous: it may have been sent; the answer never came.
        """
        require(self._access, "Gmail", _SENDING, "send your digest")
        own = self._access.settings.get("to")
        if own and str(own).lower() != to.lower():
            raise Rejected("This account sends to its owner's own address alone; see --to.")
        letter = message_from_bytes(mail, policy=default)
        named = (_addresses(letter, "From"), _addresses(letter, "To", "Cc", "Bcc"))
        if named != ({sender.lower()}, {to.lower()}):
            # Gmail sends from and to whom the headers name.
            raise Rejected("The mail's headers name others than it is to go from and to. Nothing was sent.")
        if len(mail) > _LONGEST:
            raise Rejected(f"The mail has {len(mail):,} bytes; Gmail takes {_LONGEST:,} at most.")
        if self._is_sent(letter):
            return
        try:
            self._hand_over(mail)
        except Ambiguous:
            if not self._is_found(letter):
                raise

    def _hand_over(self, mail: bytes) -> None:
        body = json.dumps({"raw": urlsafe_b64encode(mail).decode()}).encode()
        api = Api(self._access, GMAIL, "Gmail", quota=UNITS)
        answer = api.ask("POST", me("messages/send"), content=body, units=SEND, expect="")
        if not id_of(answer.body):
            raise Ambiguous(
                "Gmail's answer does not say whether the mail was sent. Look whether it has come."
            )

    def _is_found(self, letter: EmailMessage) -> bool:
        """Whether it is in the sent mail after all; no trouble in looking makes it any surer."""
        try:
            return self._is_sent(letter)
        except ConnectorError:
            return False

    def _is_sent(self, letter: EmailMessage) -> bool:
        """Whether it is in the sent mail, as far as that may be looked at."""
        if not any(is_granted(self._access, name) for name in (*READING, METADATA)):
            return False
        gmail = Gmail(self._access)
        own = _bare(letter.get("Message-ID", ""))
        if gmail.can_search and own:
            found = next(gmail.listed(search=f"rfc822msgid:{own} in:sent", size=1, with_removed=True))
            if found.messages:
                return True
        ids = [one.id for one in next(gmail.listed(label="SENT", size=_LATEST, with_removed=True)).messages]
        if not ids:
            return False
        self._access.spend(UNITS, GET * len(ids))
        marks = {name: str(letter.get(name, "")) for name in _MARKS}
        return any(
            _is_same(headers_of(reply.body), marks)
            for reply in gmail.get(ids, metadata=_MARKS)
            if reply is not None and reply.status == 200
        )


def _is_same(found: dict[str, str], marks: dict[str, str]) -> bool:
    own = _bare(marks["Message-ID"])
    if own and own in {_bare(found.get(name, "")) for name in ("message-id", "x-google-original-message-id")}:
        return True
    ours, theirs = (
        tuple(decode_words(one.get(name, "")) for name in ("x-kith-instance", "date", "subject"))
        for one in ({name.lower(): value for name, value in marks.items()}, found)
    )
    return bool(ours[0]) and ours == theirs


def _bare(message_id: str) -> str:
    return "".join(str(message_id).split()).strip("<>")


def _addresses(letter: EmailMessage, *names: str) -> set[str]:
    named: Iterable[tuple[str, str]] = getaddresses(
        [str(value) for name in names for value in letter.get_all(name, [])]
    )
    return {address.lower() for _, address in named if address}
