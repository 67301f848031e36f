"""The owner's own mail sent by Exchange: as it is written, to one address, and once.

It is handed over as MIME, so that its own headers go out with it, and a copy is kept in Sent Items. Exchange has no key by
which a mail that comes twice is known. So it is looked for there by its Message-ID: before each sending, since an earlier one
may have been answered to nobody, and after one whose answer was lost.
"""

from connectors._addressed import checked
from connectors._exchange import Exchange, opened
from connectors._exchange_elements import is_equal
from schemas.connector import Access
from schemas.errors import Ambiguous, ConnectorError

_SENT = "sentitems"


class ExchangePost:
    """Sends mail from one account."""

    def __init__(self, access: Access) -> None:
        self._access = access

    def send(self, mail: bytes, sender: str, to: str, /) -> None:
        """Hand over one mail, once: one that is in Sent Items already is not sent again.

        Raises:
            Transient: it was not sent, and may be later.
            Rejected: it was refused for good; or it names other addressees than the one it is for.
            ReauthRequired: the sign-in was refused.
            Ambiguous: it may have been sent; the answer never came, and Sent Items do not hold it.
        """
        name = checked(mail, sender, to)
        opened(self._access, lambda line: _send_once(line, mail, name))


def _send_once(line: Exchange, mail: bytes, name: str) -> None:
    if _is_sent(line, name):
        return
    try:
        line.send(mail, _SENT)
    except Ambiguous:
        if not _is_found(line, name):
            raise


def _is_sent(line: Exchange, name: str) -> bool:
    if not name:
        return False
    found, _ = line.find([_SENT], (), restriction=is_equal("message:InternetMessageId", name))
    return bool(found)


def _is_found(line: Exchange, name: str) -> bool:
    """Whether it was sent after all; no trouble in looking makes it any surer."""
    try:
        return _is_sent(line, name)
    except ConnectorError:
        return False
