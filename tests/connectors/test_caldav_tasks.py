"""Follow-ups become tasks of a CalDAV server, of each kind there is, and what their owner does with them is seen."""

from collections.abc import Iterator
from datetime import date, datetime
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest
from icalendar.parser.property import unescape_backslash

from connectors import caldav_tasks
from connectors._dav_xml import read_multistatus
from connectors._vtodo import changed, completed, read_todo, touched
from schemas.clock import FrozenClock
from schemas.connector import TaskRef, Tombstone, Unreadable, Upsert
from schemas.errors import Missing, ReauthRequired, Transient
from schemas.ids import IdempotencyKey
from schemas.records import Task
from tests.contract.sink import (
    DRAFT,
    KEY,
    LATER,
    OTHER,
    Held,
    Seen,
    SinkContract,
    a_sink,
    an_access,
    changes_of,
    pull,
)
from tests.contract.source import NOW
from tests.fakes.faulty_proxy import FaultyProxy
from tests.servers.dav import DavServer
from tests.servers.radicale import radicale
from tests.servers.xandikos import xandikos

_SERVERS = {"radicale": radicale, "xandikos": xandikos}
_RUN = count()
_PROPFIND = (
    b'<d:propfind xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav"><d:prop>'
    b"<d:resourcetype/><d:getetag/></d:prop></d:propfind>"
)


def lines_of(body: bytes) -> list[str]:
    """The unfolded content lines of a resource."""
    return body.decode().replace("\r\n ", "").replace("\r\n", "\n").strip().split("\n")


def value_of(body: bytes, name: str) -> str:
    """The value of the first property of a name within the task, or nothing."""
    inside = lines_of(body)
    inside = inside[inside.index("BEGIN:VTODO") :]
    found = (line for line in inside if line.startswith((f"{name}:", f"{name};")))
    return next(found, ":").partition(":")[2]


class CaldavRig:
    """A server behind a proxy, with a task list for Kith, another one, and a calendar."""

    spec = caldav_tasks.SPEC
    list_name = "Kith"

    def __init__(self, server: DavServer, proxy: FaultyProxy) -> None:
        run = next(_RUN)
        self.server = server
        self.proxy = proxy
        self.faults = proxy.faults
        self.clock = FrozenClock(NOW)
        self.list = server.make_calendar(f"kith{run}", self.list_name, "VTODO")
        self.elsewhere = server.make_calendar(f"other{run}", "Elsewhere", "VTODO")
        self.calendar = server.make_calendar(f"meetings{run}", "Meetings", "VEVENT")
        self.new = ""

    def close(self) -> None:
        """Take away every collection of the account."""
        for url in self.collections():
            self.server.delete(url)

    def settings(self) -> dict[str, Any]:
        return {
            "url": self.proxy.url,
            "user": self.server.user,
            "list": self.list_name,
            "allow_private": True,
        }

    def secret(self) -> str:
        return self.server.password

    def collections(self) -> list[str]:
        """The URLs of every collection."""
        return [url for url in self._members(self.server.calendars) if url.endswith("/")]

    def resources(self) -> dict[str, bytes]:
        """Every resource with its body."""
        found = [
            url for folder in self.collections() for url in self._members(folder) if not url.endswith("/")
        ]
        return {url: self.server.ask("GET", url)[1] for url in found}

    def _members(self, url: str) -> list[str]:
        _, body = self.server.ask("PROPFIND", url, _PROPFIND, Depth="1", Content_Type="application/xml")
        base = urlsplit(url)
        hrefs = [urlsplit(one.href).path for one in read_multistatus(body, "test").responses]
        return [f"{base.scheme}://{base.netloc}{href}" for href in hrefs if href != base.path]

    def tasks(self) -> list[Seen]:
        seen = []
        for url, body in sorted(self.resources().items(), key=lambda pair: value_of(pair[1], "UID")):
            due = value_of(body, "DUE")
            names = {self.list: self.list_name, self.elsewhere: "Elsewhere", self.new: "Brand new"}
            name = names.get(f"{url.rpartition('/')[0]}/")
            seen.append(
                Seen(
                    value_of(body, "UID"),
                    unescape_backslash(value_of(body, "SUMMARY")),
                    unescape_backslash(value_of(body, "DESCRIPTION")),
                    datetime.strptime(due[:8], "%Y%m%d").date() if due else None,  # noqa: DTZ007  # a day
                    value_of(body, "STATUS") == "COMPLETED",
                    name or "People: & Söhne",
                )
            )
        return seen

    def edit(self, one: str, **lines: str | None) -> None:
        """Write properties of a task as another program would, underscores standing for hyphens; None takes one out."""
        url, body = self.place(one)
        kept = [
            line
            for line in lines_of(body)
            if line.replace(";", ":").partition(":")[0].replace("-", "_") not in lines
        ]
        at = kept.index("END:VTODO")
        kept[at:at] = [line for line in lines.values() if line is not None]
        self.server.put(url, "\n".join([*kept, ""]))

    def place(self, one: str) -> tuple[str, bytes]:
        """Where a task is, and its body."""
        return next((url, body) for url, body in self.resources().items() if value_of(body, "UID") == one)

    def complete(self, one: str) -> None:
        at = f"{self.clock.now():%Y%m%dT%H%M%SZ}"
        self.edit(one, STATUS="STATUS:COMPLETED", COMPLETED=f"COMPLETED:{at}")

    def reopen(self, one: str) -> None:
        self.edit(one, STATUS="STATUS:NEEDS-ACTION", COMPLETED=None, PERCENT_COMPLETE=None)

    def rename(self, one: str, title: str) -> None:
        self.edit(one, SUMMARY=f"SUMMARY:{title}".replace(",", "\\,"))

    def annotate(self, one: str, note: str) -> None:
        self.edit(one, DESCRIPTION="DESCRIPTION:" + note.replace("\n", "\\n"))

    def reschedule(self, one: str, due: date | None) -> None:
        self.edit(one, DUE=f"DUE;VALUE=DATE:{due:%Y%m%d}" if due else None)

    def move(self, one: str) -> str:
        url, body = self.place(one)
        self.server.put(f"{self.elsewhere}{url.rpartition('/')[2]}", body)
        self.server.delete(url)
        return "Elsewhere"

    def move_to_new(self, one: str) -> None:
        self.new = self.server.make_calendar(f"new{next(_RUN)}", "Brand new", "VTODO")
        url, body = self.place(one)
        self.server.put(f"{self.new}{url.rpartition('/')[2]}", body)
        self.server.delete(url)

    def delete(self, one: str) -> None:
        self.server.delete(self.place(one)[0])

    def add_foreign(self, title: str) -> str:
        uid = f"f{next(_RUN)}@example.com"
        self.server.put(f"{self.list}{uid}.ics", a_task(uid, title))
        return uid

    def delete_list(self) -> None:
        self.server.delete(self.list)

    def revoke(self) -> None:
        self.proxy.is_revoked = True


def a_task(uid: str, title: str, *more: str) -> str:
    """A task as another program writes it."""
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Tasks//EN",
        "BEGIN:VTODO",
        f"UID:{uid}",
        "DTSTAMP:20261101T080000Z",
        f"SUMMARY:{title}",
        *more,
        "END:VTODO",
        "END:VCALENDAR",
        "",
    ]
    return "\n".join(lines)


@pytest.fixture(scope="module", params=_SERVERS)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DavServer]:
    """A server of each kind."""
    folder: Path = tmp_path_factory.mktemp(request.param)
    with _SERVERS[request.param](folder) as running:
        yield running


@pytest.fixture
def rig(server: DavServer) -> Iterator[CaldavRig]:
    """An account with fresh lists on a server of each kind, behind a proxy that faults can be ordered of."""
    with FaultyProxy(server.url).serve() as proxy:
        one = CaldavRig(server, proxy)
        yield one
        one.close()


class TestCaldavTasks(SinkContract):
    """A CalDAV server keeps the promises of every to-do tool, whichever it is."""


def test_a_task_is_as_the_rfc_has_it(rig: CaldavRig) -> None:
    """A task stands under a name of its key, with the instants of the clock, a day, a link and its key."""
    a_sink(rig).put(KEY, DRAFT)
    ((url, body),) = rig.resources().items()
    name = "kith-awaiting_me.2Fp00112233.3A1"
    assert url == f"{rig.list}{name}.ics"
    lines = lines_of(body)
    for line in (
        f"UID:{name}",
        "DTSTAMP:20261123T090000Z",
        "CREATED:20261123T090000Z",
        "DUE;VALUE=DATE:20261127",
        f"URL:{DRAFT.url}",
        f"X-KITH-KEY:{KEY}",
    ):
        assert line in lines or line.replace("URL:", "URL;VALUE=URI:") in lines
    assert all(len(line) <= 75 for line in body.split(b"\r\n"))


def test_a_change_leaves_everything_else_as_it_was(rig: CaldavRig) -> None:
    """Alarms, properties that nobody knows and dates that nobody can read stay when Kith writes."""
    sink = a_sink(rig)
    ref = sink.put(KEY, DRAFT)
    alarm = (
        "BEGIN:VALARM\nTRIGGER;RELATED=END:-PT15M\nACTION:DISPLAY\nDESCRIPTION:Ring\nX-ALARM:1\nEND:VALARM"
    )
    extra = {
        "X_APPLE_SORT_ORDER": "X-APPLE-SORT-ORDER:12345",
        "X_ODD": 'X-ODD;X-BAR="a;b:c":raw\\,value;x=1',
        "CATEGORIES": "CATEGORIES:People,Work",
        "PRIORITY": "PRIORITY:1",
        "VALARM": alarm,
    }
    rig.edit(ref.id, **extra)
    before = lines_of(rig.place(ref.id)[1])
    sink.update(ref, DRAFT, LATER)
    after = lines_of(rig.place(ref.id)[1])
    ours = ("SUMMARY", "DUE", "SEQUENCE", "DTSTAMP", "LAST-MODIFIED")
    assert [line for line in after if not line.startswith(ours)] == [
        line for line in before if not line.startswith(ours)
    ]
    assert "SEQUENCE:1" in after
    assert "DESCRIPTION:Ring" in after


def test_properties_after_an_alarm_are_written_once(rig: CaldavRig) -> None:
    """A program that puts an alarm before other properties has them changed where they stand, and none comes twice."""
    sink = a_sink(rig)
    ref = sink.put(KEY, DRAFT)
    lines = lines_of(rig.place(ref.id)[1])
    at = lines.index("BEGIN:VTODO") + 1
    alarm = ["BEGIN:VALARM", "TRIGGER:-PT15M", "ACTION:DISPLAY", "DESCRIPTION:Ring", "END:VALARM"]
    todo = read_todo("\r\n".join([*lines[:at], *alarm, *lines[at:], ""]).encode())
    changes = {**changed(todo, DRAFT, LATER), **completed(todo, "Done.", NOW)}
    written = lines_of(touched(todo, changes, NOW).to_bytes())
    for name in ("SUMMARY", "DUE", "STATUS", "COMPLETED", "SEQUENCE", "DTSTAMP", "LAST-MODIFIED"):
        assert len([line for line in written if line.startswith((f"{name}:", f"{name};"))]) == 1, name
    assert alarm == written[written.index("BEGIN:VALARM") : written.index("END:VALARM") + 1]


def test_completing_says_it_in_all_three_ways(rig: CaldavRig) -> None:
    """Done is STATUS, COMPLETED and PERCENT-COMPLETE; reopened is none of them."""
    sink = a_sink(rig)
    ref = sink.put(KEY, DRAFT)
    sink.complete(ref, "Done.")
    lines = lines_of(rig.place(ref.id)[1])
    assert {"STATUS:COMPLETED", "COMPLETED:20261123T090000Z", "PERCENT-COMPLETE:100"} <= set(lines)
    sink.reopen(ref)
    lines = lines_of(rig.place(ref.id)[1])
    assert "STATUS:NEEDS-ACTION" in lines
    assert not [line for line in lines if line.startswith(("COMPLETED", "PERCENT-COMPLETE"))]


@pytest.mark.parametrize(
    ("lines", "is_done"),
    [
        ({"STATUS": "STATUS:COMPLETED"}, True),
        ({"COMPLETED": "COMPLETED:20261123T080000Z"}, True),
        ({"PERCENT_COMPLETE": "PERCENT-COMPLETE:100"}, True),
        ({"PERCENT_COMPLETE": "PERCENT-COMPLETE:50"}, False),
        ({"STATUS": "STATUS:IN-PROCESS"}, False),
        ({"STATUS": "STATUS:NEEDS-ACTION", "COMPLETED": "COMPLETED:20261123T080000Z"}, False),
    ],
)
def test_programs_say_done_in_one_way_of_three(
    rig: CaldavRig, lines: dict[str, str], *, is_done: bool
) -> None:
    """Whichever of the three a program sets is believed, and STATUS above the others."""
    ref = a_sink(rig).put(KEY, DRAFT)
    rig.edit(ref.id, **lines)
    assert Held(rig).catch_up()[KEY].is_done == is_done


def test_a_dropped_task_is_gone(rig: CaldavRig) -> None:
    """CANCELLED means no: it reads as gone, is not completed, and comes back when it is taken back."""
    held = Held(rig)
    sink = a_sink(rig)
    ref = sink.put(KEY, DRAFT)
    held.catch_up()
    rig.edit(ref.id, STATUS="STATUS:CANCELLED")
    assert held.catch_up() == {}
    assert [str(one) for one in held.gone] == [KEY]
    sink.complete(ref, "Done.")
    assert "STATUS:CANCELLED" in lines_of(rig.place(ref.id)[1])
    assert sink.find(KEY) is not None
    rig.reopen(ref.id)
    assert held.catch_up().keys() == {KEY}


def test_a_moved_task_is_found_and_written_where_it_is(rig: CaldavRig) -> None:
    """In another list under another name, a task of ours is still the one that is meant."""
    held = Held(rig)
    sink = a_sink(rig)
    ref = sink.put(KEY, DRAFT)
    held.catch_up()
    url, body = rig.place(ref.id)
    rig.server.put(f"{rig.elsewhere}0815.ics", body)
    rig.server.delete(url)
    assert held.catch_up()[KEY].list == "Elsewhere"
    assert held.gone == []
    assert sink.put(KEY, DRAFT).id == ref.id
    assert a_sink(rig).put(KEY, DRAFT).id == ref.id
    a_sink(rig).update(TaskRef(ref.id), DRAFT, LATER)
    assert [(task.title, task.list) for task in rig.tasks()] == [(LATER.title, "Elsewhere")]
    assert held.catch_up()[KEY].title == LATER.title
    rig.complete(ref.id)
    assert held.catch_up()[KEY].is_done
    rig.server.delete(rig.place(ref.id)[0])
    assert held.catch_up() == {}


def test_moved_into_a_list_that_is_followed_already(rig: CaldavRig) -> None:
    """Two tasks that leave one after the other are both followed, there and back."""
    held = Held(rig)
    sink = a_sink(rig)
    first, second = sink.put(KEY, DRAFT), sink.put(OTHER, DRAFT)
    held.catch_up()
    rig.move(first.id)
    assert {record.list for record in held.catch_up().values()} == {"Kith", "Elsewhere"}
    rig.move(second.id)
    assert {record.list for record in held.catch_up().values()} == {"Elsewhere"}
    for ref in (first, second):
        url, body = rig.place(ref.id)
        rig.server.put(f"{rig.list}back-{ref.id}.ics", body)
        rig.server.delete(url)
    assert {record.list for record in held.catch_up().values()} == {"Kith"}
    assert held.gone == []
    assert changes_of(pull(rig, held.cursor)) == []


def test_a_first_look_finds_what_was_moved(rig: CaldavRig) -> None:
    """Read from nothing, tasks of ours in other lists are seen, and followed from then on."""
    ref = a_sink(rig).put(KEY, DRAFT)
    rig.move(ref.id)
    held = Held(rig)
    assert held.catch_up()[KEY].list == "Elsewhere"
    rig.rename(ref.id, "Mine")
    assert held.catch_up()[KEY].title == "Mine"


def test_a_list_that_is_gone_dismisses_nothing(rig: CaldavRig) -> None:
    """Where the list itself is gone, that is told, and no task is taken for deleted."""
    held = Held(rig)
    a_sink(rig).put(KEY, DRAFT)
    held.catch_up()
    rig.delete_list()
    with pytest.raises(Missing, match="Choose another"):
        held.catch_up()


@pytest.mark.parametrize("count", [1, 3])
def test_a_list_that_is_made_anew_dismisses_nothing(rig: CaldavRig, count: int) -> None:
    """Deleted and made again at the same place it holds none of ours: no task is taken for deleted, and that is told."""
    held = Held(rig)
    sink = a_sink(rig)
    keys = [KEY, OTHER, IdempotencyKey("promise:another")][:count]
    for key in keys:
        sink.put(key, DRAFT)
    held.catch_up()
    rig.delete_list()
    rig.server.make_calendar(urlsplit(rig.list).path.rstrip("/").rpartition("/")[2], rig.list_name, "VTODO")
    pages = pull(rig, held.cursor)
    (told,) = changes_of(pages)
    assert isinstance(told, Unreadable)
    assert told.where == f"the list {rig.list_name}"
    assert f"({count}) is left" in told.reason
    assert changes_of(pull(rig, pages[-1].checkpoint)) == [], "it is told once"


def test_in_a_list_that_is_made_anew_tasks_live_on(rig: CaldavRig) -> None:
    """What is written into it from then on is followed, and what its owner deletes there is gone as ever."""
    held = Held(rig)
    a_sink(rig).put(KEY, DRAFT)
    held.catch_up()
    rig.delete_list()
    rig.server.make_calendar(urlsplit(rig.list).path.rstrip("/").rpartition("/")[2], rig.list_name, "VTODO")
    held.catch_up()
    ref = a_sink(rig).put(OTHER, DRAFT)
    assert OTHER in held.catch_up()
    rig.delete(ref.id)
    assert OTHER not in held.catch_up()


def test_what_was_moved_out_of_a_list_that_is_made_anew_is_found(rig: CaldavRig) -> None:
    """A task that its owner put into another list before is followed there; only the others are told of."""
    held = Held(rig)
    sink = a_sink(rig)
    moved = sink.put(KEY, DRAFT)
    sink.put(OTHER, DRAFT)
    held.catch_up()
    rig.move(moved.id)
    rig.delete_list()
    rig.server.make_calendar(urlsplit(rig.list).path.rstrip("/").rpartition("/")[2], rig.list_name, "VTODO")
    upsert, told = changes_of(pull(rig, held.cursor))
    assert isinstance(upsert, Upsert)
    assert (str(upsert.id), isinstance(told, Unreadable)) == (KEY, True)


def test_every_task_deleted_one_by_one_is_gone(rig: CaldavRig) -> None:
    """Where the server tells of each that it was deleted, each is, also when none is left."""
    held = Held(rig)
    sink = a_sink(rig)
    refs = [sink.put(key, DRAFT) for key in (KEY, OTHER)]
    held.catch_up()
    for ref in refs:
        rig.delete(ref.id)
    assert [type(one) for one in changes_of(pull(rig, held.cursor))] == [Tombstone] * 2


def test_a_list_that_may_not_be_read_stops_nothing(rig: CaldavRig) -> None:
    """A list of somebody else's that refuses every question is as good as empty, for writing and for reading."""
    rig.proxy.forbidden = urlsplit(rig.elsewhere).path
    held = Held(rig)
    assert held.catch_up() == {}
    ref = a_sink(rig).put(KEY, DRAFT)
    assert held.catch_up().keys() == {KEY}
    rig.delete(ref.id)
    assert held.catch_up() == {}


def test_a_renamed_list_is_seen(rig: CaldavRig) -> None:
    """A list known by its id keeps its tasks under another name, which is read back."""
    kept = caldav_tasks.survey(an_access(rig)).settings
    settings = {**rig.settings(), **kept}
    a_sink(rig, settings=settings).put(KEY, DRAFT)
    source = caldav_tasks.open_source(an_access(rig, settings=settings))
    cursor = next(iter(source.pull(None))).checkpoint
    body = (
        b'<d:propertyupdate xmlns:d="DAV:"><d:set><d:prop><d:displayname>Network</d:displayname>'
        b"</d:prop></d:set></d:propertyupdate>"
    )
    status, _ = rig.server.ask("PROPPATCH", rig.list, body, Content_Type="application/xml")
    assert status == 207
    (page,) = caldav_tasks.open_source(an_access(rig, settings=settings)).pull(cursor)
    (change,) = page.changes
    assert isinstance(change, Upsert)
    assert isinstance(change.record, Task)
    assert change.record.list == "Network"


def test_a_change_in_between_is_read_again(rig: CaldavRig) -> None:
    """What another program wrote between reading and writing is not written over."""
    sink = a_sink(rig)
    ref = sink.put(KEY, DRAFT)
    rig.proxy.before_write = lambda: rig.rename(ref.id, "Mine")
    sink.update(ref, DRAFT, LATER)
    assert [(task.title, task.due) for task in rig.tasks()] == [("Mine", LATER.due)]


def test_endless_changes_in_between_are_given_up(rig: CaldavRig) -> None:
    """A task that changes at every try is left for later."""
    sink = a_sink(rig)
    ref = sink.put(KEY, DRAFT)
    names = count()
    rig.proxy.before_write = lambda: rig.rename(ref.id, f"Mine {next(names)}")
    rig.proxy.is_before_every_write = True
    with pytest.raises(Transient):
        sink.update(ref, DRAFT, LATER)


def test_a_server_that_does_not_heed_if_none_match(rig: CaldavRig) -> None:
    """Where the header means nothing (SOGo, Zimbra), looking first keeps what there is."""
    rig.proxy.drops_header = "If-None-Match"
    ref = a_sink(rig).put(KEY, DRAFT)
    rig.rename(ref.id, "Mine")
    assert a_sink(rig).put(KEY, LATER).id == ref.id
    assert [task.title for task in rig.tasks()] == ["Mine"]


def test_two_makers_at_once_make_one(rig: CaldavRig) -> None:
    """What another process made between looking and writing is found, not written over."""
    rig.proxy.before_write = lambda: a_sink(rig, settings={**rig.settings(), "url": rig.server.url}).put(
        KEY, LATER
    )
    assert a_sink(rig).put(KEY, DRAFT).id
    assert [task.title for task in rig.tasks()] == [LATER.title]


def test_a_meeting_in_the_list_is_no_task(rig: CaldavRig) -> None:
    """A meeting that a server lets into a task list is not read and stops nothing."""
    held = Held(rig)
    a_sink(rig).put(KEY, DRAFT)
    body = a_task("m1@example.com", "Board", "DTSTART:20261201T090000Z").replace("VTODO", "VEVENT")
    status, _ = rig.server.ask("PUT", f"{rig.list}m1.ics", body.encode(), Content_Type="text/calendar")
    assert status in {201, 403}
    assert held.catch_up().keys() == {KEY}


def test_a_task_that_cannot_be_read_is_named(rig: CaldavRig) -> None:
    """One of ours that has become too large to read is told of; the others are read."""
    held = Held(rig)
    sink = a_sink(rig)
    ref = sink.put(KEY, DRAFT)
    sink.put(OTHER, DRAFT)
    held.catch_up()
    url, _ = rig.place(ref.id)
    rig.server.put(url, a_task(ref.id, "Big", *(f"X-PAD{n}:{'x' * 1000}" for n in range(1100))))
    rig.rename("kith-promise.2Fp44556677.3A2", "Mine")
    pages = pull(rig, held.cursor)
    assert [type(change).__name__ for change in changes_of(pages) if isinstance(change, Unreadable)] == [
        "Unreadable"
    ]
    assert held.catch_up()[OTHER].title == "Mine"


@pytest.mark.parametrize(
    ("due", "day"),
    [
        ("DUE;VALUE=DATE:20261201", date(2026, 12, 1)),
        ("DUE:20261201T233000", date(2026, 12, 1)),
        ("DUE:20261201T233000Z", date(2026, 12, 2)),
        ("DUE;TZID=America/New_York:20261201T200000", date(2026, 12, 2)),
    ],
)
def test_due_dates_are_days_of_the_owners(rig: CaldavRig, due: str, day: date) -> None:
    """A date, a floating time, an instant and a zoned time are each a day; a time of day is not written over."""
    sink = a_sink(rig)
    first = msgspec.structs.replace(DRAFT, due=date(2026, 12, 1))
    ref = sink.put(KEY, first)
    rig.edit(ref.id, DUE=due)
    assert Held(rig).catch_up()[KEY].due == day
    sink.update(ref, first, LATER)
    assert (due in lines_of(rig.place(ref.id)[1])) == ("T" in due.partition(":")[2])


def test_a_wrong_password_is_refused(tmp_path: Path) -> None:
    """A server that asks for a password and hears a wrong one is told from one that is away."""
    with radicale(tmp_path) as server, FaultyProxy(server.url).serve() as proxy:
        rig = CaldavRig(server, proxy)
        with pytest.raises(ReauthRequired):
            a_sink(rig, secret=lambda: "wrong").find(KEY)


def test_looking_costs_few_requests(rig: CaldavRig) -> None:
    """After the first look, one costs the list of lists and one report."""
    held = Held(rig)
    a_sink(rig).put(KEY, DRAFT)
    held.catch_up()
    rig.proxy.asked.clear()
    held.catch_up()
    assert [asked.partition(" ")[0] for asked in rig.proxy.asked] == ["PROPFIND", "REPORT"]


def test_tombstones_name_the_key(rig: CaldavRig) -> None:
    """A task is known by its key, wherever it stood."""
    held = Held(rig)
    ref = a_sink(rig).put(KEY, DRAFT)
    held.catch_up()
    rig.delete(ref.id)
    (change,) = changes_of(pull(rig, held.cursor))
    assert isinstance(change, Tombstone)
    assert str(change.id) == KEY
