"""exchangelib's services, asked for one answer at a time, whose elements are handed out as they are.

The library's own folders and items are left aside, for these reasons. Its `sync_items` keeps a new state only once a whole
folder has been read, and hands out items as a generator that one bad value ends. Opening a folder asks for its root and
its siblings first. Its parser lifts libxml2's bounds and takes what is left of a broken answer for the whole. It logs
requests, with all they say, where something fails. What is used of it: how EWS words requests and envelopes, what its
errors are called, and which of them concern one item alone.

Only what reads an Exchange account imports this module, as the library takes as long to load as all the rest of Kith.
"""

import logging
from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any

from exchangelib import services
from exchangelib.account import Account, Identity
from exchangelib.configuration import Configuration
from exchangelib.credentials import DELEGATE
from exchangelib.errors import EWSError, MalformedResponseError, ResponseMessageError
from exchangelib.ewsdatetime import UTC
from exchangelib.protocol import BaseProtocol, FailFast
from exchangelib.services.common import EWSAccountService
from exchangelib.transport import NOAUTH
from exchangelib.util import MNS, SOAPNS
from exchangelib.version import EXCHANGE_2013_SP1, Version
from lxml import etree  # type: ignore[import-untyped]  # lxml ships no types
from msgspec import Struct

M = f"{{{MNS}}}"
Post = Callable[[bytes, Mapping[str, str]], bytes]
"""Sends an envelope with some headers, and gives the whole envelope that came back."""
Element = Any
"""lxml's, which ships no types."""

_SPOKEN = Version(EXCHANGE_2013_SP1)
"""The schema that is spoken: every server since 2013 SP1 knows it, and nothing newer is needed."""
_PARSED = {"ERR_INVALID_CHAR", "ERR_INVALID_CHARREF"}
"""What of an answer may be amiss: Exchange writes control characters of mail into XML that may not hold them."""

for _name in ("exchangelib", "spnego"):
    # They tell of requests with all that is in them. Nothing of it may reach a log, whatever the level.
    logging.getLogger(_name).setLevel(logging.CRITICAL + 1)
    logging.getLogger(_name).propagate = False


__all__ = ["EWSError"]


class Garbled(Exception):
    """An answer that is no envelope, or not a whole one."""


# --- what the services take for a session of requests --------------------------------------------------------------------


class _Answer(Struct, frozen=True):
    """What `requests` would have given; whoever posts has judged it already."""

    url: str
    request: Any
    content: bytes
    status_code: int = 200
    headers: Mapping[str, str] = {}

    def close(self) -> None:
        """There is nothing to let go of."""


class _Request(Struct, frozen=True):
    headers: Mapping[str, str]


class _Session:
    """The one line to a server, in the place of a session of `requests`."""

    session_id = 0
    auth = None
    usage_count = 0
    cookies = ()

    def __init__(self, post: Post) -> None:
        self._post = post

    def get_adapter(self, _url: str) -> None:
        """Named in a log line that is never written."""

    def post(self, url: str, *, headers: Mapping[str, str | None], data: bytes, **_: object) -> _Answer:
        """What the library calls; redirects, retries and time-outs are the line's own."""
        sent = {name: value for name, value in headers.items() if value}
        return _Answer(url, _Request(sent), self._post(data, sent))


class _Protocol(BaseProtocol):  # type: ignore[misc]  # the library ships no types
    """A protocol with one session, which it neither makes anew nor asks anything of."""

    version = _SPOKEN

    def __init__(self, url: str, post: Post) -> None:
        config = Configuration(
            service_endpoint=url, auth_type=NOAUTH, version=_SPOKEN, retry_policy=FailFast()
        )
        super().__init__(config)
        self._session = _Session(post)

    def get_session(self) -> _Session:
        return self._session

    def release_session(self, session: _Session) -> None:
        """It is not given back, as it was not taken from a pool."""

    def retire_session(self, session: _Session) -> None:
        """What failed was told; the line mends itself."""

    def get_auth_type(self) -> str:
        return str(NOAUTH)


class Mailbox(Account):  # type: ignore[misc]  # likewise
    """Whose mailbox it is, for services alone: nothing is asked of a server before they are."""

    def __init__(self, url: str, address: str, post: Post) -> None:
        """`address` may be empty, where a user signs in by another name."""
        self.protocol = _Protocol(url, post)
        self.identity = Identity(primary_smtp_address=address or None)
        self.access_type = DELEGATE
        self.default_timezone = UTC
        self.affinity_cookie = None
        self._version = _SPOKEN
        self._version_lock = Lock()

    @property
    def version(self) -> Version:
        """The one that is spoken, whatever the server says that it could."""
        return _SPOKEN

    @version.setter
    def version(self, value: Version) -> None:
        """What a server is does not change how it is spoken to."""


# --- services --------------------------------------------------------------------------------------------------------------


class _Plain:
    """A service that gives elements as they came, and every error that is an answer as a value."""

    ERRORS_TO_CATCH_IN_RESPONSE = (ResponseMessageError,)

    def ask(self, payload: Element) -> list[Any]:
        """The elements of one answer, or errors in the places of those that there are none of."""
        return list(self._get_elements(payload=payload))  # type: ignore[attr-defined]  # the service's

    def _handle_backoff(self, _busy: EWSError) -> None:
        # The library calls troubles within a server busyness, which says that nothing was done: the server's own word counts.
        raise  # noqa: PLE0704  # called where one is handled

    def _api_versions_to_try(self) -> tuple[str, ...]:
        # What is refused in one version is not asked for again in the others.
        return (_SPOKEN.api_version,)

    @classmethod
    def _get_soap_parts(cls, response: _Answer) -> tuple[Element, Element]:
        root = parsed(response.content)
        body = root.find(f"{{{SOAPNS}}}Body")
        if body is None:
            raise MalformedResponseError("an envelope without a body")
        return root.find(f"{{{SOAPNS}}}Header"), body


class SyncItems(_Plain, services.SyncFolderItems):  # type: ignore[misc]
    """What changed in a folder; `sync_state` and `includes_last_item_in_range` are those of the answer."""

    def _get_element_container(self, message: Element, name: str | None = None) -> Any:
        # An error comes without these, at most servers.
        self.sync_state = message.findtext(f"{M}SyncState") or ""
        self.includes_last_item_in_range = message.findtext(self.last_in_range_name) == "true"
        return super(services.sync_folder_items.SyncFolder, self)._get_element_container(message, name)


class GetItem(_Plain, services.GetItem):  # type: ignore[misc]
    """Items by their ids."""


class FindItem(_Plain, services.FindItem):  # type: ignore[misc]
    """Items that meet a restriction: `(container or error, offset of the next page or None)`."""


class FindFolder(_Plain, services.FindFolder):  # type: ignore[misc]
    """Folders below one: as `FindItem`."""


class GetFolder(_Plain, services.GetFolder):  # type: ignore[misc]
    """Folders by their ids."""


class CreateFolder(_Plain, services.CreateFolder):  # type: ignore[misc]
    """Makes folders."""


class CreateItem(_Plain, services.CreateItem):  # type: ignore[misc]
    """Makes items."""


class Subscribe(_Plain, services.SubscribeToStreaming):  # type: ignore[misc]
    """Has what happens in some folders told: the element that names the subscription."""


class Unsubscribe(_Plain, services.Unsubscribe):  # type: ignore[misc]
    """Has it told no more."""


class Told(Struct, frozen=True):
    """What an envelope says of a subscription: whether anything happened, whether it is the last one, what is wrong."""

    has_news: bool = False
    is_last: bool = False
    error: Exception | None = None


class StreamEvents(_Plain, EWSAccountService):  # type: ignore[misc]
    """What happens, told in one envelope after another while one answer lasts.

    The library's own reads such an answer byte by byte, keeps of it what it is sent without a bound, and passes errors
    over where they come without notifications.
    """

    SERVICE_NAME = "GetStreamingEvents"

    def request(self, payload: Element) -> tuple[bytes, Mapping[str, str]]:
        """The envelope that asks, and its headers."""
        headers = {name: value for name, value in self._extra_headers().items() if value}
        return self.wrap(payload, _SPOKEN.api_version), headers

    def told(self, envelope: bytes) -> Told:
        """What one envelope says; raises what the library does of a fault."""
        has_news = is_last = False
        for message in self._get_soap_messages(self._get_soap_parts(_Answer("", None, envelope))[1]):
            found = self._get_element_container(message)
            if isinstance(found, Exception):
                return Told(error=found)
            events = (one.tag.rpartition("}")[2] for one in message.iter())
            has_news = has_news or any(one.endswith("Event") and one != "StatusEvent" for one in events)
            is_last = is_last or message.findtext(f"{M}ConnectionStatus") == "Closed"
        return Told(has_news, is_last)


class UpdateItem(_Plain, services.UpdateItem):  # type: ignore[misc]
    """Changes items."""


def parsed(content: bytes) -> Element:
    """An envelope, within libxml2's own bounds of depth and size; it knows no document type.

    Raises:
        Garbled: it is none, or was not read to its end.
    """
    # A declared encoding could hide a document type, and with it an entity (CWE-776, CWE-611).
    if b"<!DOCTYPE" in content or b"\x00" in content:
        raise Garbled
    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        recover=True,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(content, parser)
    except (etree.XMLSyntaxError, ValueError):
        raise Garbled from None
    if root is None or not all(entry.type_name in _PARSED for entry in parser.error_log):
        raise Garbled
    return root
