"""One task of a CalDAV server (RFC 5545 3.6.2) as content lines: a few are read and written, the rest is never touched.

Other programs keep alarms, links, sort orders and their own mistakes in the same resource, and a library that parses it
whole refuses it whole for one bad date. Here a line that is not written to stays as it came, byte for byte.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from urllib.parse import quote, unquote
from zoneinfo import ZoneInfo

from msgspec import Struct

from connectors._ical_lines import decode_line, read_line
from connectors._ical_zones import Line, known_zone
from connectors._mail_text import clean
from connectors._tasks import closed, cut, one_line, plain_lines, safe_link
from schemas.connector import TaskDraft, TaskLimits

LIMITS = TaskLimits(title=500, note=10_000)
OURS = "kith-"
"""What the UID of each task of ours begins with."""
Changes = Mapping[str, str | None]
"""Content lines to write, by the name of their property; None takes the property out."""
_TODO = ["VCALENDAR", "VTODO"]
_MOST_BYTES = 1024 * 1024
_ESCAPES = str.maketrans({"\\": "\\\\", ";": "\\;", ",": "\\,", "\n": "\\n"})


class NoTask(ValueError):
    """A resource that holds no VTODO that can be read."""


class Piece(Struct, frozen=True):
    """A content line as it came, folds included, with what it says; None where it says nothing that can be read."""

    raw: bytes
    line: Line | None


class Todo(Struct, frozen=True):
    """A resource, and where in it the properties of its task stand."""

    pieces: tuple[Piece, ...]
    places: tuple[int, ...]
    end: int

    def line(self, name: str) -> Line | None:
        """The first property of a name."""
        return next((it for at in self.places if (it := self.pieces[at].line) and it[0] == name), None)

    def text(self, name: str) -> str:
        """The text of a property, unescaped (RFC 5545 3.3.11)."""
        from icalendar.parser.property import unescape_backslash  # noqa: PLC0415  # 60 ms that mail need not spend

        line = self.line(name)
        return str(unescape_backslash(line[2])) if line else ""

    def but(self, changes: Changes) -> "Todo":
        """The same with these properties written anew, or taken out where None stands; the others stay."""
        left = dict(changes)
        places = frozenset(self.places)
        there = {line[0] for at in places if (line := self.pieces[at].line)}
        pieces: list[Piece] = []
        for at, piece in enumerate(self.pieces):
            if at == self.end:
                new = [text for name, text in changes.items() if text is not None and name not in there]
                pieces += map(_piece, new)
            name = piece.line[0] if piece.line and at in places else ""
            if name not in changes:
                pieces.append(piece)
            elif (text := left.pop(name, None)) is not None:
                pieces.append(_piece(text))
        return _placed(pieces)

    def to_bytes(self) -> bytes:
        """The resource as it is to be sent."""
        return b"".join(piece.raw for piece in self.pieces)


def read_todo(body: bytes) -> Todo:
    """The task of a resource: its VTODO, and of several with one UID the one that is no single occurrence.

    Raises:
        NoTask: there is none, or it is larger than 1 MB.
    """
    if len(body) > _MOST_BYTES:
        raise NoTask("it is larger than 1 MB")
    return _placed(list(_pieces(body)))


def _pieces(body: bytes) -> Iterator[Piece]:
    raw: list[bytes] = []
    for line in body.splitlines(keepends=True):
        if raw and line[:1] not in b" \t":
            yield _read(raw)
            raw = []
        raw.append(line)
    if raw:
        yield _read(raw)


def _read(raw: list[bytes]) -> Piece:
    unfolded = raw[0].rstrip(b"\r\n") + b"".join(line.rstrip(b"\r\n")[1:] for line in raw[1:])
    return Piece(b"".join(raw), read_line(decode_line(unfolded)))


def _piece(text: str) -> Piece:
    from icalendar.parser import Contentline  # noqa: PLC0415  # likewise

    raw: bytes = Contentline(text).to_ical()  # type: ignore[no-untyped-call]  # icalendar's
    return Piece(raw + b"\r\n", read_line(text))


def _placed(pieces: list[Piece]) -> Todo:
    """The first VTODO, unless it is a single occurrence and another is not."""
    found: list[tuple[list[int], int]] = []
    path: list[str] = []
    places: list[int] = []
    end = 0
    for at, piece in enumerate(pieces):
        name, _, value = piece.line or ("", {}, "")
        if name == "BEGIN":
            path.append(value.strip().upper())
            if path == _TODO:
                places, end = [], 0
            elif len(path) == 3 and path[:2] == _TODO:
                # Properties stand before the components inside (RFC 5545 3.6.2).
                end = end or at
        elif name == "END":
            if path == _TODO:
                found.append((places, end or at))
            if path:
                path.pop()
        elif path == _TODO:
            places.append(at)
    if not found:
        raise NoTask("it holds no task")
    whole = (
        one
        for one in found
        if not any((line := pieces[at].line) and line[0] == "RECURRENCE-ID" for at in one[0])
    )
    places, end = next(whole, found[0])
    return Todo(tuple(pieces), tuple(places), end)


# ------ what a task of ours says


def uid_of(key: str) -> str:
    """The UID and file name of a key's task: letters that every server leaves as they are, and nothing lost."""
    return OURS + quote(key, safe="-_").replace(".", "%2E").replace("~", "%7E").replace("%", ".")


def key_of(uid: str) -> str:
    """The key of a UID; empty when it is none of ours."""
    return unquote(uid.removeprefix(OURS).replace(".", "%")) if uid.startswith(OURS) else ""


def new_todo(key: str, draft: TaskDraft, now: datetime) -> Todo:
    """A task as it is first written. It has no STATUS, so that one which another program writes is its owner's."""
    stamp = _instant(now)
    due, link = _due(draft), _link(draft)
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Kith//Kith//EN",
        "BEGIN:VTODO",
        f"UID:{uid_of(key)}",
        f"DTSTAMP:{stamp}",
        f"CREATED:{stamp}",
        f"LAST-MODIFIED:{stamp}",
        "SEQUENCE:0",
        summary(draft),
        *([description(draft)] if note_of(draft) else []),
        *([due] if due else []),
        *([link] if link else []),
        f"X-KITH-KEY:{_escaped(key)}",
        "END:VTODO",
        "END:VCALENDAR",
    ]
    return _placed([_piece(line) for line in lines])


def changed(todo: Todo, was: TaskDraft, draft: TaskDraft) -> Changes:
    """The properties that differ between two drafts and still say what the first one did."""
    changes: dict[str, str | None] = {}
    if title_of(was) != title_of(draft) and title_in(todo) == title_of(was):
        changes["SUMMARY"] = summary(draft)
    if note_of(was) != note_of(draft) and note_in(todo) == note_of(was):
        changes["DESCRIPTION"] = description(draft) if note_of(draft) else None
    if was.due != draft.due and _is_due(todo, was.due):
        changes["DUE"] = _due(draft)
    if safe_link(was.url) != safe_link(draft.url) and todo.text("URL") == safe_link(was.url):
        changes["URL"] = _link(draft)
    return changes


def completed(todo: Todo, closing: str, now: datetime) -> Changes:
    """The properties of a task that is done (RFC 5545 3.8.1.11, 3.8.2.1, 3.8.1.8), with a closing line."""
    before = todo.text("DESCRIPTION")
    note = closed(one_line(closing, LIMITS.title) if closing else "", before)
    changes: dict[str, str | None] = {
        "STATUS": "STATUS:COMPLETED",
        "COMPLETED": f"COMPLETED:{_instant(now)}",
        "PERCENT-COMPLETE": "PERCENT-COMPLETE:100",
    }
    if note != before:
        changes["DESCRIPTION"] = f"DESCRIPTION:{_escaped(note)}"
    return changes


def reopened() -> Changes:
    """The properties of a task that is not done after all."""
    return {"STATUS": "STATUS:NEEDS-ACTION", "COMPLETED": None, "PERCENT-COMPLETE": None}


def touched(todo: Todo, changes: Changes, now: datetime) -> Todo:
    """The task with changes and the marks of a new revision (RFC 5545 3.8.7.2 to 3.8.7.4)."""
    before = todo.line("SEQUENCE")
    number = int(before[2]) if before and before[2].isdecimal() and len(before[2]) < 10 else 0
    stamp = _instant(now)
    marks = {
        "SEQUENCE": f"SEQUENCE:{number + 1}",
        "DTSTAMP": f"DTSTAMP:{stamp}",
        "LAST-MODIFIED": f"LAST-MODIFIED:{stamp}",
    }
    return todo.but({**changes, **marks})


# ------ what it says now


def title_in(todo: Todo) -> str:
    """The title on one line."""
    return clean(todo.text("SUMMARY"))


def note_in(todo: Todo) -> str:
    """The note in plain lines."""
    return "\n".join(plain_lines(todo.text("DESCRIPTION")))


def status_in(todo: Todo) -> str:
    """`done`, `open` or `dropped`: by STATUS where there is one, as programs leave the other two behind."""
    status = todo.text("STATUS").strip().upper()
    if status:
        return {"COMPLETED": "done", "CANCELLED": "dropped"}.get(status, "open")
    percent = todo.text("PERCENT-COMPLETE").strip()
    return "done" if todo.line("COMPLETED") or percent == "100" else "open"


def done_at(todo: Todo) -> datetime | None:
    """The instant of completion, where it is told."""
    line = todo.line("COMPLETED")
    try:
        return datetime.strptime(line[2].strip(), "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC) if line else None
    except ValueError:
        return None


def due_in(todo: Todo, zone: str) -> date | None:
    """The day that the task is due, in the owner's zone."""
    line = todo.line("DUE")
    if line is None:
        return None
    value = line[2].strip()
    try:
        if "T" not in value:
            return datetime.strptime(value, "%Y%m%d").date()  # noqa: DTZ007  # a day has no zone
        wall = datetime.strptime(value.removesuffix("Z"), "%Y%m%dT%H%M%S")  # noqa: DTZ007  # its zone follows
        of = UTC if value.endswith("Z") else known_zone(line[1].get("TZID", ""))
        return wall.replace(tzinfo=of).astimezone(ZoneInfo(zone)).date() if of else wall.date()
    except (ValueError, OverflowError):
        return None


def _is_due(todo: Todo, day: date | None) -> bool:
    """Whether the date still reads as Kith wrote it: a day, and nothing that its owner planned beside it."""
    if todo.line("DTSTART") or todo.line("DURATION") or todo.line("RRULE"):
        return False
    line = todo.line("DUE")
    if line is None or day is None:
        return line is None and day is None
    return line[2].strip() == f"{day:%Y%m%d}"


# ------ words


def title_of(draft: TaskDraft) -> str:
    """A draft's title as it is written."""
    return one_line(draft.title, LIMITS.title)


def note_of(draft: TaskDraft) -> str:
    """A draft's note as it is written."""
    return cut("\n".join(plain_lines(draft.note)), LIMITS.note)


def summary(draft: TaskDraft) -> str:
    """The line of a title."""
    return f"SUMMARY:{_escaped(title_of(draft))}"


def description(draft: TaskDraft) -> str:
    """The line of a note."""
    return f"DESCRIPTION:{_escaped(note_of(draft))}"


def _due(draft: TaskDraft) -> str | None:
    return f"DUE;VALUE=DATE:{draft.due:%Y%m%d}" if draft.due else None


def _link(draft: TaskDraft) -> str | None:
    link = safe_link(draft.url)
    return f"URL:{link}" if link else None


def _escaped(text: str) -> str:
    return text.translate(_ESCAPES)


def _instant(now: datetime) -> str:
    return f"{now.astimezone(UTC):%Y%m%dT%H%M%SZ}"
