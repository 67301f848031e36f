"""Calendar files (RFC 5545): one `.ics`, or a folder of them, to meetings; it never writes and never fetches.

Read 2026-11: https://support.google.com/calendar/answer/37111 and Google Takeout (one `.ics` a calendar), Outlook's
"Save calendar", Apple's "Export", and vdir folders (one meeting a file).
"""

import re
from collections.abc import Iterator
from pathlib import Path

from connectors._file_memory import Step, read_files, refuse_other_formats
from schemas.connector import Access, ConnectorSpec, Page, Source, legible
from schemas.errors import UnreadableFile
from schemas.ids import Cursor, StreamName

STREAM = StreamName("calendar")

_SUFFIXES = (".ics", ".ical", ".icalendar", ".vcs")
_MARK = re.compile(rb"BEGIN:VCALENDAR", re.IGNORECASE)
_BOM = b"\xef\xbb\xbf"


class IcsSource:
    """Reads calendar files; one that has not changed is not read again until its series reach further."""

    def __init__(self, access: Access) -> None:
        from connectors._ical import window_end  # noqa: PLC0415  # 60 ms that mail need not spend

        self._access = access
        self._until = window_end(access.clock.now())

    def pull(self, cursor: Cursor | None, /) -> Iterator[Page]:
        """Yield a change for each VEVENT, in no promised order.

        Raises:
            CursorExpired: the cursor is none of this connector's.
            UnreadableFile: the path holds no calendar.
        """
        access = self._access
        terms = f"ics 1 {self._until:%Y%m} {access.zone} {access.since or ''}"
        return read_files(access.files, _SUFFIXES, self._steps, STREAM, cursor, terms)

    def _steps(self, path: Path, name: str) -> Iterator[Step]:
        from connectors._ical import Surroundings, read_group  # noqa: PLC0415  # likewise
        from connectors._ical_outline import groups_of, outline_of  # noqa: PLC0415
        from connectors._ical_zones import Zones  # noqa: PLC0415

        access = self._access
        with path.open("rb") as stream:
            refuse_other_formats(stream.read(1024), name, "a calendar")
            outline = outline_of(stream)
            if not outline.has_calendar:
                raise UnreadableFile(f"{name} is not a calendar: BEGIN:VCALENDAR stands nowhere in it.")
            surroundings = Surroundings(name, access.zone, self._until, access.since, legible(path.stem))
            zones = Zones(access.zone, outline.zones)
            done = 0
            for places in groups_of(outline):
                done += sum(outline.lengths[place] for place in places)
                yield Step(read_group(stream, outline, places, surroundings, zones), len(places), done)


def recognise(path: str, head: bytes) -> int:
    """How surely a file is a calendar, from its first 64 KB."""
    is_named = path.lower().endswith(_SUFFIXES)
    text = head.removeprefix(_BOM).lstrip()
    if _MARK.match(text):
        return 100
    if not is_named:
        return 0
    # A web page or an empty file under a calendar's name is best refused by the one who can say why.
    return 90 if _MARK.search(head) else 40


def open_source(access: Access) -> Source:
    """A source over the calendar files of `access`."""
    return IcsSource(access)


SPEC = ConnectorSpec(
    name="ics", title="Calendar file (.ics)", stream=STREAM, open_source=open_source, recognise=recognise
)
