"""Where tasks of ours stand in a CalDAV account: its task lists, and a task by its UID in any of them.

It asks and never writes, but for a list that it is told to make.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from html import escape
from weakref import finalize

from msgspec import Struct

from connectors._dav import CALENDARS, Dav, DavCollection, Home, member_name, member_url, open_dav
from connectors._dav_xml import DAV, Garbled, Value, tag
from connectors._mail_text import clean
from connectors._task_lists import chosen, gone_list
from connectors._vtodo import NoTask, Todo, read_todo
from schemas.connector import Access
from schemas.errors import Missing, Rejected
from schemas.ids import key64

GONE_LIST = gone_list("on the server", "caldav")
_QUERY = (
    '<?xml version="1.0" encoding="utf-8"?>\n<c:calendar-query xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav">'
    "<d:prop><d:getetag/><c:calendar-data/></d:prop>"
    '<c:filter><c:comp-filter name="VCALENDAR"><c:comp-filter name="VTODO"><c:prop-filter name="UID">'
    '<c:text-match collation="i;octet">{uid}</c:text-match>'
    "</c:prop-filter></c:comp-filter></c:comp-filter></c:filter></c:calendar-query>"
)


class Place(Struct, frozen=True):
    """A task where it stands: the list's URL, the resource's name in it, its etag, and what it says."""

    url: str
    name: str
    etag: str
    todo: Todo

    @property
    def uid(self) -> str:
        """The task's UID."""
        return self.todo.text("UID").strip()

    @property
    def address(self) -> str:
        """The resource's URL."""
        return member_url(self.url, self.name)


class Lists:
    """One account's task lists."""

    def __init__(self, access: Access, homes: Sequence[str] = ()) -> None:
        """Nothing is sent yet; `homes` are those found before."""
        self._access = access
        self.dav: Dav = open_dav(access, CALENDARS)
        # Sources and sinks are let go of without a word; their connections go with them.
        finalize(self, self.dav.close)
        self._home = Home(tuple(homes)) if homes else None
        self._lists: list[DavCollection] | None = None

    @property
    def homes(self) -> list[str]:
        """Where the lists were found."""
        return list(self._home.urls) if self._home and not self._home.is_one_collection else []

    def all(self) -> list[DavCollection]:
        """Every list that tasks can be read from, asked for once."""
        if self._lists is None:
            self._lists = self._found()
        return self._lists

    def look_again(self) -> None:
        """What lists there are is asked for anew."""
        self._lists = None

    def _found(self) -> list[DavCollection]:
        if self._home is not None:
            try:
                return self._holding(self._home)
            except Rejected:
                # Homes move; where they are now is found out again.
                self._home = None
        self._home = self.dav.discover()
        return self._holding(self._home)

    def _holding(self, home: Home) -> list[DavCollection]:
        return [one for one in self.dav.collections(home) if one.holds("VTODO") and one.can_read]

    def chosen(self) -> DavCollection:
        """The list that the settings name.

        Raises:
            Missing: there is none.
        """
        return chosen(self._access, self.all(), GONE_LIST)

    def make(self, name: str) -> DavCollection:
        """Make a list (RFC 4791 5.3.1).

        Raises:
            Rejected: the account's URL leads to a single list, or the server makes none.
        """
        self.all()
        if self._home is None or self._home.is_one_collection:
            raise Rejected("The URL leads to one list alone. Connect with the URL of the whole account.")
        taken = {one.url for one in self.all()}
        slug = re.sub(r"[^a-z0-9]+", "-", name.casefold()).strip("-")[:40] or "tasks"
        url = f"{self._home.urls[0]}{slug}/"
        if url in taken:
            url = f"{self._home.urls[0]}{slug}-{key64(name) & 0xFFFF:04x}/"
        self.dav.make_calendar(url, clean(name), "VTODO")
        self.look_again()
        made = next((one for one in self.all() if one.url == url), None)
        if made is None:
            raise Rejected(
                "The server made a list and does not show it. Make one there yourself and name it with --tasks."
            )
        return made

    # ------ tasks

    def at(self, url: str, name: str) -> Place | None:
        """The task of a resource, if it is there."""
        try:
            etag, body = self.dav.get(member_url(url, name))
            return Place(url, name, etag, read_todo(body))
        except (Missing, NoTask):
            return None

    def search(self, one: DavCollection, uid: str) -> Iterator[Place]:
        """The tasks of a list whose UID begins so (RFC 4791 7.8.6).

        Where a server cannot look for a UID, a task is looked for under the name that programs give it.
        """
        try:
            found = self.dav.report(one.url, _QUERY.format(uid=escape(uid)).encode()).responses
        except (Rejected, Garbled):
            found = ()
            with suppress(Rejected):
                place = self.at(one.url, f"{uid}.ics")
                if place and place.uid.startswith(uid):
                    yield place
        for response in found:
            name = member_name(one.url, response.href)
            data = response.props.get(CALENDARS.data, Value()).text
            if name is None or not data:
                continue
            try:
                todo = read_todo(data.encode("utf-8", "surrogatepass"))
            except NoTask:
                continue
            place = Place(one.url, name, response.props.get(tag(DAV, "getetag"), Value()).text, todo)
            if place.uid.startswith(uid):
                yield place

    def find(self, uid: str) -> Place | None:
        """The task of a UID in any list."""
        places = (place for one in self.all() for place in self.search(one, uid))
        return next((place for place in places if place.uid == uid), None)
