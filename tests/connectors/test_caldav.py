"""Calendars of CalDAV servers come whole, once, and as calendar files would tell them; on two servers that differ."""

import random
import re
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from connectors import ics
from connectors._dav import CALENDARS, Home, open_dav
from connectors._dav_xml import CALDAV
from connectors.caldav import NOT_A_MEETING, SPEC, survey
from schemas.connector import Access, Page, Skipped, Tombstone, Upsert
from schemas.errors import (
    Missing,
    PartlyRead,
    RateLimited,
    ReauthRequired,
    Rejected,
    SuspiciousSnapshot,
    Transient,
)
from schemas.ids import Cursor, ExternalId
from schemas.records import Meeting, SourceRecord
from tests.connectors.dav import SERVERS, Rig, a_rig, an_event, calendar, later
from tests.contract.live_source import LiveSourceContract, Mirror, a_live_access, live_changes, live_pages
from tests.fakes.http_script import Asked, reply, scripted
from tests.servers.dav import DavServer


@pytest.fixture(scope="module", params=SERVERS)
def dav_server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[DavServer]:
    """One server of each kind, for all tests here."""
    with SERVERS[request.param](tmp_path_factory.mktemp(request.param)) as server:
        yield server


@pytest.fixture
def rig(dav_server: DavServer) -> Iterator[Rig]:
    """A fresh calendar on it."""
    with a_rig(dav_server, "caldav") as made:
        yield made


class MeetingServer:
    """A server's items are single meetings, named by their UID."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self._sequence = 0
        self.break_off = rig.wire.break_off
        self.mend = rig.wire.mend
        self.answered = rig.wire.answered

    def add(self, name: str, /) -> None:
        self.rig.put(f"{name}@x.ics", calendar(an_event(name)))

    def change(self, name: str, /) -> bool:
        self._sequence += 1
        self.rig.put(f"{name}@x.ics", calendar(an_event(name, sequence=self._sequence, summary="Changed")))
        return True

    def remove(self, name: str, /) -> None:
        self.rig.remove(f"{name}@x.ics")

    def spoil(self) -> bool:
        self.rig.put("bad.ics", calendar(an_event("bad", *["RRULE:FREQ=DAILY;COUNT=3"] * 5)))
        return True


class TestCaldav(LiveSourceContract):
    """The promises of every live source."""

    spec = SPEC

    @pytest.fixture
    def server(self, rig: Rig) -> Any:
        return MeetingServer(rig)

    def access(self, server: Any, **more: Any) -> Access:
        made: Access = server.rig.access(**more)
        return made

    def name_of(self, record: SourceRecord) -> str:
        assert isinstance(record, Meeting)
        return record.uid


def pull(rig: Rig, cursor: Cursor | None = None, **more: Any) -> list[Page]:
    return live_pages(SPEC, rig.access(**more), cursor)


def held_names(mirror: Mirror) -> set[str]:
    return {f"{stream.removeprefix('calendar/')}:{name}" for stream, name in mirror.held}


def filled(rig: Rig, *names: str, collection: str = "") -> None:
    for name in names:
        rig.put(f"{name}.ics", calendar(an_event(name)), collection)


class TestDiscovery:
    """Any URL that an owner may know leads to the calendars."""

    def test_from_any_url(self, rig: Rig) -> None:
        """The root, the principal, the home, and something that is not there lead to the home."""
        rig.make("other")
        root = rig.wire.url
        home = rig.home.replace(rig.server.url, root)
        for url in (root, f"{root}alice/", home, f"{root}nothing/here/"):
            found = survey(rig.access(url=url))
            assert {one.id for one in found.collections} == {"work", "other"}, url

    def test_from_a_calendar_itself(self, rig: Rig) -> None:
        """The URL of one calendar is that calendar, and it alone is read."""
        rig.make("other")
        filled(rig, "one")
        url = rig.main.replace(rig.server.url, rig.wire.url)
        mirror = Mirror().take(pull(rig, url=url))
        assert held_names(mirror) == {"work:one.ics"}
        assert live_changes(pull(rig, mirror.cursor, url=url)) == []

    def test_by_way_of_well_known(self, rig: Rig) -> None:
        """A server whose calendars lie elsewhere tells where (RFC 6764 5)."""
        home = rig.home.removeprefix(rig.server.url)

        def meddle(asked: Asked) -> bytes | None:
            if asked.path == "/.well-known/caldav":
                return reply(301, location="/alice/")
            return None if asked.path.startswith(("/alice/", f"/{home}")) else reply(404)

        rig.wire.meddle = meddle
        assert {one.id for one in survey(rig.access()).collections} == {"work"}

    def test_where_there_is_nothing(self, rig: Rig) -> None:
        """A web server that knows no CalDAV is told from one that fails, in words without the path."""
        rig.wire.meddle = lambda _: reply(405)
        with pytest.raises(Rejected, match="well-known") as caught:
            survey(rig.access(url=f"{rig.wire.url}private/path/"))
        assert "private" not in str(caught.value)
        rig.wire.meddle = lambda _: reply(502)
        with pytest.raises(Transient):
            survey(rig.access())
        rig.wire.meddle = lambda _: reply(200, b"<html>Sign in</html>", content_type="text/html")
        with pytest.raises(Transient, match="web page"):
            survey(rig.access())

    def test_a_home_on_another_host_gets_no_password(self, rig: Rig) -> None:
        """Where the home is elsewhere, the owner is asked for that URL; the password is not sent there."""
        with scripted(lambda _: reply(401)) as other:
            rig.wire.amend = lambda _, body: re.sub(
                rb"(home-set[^>]*>\s*<[^>]*href[^>]*>)/", rb"\1" + other.url.encode(), body
            )
            with pytest.raises(Rejected, match=str(other.port)):
                survey(rig.access())
            assert other.asked
            assert not any("authorization" in asked.headers for asked in other.asked)

    def test_a_survey_tells_roles(self, rig: Rig) -> None:
        """Calendars and task lists are told apart, by their names and roles."""
        rig.make("todo", "To do", "VTODO")
        found = {one.id: one for one in survey(rig.access()).collections}
        assert found["work"].role == "calendar"
        assert found["todo"].name == "To do"
        if rig.server.name == "radicale":  # Xandikos takes any component into any calendar
            assert (found["todo"].role, found["todo"].is_read) == ("tasks", False)


class TestCalendars:
    """Which calendars are read, and what becomes of one that goes."""

    def test_each_is_a_stream_and_can_be_chosen(self, rig: Rig) -> None:
        """By default all are read, each as a stream; by name or id those that are named."""
        home = rig.make("home", "Family & friends")
        filled(rig, "one")
        filled(rig, "two", collection=home)
        assert held_names(Mirror().take(pull(rig))) == {"work:one.ics", "home:two.ics"}
        for chosen in (("Family & friends",), ("home",), "HOME"):
            assert held_names(Mirror().take(pull(rig, calendars=chosen))) == {"home:two.ics"}
        with pytest.raises(Missing, match="Family & friends"):
            pull(rig, calendars=("absent",))

    def test_one_that_is_no_longer_chosen_is_taken_away(self, rig: Rig) -> None:
        """What an owner no longer wants read goes; it comes back when chosen again."""
        home = rig.make("home")
        filled(rig, "one")
        filled(rig, "two", collection=home)
        mirror = Mirror().take(pull(rig))
        mirror.take(pull(rig, mirror.cursor, calendars=("work",)))
        assert held_names(mirror) == {"work:one.ics"}
        assert held_names(mirror.take(pull(rig, mirror.cursor))) == {"work:one.ics", "home:two.ics"}

    def test_a_deleted_one_goes_when_the_home_says_so(self, rig: Rig) -> None:
        """A calendar that cannot be reached keeps its meetings; one that the home lists no more loses them."""
        home = rig.make("home")
        filled(rig, "one")
        filled(rig, "two", "three", collection=home)
        mirror = Mirror().take(pull(rig))
        path = home.removeprefix(rig.server.url)
        rig.put("four.ics", calendar(an_event("four")), home)
        filled(rig, "five")
        rig.wire.meddle = lambda asked: reply(404) if asked.path == f"/{path}" else None
        with pytest.raises(PartlyRead):
            mirror.take(rig_pages(rig, mirror.cursor))
        # What another calendar has to say is read all the same.
        assert held_names(mirror) == {"work:one.ics", "work:five.ics", "home:two.ics", "home:three.ics"}
        rig.wire.meddle = lambda _: None
        rig.unmake(home)
        mirror.take(pull(rig, mirror.cursor))
        assert held_names(mirror) == {"work:one.ics", "work:five.ics"}

    def test_one_whose_bodies_do_not_come_does_not_stop_the_others(self, rig: Rig) -> None:
        """It is listed, and none of it can be fetched; whatever comes after it is read, and it is caught up with later."""
        home = rig.make("home")
        filled(rig, "one")
        filled(rig, "two", collection=home)
        mirror = Mirror().take(pull(rig))
        both = held_names(mirror)
        for number, (broken, other) in enumerate(((home, rig.main), (rig.main, home))):
            rig.put(f"h{number}.ics", calendar(an_event(f"h{number}")), home)
            rig.put(f"w{number}.ics", calendar(an_event(f"w{number}")), rig.main)
            path = f"/{broken.removeprefix(rig.server.url)}"
            rig.wire.meddle = lambda asked, path=path: (  # type: ignore[misc]
                reply(500) if asked.path.startswith(path) and asked.method == "GET" else None
            )
            with pytest.raises(PartlyRead):
                mirror.take(rig_pages(rig, mirror.cursor))
            came = {home: f"home:h{number}.ics", rig.main: f"work:w{number}.ics"}
            assert held_names(mirror) == both | {came[other]}
            rig.wire.meddle = lambda _: None
            mirror.take(pull(rig, mirror.cursor))
            both |= set(came.values())
            assert held_names(mirror) == both

    def test_all_gone_at_once_is_not_believed(self, rig: Rig) -> None:
        """A home that is suddenly empty takes nothing away."""
        filled(rig, "one", "two")
        cursor = pull(rig)[-1].checkpoint
        rig.unmake(rig.main)
        with pytest.raises(SuspiciousSnapshot):
            pull(rig, cursor)

    def test_one_that_may_not_be_read_is_left_as_it_is(self, rig: Rig) -> None:
        """When the right to read is withdrawn, what was read stays."""
        filled(rig, "one")
        mirror = Mirror().take(pull(rig))
        rig.wire.amend = lambda asked, body: (
            re.sub(rb"<(\w+:)?privilege>.*?</(\w+:)?privilege>", b"", body, flags=re.DOTALL)
            if asked.method == "PROPFIND"
            else body
        )
        assert live_changes(pull(rig, mirror.cursor)) == []
        assert not any(one.is_read for one in survey(rig.access()).collections)

    def test_the_same_last_segment_twice(self) -> None:
        """Two calendars of one name in two homes have two ids, which stay when one goes."""

        def script(asked: Asked) -> bytes:
            body = "".join(
                f"<d:response><d:href>{asked.path}{name}/</d:href><d:propstat><d:prop><d:resourcetype><c:calendar/>"
                "</d:resourcetype></d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response>"
                for name in ("work", "home")
            )
            return reply(
                207,
                f'<d:multistatus xmlns:d="DAV:" xmlns:c="{CALDAV}">{body}</d:multistatus>'.encode(),
                content_type="application/xml",
            )

        with scripted(script) as server:
            dav = open_dav(a_live_access("dav", url=server.url, allow_private=True), CALENDARS)
            homes = tuple(f"{server.url}{who}/" for who in ("alice", "bob"))
            both = {one.url: one.id for one in dav.collections(Home(homes))}
            assert len(set(both.values())) == 4
            ids = {urlsplit(url).path: name for url, name in both.items()}
            assert {one.id for one in dav.collections(Home(homes[1:]), ids)} == {
                name for url, name in both.items() if "/bob/" in url
            }
            dav.close()


class TestMeetings:
    """What becomes of a resource."""

    def test_it_says_what_a_file_says(self, rig: Rig, tmp_path: Path) -> None:
        """The same bytes in a file and on a server are the same records in the same revisions."""
        body = calendar(
            an_event("one", "RRULE:FREQ=WEEKLY;COUNT=5", "ATTENDEE:mailto:bob@example.com"),
            an_event("one", "RECURRENCE-ID:20261208T080000Z", start="20261208T100000Z", sequence=1),
        )
        rig.put("one.ics", body)
        (tmp_path / "work.ics").write_text(body)
        there = Mirror().take(pull(rig)).held.values()
        here = (
            Mirror()
            .take(live_pages(ics.SPEC, a_live_access("files", files=(str(tmp_path / "work.ics"),))))
            .held
        )
        assert {(one.stamp, one.record) for one in there} == {
            (one.stamp, one.record) for one in here.values()
        }

    def test_an_override_comes_and_goes_by_itself(self, rig: Rig) -> None:
        """A series and its changed occurrence are items of their own; taking the change back removes it alone."""
        series = an_event("s", "RRULE:FREQ=DAILY;COUNT=5")
        moved = an_event("s", "RECURRENCE-ID:20261202T080000Z", start="20261202T100000Z")
        rig.put("s@x.ics", calendar(series))
        mirror = Mirror().take(pull(rig))
        assert held_names(mirror) == {"work:s@x.ics"}
        rig.put("s@x.ics", calendar(series, moved))
        pages = pull(rig, mirror.cursor)
        assert [type(change) for change in live_changes(pages)] == [Upsert]
        assert held_names(mirror.take(pages)) == {"work:s@x.ics", "work:s@x.ics#20261202T080000Z"}
        rig.put("s@x.ics", calendar(series))
        pages = pull(rig, mirror.cursor)
        assert live_changes(pages) == [Tombstone(ExternalId("s@x.ics#20261202T080000Z"))]
        rig.put("s@x.ics", calendar(series, moved))
        mirror.take(pull(rig, mirror.cursor))
        rig.remove("s@x.ics")
        assert held_names(mirror.take(pull(rig, mirror.cursor))) == set()

    def test_a_change_without_a_new_revision_is_seen(self, rig: Rig) -> None:
        """What the server shows now is what counts, whatever its producer did to SEQUENCE and DTSTAMP."""
        mirror = Mirror()
        for sequence, summary in ((3, "First"), (3, "Second"), (1, "Third"), (4, "Fourth")):
            rig.put("one.ics", calendar(an_event("one", sequence=sequence, summary=summary)))
            mirror.take(pull(rig, mirror.cursor))
            [held] = mirror.held.values()
            assert isinstance(held.record, Meeting)
            assert held.record.summary == summary

    def test_a_task_in_a_calendar_is_counted(self, rig: Rig) -> None:
        """A VTODO is no meeting, and is not passed over in silence."""
        rig.make("both", components="VEVENT VTODO")
        todo = calendar("BEGIN:VTODO\nUID:t\nDTSTAMP:20260101T000000Z\nSUMMARY:Buy milk\nEND:VTODO")
        rig.put("t.ics", todo, f"{rig.home}both/")
        changes = [change for page in pull(rig) for change in page.changes]
        assert changes == [Skipped(NOT_A_MEETING)]

    def test_odd_names_are_one(self, rig: Rig) -> None:
        """A member is known by its name however a server spells it, with signs that URLs escape."""
        for name in ("a%40b.ics", "c%20d.ics", "e%2Bf.ics", "%C3%A9.ics", "(1).ics"):
            rig.put(name, calendar(an_event(name.replace("%", "-"))))
        mirror = Mirror().take(pull(rig))
        assert len(mirror.held) == 5
        assert live_changes(pull(rig, mirror.cursor)) == []
        rig.remove("a%40b.ics")
        rig.remove("(1).ics")
        assert len(mirror.take(pull(rig, mirror.cursor)).held) == 3


class TestTime:
    """What moves on though nothing changed."""

    def test_series_reach_further_each_month(self, rig: Rig) -> None:
        """A month later series are read again, and single meetings are not."""
        rig.put("series.ics", calendar(an_event("series", "RRULE:FREQ=MONTHLY")))
        filled(rig, "single")
        access = rig.access()
        mirror = Mirror().take(live_pages(SPEC, access))
        before = {record.uid: len(record.occurrences) for record in meetings(mirror)}
        pages = live_pages(SPEC, later(access, days=31), mirror.cursor)
        assert [type(change) for change in live_changes(pages)] == [Upsert]
        after = {record.uid: len(record.occurrences) for record in meetings(mirror.take(pages))}
        assert after == {"single": 0, "series": before["series"] + 1}
        assert live_changes(live_pages(SPEC, later(access, days=31, hours=1), mirror.cursor)) == []

    def test_other_terms_read_everything_again(self, rig: Rig) -> None:
        """Another zone, or an earlier start, reads all members again and takes nothing away but what is gone."""
        rig.put("floating.ics", calendar(an_event("floating", start="20261201T000000")))
        rig.put("old.ics", calendar(an_event("old", start="20200101T080000Z")))
        filled(rig, "gone")
        mirror = Mirror().take(pull(rig, since=date(2025, 1, 1)))
        assert {record.uid for record in meetings(mirror)} == {"floating", "gone"}
        rig.remove("gone.ics")
        mirror.take(pull(rig, mirror.cursor, since=date(2019, 1, 1), zone="Asia/Tokyo"))
        assert {record.uid for record in meetings(mirror)} == {"floating", "old"}
        asked = len(rig.wire.asked)
        mirror.take(pull(rig, mirror.cursor, since=date(2019, 2, 1), zone="Asia/Tokyo"))
        assert len(rig.wire.asked) == asked + 1


class TestWire:
    """What it costs, and what goes wrong."""

    def test_nothing_new_is_one_request(self, rig: Rig) -> None:
        """A poll of several calendars in which nothing changed asks once."""
        for name in ("a", "b", "c"):
            filled(rig, name, collection=rig.make(name))
        cursor = pull(rig)[-1].checkpoint
        asked = len(rig.wire.asked)
        assert live_changes(pull(rig, cursor)) == []
        assert len(rig.wire.asked) == asked + 1

    def test_without_sync_collection(self, rig: Rig) -> None:
        """A server that cannot tell changes is compared by ctag and etags, to the same end."""

        def meddle(asked: Asked) -> bytes | None:
            return reply(501) if asked.method == "REPORT" and b"sync-collection" in asked.body else None

        rig.wire.meddle = meddle
        rig.wire.amend = lambda asked, body: (
            body if asked.method == "REPORT" else body.replace(b"sync-", b"no-").replace(b"sync_", b"no_")
        )
        filled(rig, "one", "two", "three")
        mirror = Mirror().take(pull(rig))
        asked = len(rig.wire.asked)
        assert live_changes(pull(rig, mirror.cursor)) == []
        assert len(rig.wire.asked) == asked + 1
        rig.remove("two.ics")
        filled(rig, "four")
        rig.put("one.ics", calendar(an_event("one", sequence=1, summary="Changed")))
        pages = pull(rig, mirror.cursor)
        assert sorted(type(change).__name__ for change in live_changes(pages)) == [
            "Tombstone",
            "Upsert",
            "Upsert",
        ]
        assert held_names(mirror.take(pages)) == {"work:one.ics", "work:three.ics", "work:four.ics"}

    def test_without_ctags(self, rig: Rig) -> None:
        """A server that has tokens alone is polled by them, at one request as well."""
        rig.wire.amend = lambda _, body: body.replace(b"getctag", b"nothing")
        filled(rig, "one", "two")
        mirror = Mirror().take(pull(rig))
        asked = len(rig.wire.asked)
        assert live_changes(pull(rig, mirror.cursor)) == []
        assert len(rig.wire.asked) == asked + 1
        rig.remove("two.ics")
        assert held_names(mirror.take(pull(rig, mirror.cursor))) == {"work:one.ics"}

    @pytest.mark.parametrize("status", [400, 413, 500, 504])
    def test_bodies_that_do_not_come_along(self, rig: Rig, status: int) -> None:
        """A server for which list and bodies together are too much is asked for the one and then the others."""
        filled(rig, "one", "two")
        rig.wire.meddle = lambda asked: (
            reply(status) if b"sync-collection" in asked.body and b"calendar-data" in asked.body else None
        )
        assert held_names(Mirror().take(pull(rig))) == {"work:one.ics", "work:two.ics"}
        rig.wire.meddle = lambda asked: (
            reply(429, retry_after="9") if b"sync-collection" in asked.body else None
        )
        with pytest.raises(RateLimited):
            pull(rig)

    @pytest.mark.parametrize("status", [400, 403, 409, 410, 412, 500, 507, 207])
    def test_a_dead_token_costs_a_listing(self, rig: Rig, status: int) -> None:
        """However a server refuses a token, everything is listed once, no body twice, and what is gone is gone."""
        filled(rig, "one", "two", "three")
        mirror = Mirror().take(pull(rig))
        rig.remove("two.ics")
        filled(rig, "four")

        def meddle(asked: Asked) -> bytes | None:
            is_with_token = (
                b"sync-collection" in asked.body and b"<d:sync-token></d:sync-token>" not in asked.body
            )
            other = b'<d:multistatus xmlns:d="DAV:"/>' if status == 207 else b"<d:error xmlns:d='DAV:'/>"
            return reply(status, other, content_type="application/xml") if is_with_token else None

        rig.wire.meddle = meddle
        pages = pull(rig, mirror.cursor)
        assert sorted(type(change).__name__ for change in live_changes(pages)) == ["Tombstone", "Upsert"]
        assert held_names(mirror.take(pages)) == {"work:one.ics", "work:three.ics", "work:four.ics"}

    @pytest.mark.parametrize("status", [401, 429, 503])
    def test_a_token_is_not_given_up_for_other_reasons(self, rig: Rig, status: int) -> None:
        """A server that is busy, or wants the password again, says nothing of the token."""
        filled(rig, "one", "two")
        cursor = pull(rig)[-1].checkpoint
        filled(rig, "three")
        asked_before = len(rig.wire.asked)
        rig.wire.meddle = lambda asked: reply(status, retry_after="9") if asked.method == "REPORT" else None
        with pytest.raises((ReauthRequired, RateLimited)) as caught:
            pull(rig, cursor)
        assert isinstance(caught.value, ReauthRequired) == (status == 401)
        assert sum(asked.method == "REPORT" for asked in rig.wire.asked[asked_before:]) == 1

    def test_a_list_that_is_cut_is_read_on(self, rig: Rig) -> None:
        """507 for the collection itself means that there is more; nothing that was not listed yet is thought gone."""
        names = [f"n{number}" for number in range(7)]
        filled(rig, *names)
        mirror = Mirror().take(pull(rig, since=date(2020, 1, 1)))
        rig.wire.meddle = cut_lists(rig, names, 3)
        assert held_names(Mirror().take(pull(rig))) == {f"work:{name}.ics" for name in names}
        pages = pull(rig, mirror.cursor, zone="Asia/Tokyo")
        assert not any(isinstance(change, Tombstone) for change in live_changes(pages))

    def test_a_list_that_never_ends_ends(self, rig: Rig) -> None:
        """A server that goes on saying that there is more, with the same token, is given up."""
        filled(rig, "one")
        path = rig.main.removeprefix(rig.server.url)
        rig.wire.meddle = lambda asked: (
            multistatus(
                f"<d:response><d:href>/{path}</d:href><d:status>HTTP/1.1 507 X</d:status></d:response>", "t"
            )
            if b"sync-collection" in asked.body
            else None
        )
        with pytest.raises(Transient, match="end"):
            pull(rig)

    def test_without_multiget(self, rig: Rig) -> None:
        """A server that refuses to give many at once is asked for each."""
        filled(rig, "one", "two", "three")
        rig.wire.meddle = lambda asked: reply(403) if b"calendar-data" in asked.body else None
        assert len(Mirror().take(pull(rig)).held) == 3

    def test_a_member_that_breaks_the_answer_is_set_aside(self, rig: Rig) -> None:
        """A character that XML cannot hold spoils the answer for fifty; they are then asked for one by one."""
        filled(rig, "one", "two", "three")
        rig.wire.amend = lambda asked, body: (
            body.replace(b"UID:two", b"UID:two\x0b") if asked.method in {"REPORT", "GET"} else body
        )
        assert len(Mirror().take(pull(rig)).held) == 3

    def test_one_member_that_is_refused_stops_nothing(self, rig: Rig) -> None:
        """A resource that the server will not give is reported, and the others are read."""
        filled(rig, "one", "two", "three")
        rig.wire.meddle = lambda asked: (
            reply(403) if b"calendar-data" in asked.body or asked.path.endswith("two.ics") else None
        )
        mirror = Mirror().take(pull(rig))
        assert held_names(mirror) == {"work:one.ics", "work:three.ics"}
        assert [one.where for one in mirror.unreadable] == ["work, two.ics"]

    def test_a_listing_that_is_suddenly_empty_is_not_believed(self, rig: Rig) -> None:
        """A whole listing without a member takes nothing away where there were several."""
        filled(rig, "one", "two")
        cursor = pull(rig)[-1].checkpoint
        filled(rig, "three")
        rig.wire.meddle = lambda asked: (
            (multistatus("", "new") if b"<d:sync-token></d:sync-token>" in asked.body else reply(403))
            if b"sync-collection" in asked.body
            else None
        )
        with pytest.raises(SuspiciousSnapshot):
            pull(rig, cursor)

    def test_a_home_that_moved_is_found_again(self, rig: Rig) -> None:
        """Where the home is remembered and gone, it is looked for once more."""
        filled(rig, "one")
        mirror = Mirror().take(pull(rig))
        assert mirror.cursor is not None
        moved = Cursor(
            mirror.cursor.replace(rig.home.replace(rig.server.url, rig.wire.url), f"{rig.wire.url}gone/")
        )
        filled(rig, "two")
        assert held_names(mirror.take(pull(rig, moved))) == {"work:one.ics", "work:two.ics"}


@pytest.mark.parametrize("seed", range(8))
def test_dead_tokens_at_random_points(rig: Rig, seed: int) -> None:
    """Whatever dies, and wherever a listing is cut off, in the end everything is held once and nothing else is."""
    chance = random.Random(seed)
    there: dict[str, int] = {}
    mirror = Mirror()
    for step in range(6):
        for _ in range(chance.randint(1, 4)):
            name = f"n{chance.randrange(8)}"
            if name in there and chance.random() < 0.4 and len(there) > 2:
                rig.remove(f"{name}.ics")
                del there[name]
            else:
                there[name] = step
                rig.put(f"{name}.ics", calendar(an_event(name, sequence=step, summary=f"Step {step}")))
        trouble = chance.choice(["none", "token", "cut", "cut"])
        if trouble == "token":
            status = chance.choice([403, 409, 412, 500])
            rig.wire.meddle = lambda asked, status=status: (  # type: ignore[misc]
                reply(status)
                if b"sync-collection" in asked.body and b"<d:sync-token></d:sync-token>" not in asked.body
                else None
            )
        elif trouble == "cut":
            rig.wire.break_off(chance.randrange(6000))
        before = set(mirror.held)
        try:
            mirror.take(rig_pages(rig, mirror.cursor))
        except Transient:
            assert trouble == "cut"
        gone = before - set(mirror.held)
        assert not {str(name).removesuffix(".ics") for _, name in gone} & set(there)
        rig.wire.meddle = lambda _: None
        rig.wire.mend()
    mirror.take(pull(rig, mirror.cursor))
    assert {record.uid: record.summary for record in meetings(mirror)} == {
        name: f"Step {step}" for name, step in there.items()
    }
    assert len(mirror.held) == len(there)


def rig_pages(rig: Rig, cursor: Cursor | None) -> Iterator[Page]:
    """Pages one by one, so that those before a fault are kept."""
    assert SPEC.open_source is not None
    return SPEC.open_source(rig.access()).pull(cursor)


def meetings(mirror: Mirror) -> list[Meeting]:
    return [one.record for one in mirror.held.values() if isinstance(one.record, Meeting)]


def multistatus(responses: str, token: str) -> bytes:
    return reply(
        207,
        f'<d:multistatus xmlns:d="DAV:">{responses}<d:sync-token>{token}</d:sync-token></d:multistatus>'.encode(),
        content_type="application/xml",
    )


def cut_lists(rig: Rig, names: list[str], size: int) -> Callable[[Asked], bytes | None]:
    """Lists of at most `size` members, with 507 as long as there is more (RFC 6578 3.6)."""
    path = "/" + rig.main.removeprefix(rig.server.url)

    def meddle(asked: Asked) -> bytes | None:
        if b"sync-collection" not in asked.body:
            return None
        match = re.search(rb"cut-(\d+)", asked.body)
        start = int(match[1]) if match else 0
        responses = "".join(
            f"<d:response><d:href>{path}{name}.ics</d:href><d:propstat><d:prop><d:getetag>x</d:getetag></d:prop>"
            "<d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response>"
            for name in names[start : start + size]
        )
        if start + size < len(names):
            responses += (
                f"<d:response><d:href>{path}</d:href><d:status>HTTP/1.1 507 X</d:status></d:response>"
            )
        return multistatus(responses, f"cut-{start + size}")

    return meddle
