"""A feed brings what is new, takes away what was called off, and never what is only no longer shown."""

import dataclasses
import ssl
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme

from connectors.feed import SPEC
from schemas.clock import FrozenClock
from schemas.connector import Access, Page, Tombstone, Unreadable, Upsert
from schemas.errors import Missing, ReauthRequired, SuspiciousSnapshot, Transient
from schemas.ids import Cursor
from schemas.interface import SourceReport
from schemas.records import Meeting, SourceRecord
from services.ingest import Ingest
from services.store.unit import Store
from tests.connectors.dav import an_event, calendar
from tests.contract.live_source import (
    SECRET,
    LiveSourceContract,
    Mirror,
    a_live_access,
    live_changes,
    live_pages,
)
from tests.fakes.dav_faults import DavFaults
from tests.fakes.http_script import Asked, Reply, ScriptedServer, reply, scripted
from tests.services.builders import a_book


class FeedServer:
    """A server with one calendar at /team.ics, and an ETag of what it says."""

    def __init__(self, *, tells: bool = True) -> None:
        self.events: dict[str, str] = {}
        self.raw: Reply | None = None
        self.tells = tells
        self._origin = ScriptedServer(self._answer)
        self.wire = DavFaults(self._origin.url, "alice", SECRET)
        self.break_off, self.mend, self.answered = self.wire.break_off, self.wire.mend, self.wire.answered
        self.url = f"{self.wire.url}team.ics"
        self._sequence = 0

    def close(self) -> None:
        self.wire.close()
        self._origin.close()

    def body(self) -> bytes:
        return calendar("X-WR-CALNAME:Team", *self.events.values()).encode()

    def add(self, name: str, /) -> None:
        self.events[name] = an_event(name)

    def change(self, name: str, /) -> bool:
        self._sequence += 1
        self.events[name] = an_event(name, sequence=self._sequence, summary="Changed")
        return True

    def remove(self, name: str, /) -> None:
        del self.events[name]

    def spoil(self) -> bool:
        self.events["bad"] = "BEGIN:VEVENT\nUID:bad\nSUMMARY:When?\nEND:VEVENT"
        return True

    def _answer(self, asked: Asked) -> Reply:
        if asked.path != "/team.ics":
            return reply(404)
        if self.raw is not None:
            return self.raw
        etag = f'"{hash(self.body())}"'
        if self.tells and asked.headers.get("if-none-match") == etag:
            return reply(304, etag=etag)
        more = {"etag": etag} if self.tells else {}
        return reply(200, self.body(), content_type="text/calendar", **more)


@pytest.fixture
def server() -> Iterator[FeedServer]:
    made = FeedServer()
    yield made
    made.close()


def an_access(server: FeedServer, **more: Any) -> Access:
    return a_live_access("feed", **{"url": server.url, "user": "alice", "allow_private": True, **more})


class TestFeed(LiveSourceContract):
    """The promises of every live source."""

    spec = SPEC

    @pytest.fixture
    def server(self) -> Iterator[Any]:
        made = FeedServer()
        yield made
        made.close()

    def access(self, server: Any, **more: Any) -> Access:
        return an_access(server, **more)

    def name_of(self, record: SourceRecord) -> str:
        assert isinstance(record, Meeting)
        return record.uid


def pull(server: FeedServer, cursor: Cursor | None = None, **more: Any) -> list[Page]:
    return live_pages(SPEC, an_access(server, **more), cursor)


def names(mirror: Mirror) -> set[str]:
    return {str(name) for _, name in mirror.held}


@pytest.mark.parametrize("tells", [True, False])
def test_nothing_new_is_one_request(tells: bool) -> None:
    """An unchanged feed costs one request, whether or not its server knows what it said before."""
    server = FeedServer(tells=tells)
    server.add("one")
    cursor = pull(server)[-1].checkpoint
    asked = len(server.wire.asked)
    pages = pull(server, cursor)
    assert len(server.wire.asked) == asked + 1
    assert live_changes(pages) == []
    assert ("if-none-match" in server.wire.asked[-1].headers) == tells
    server.close()


def test_what_is_over_stays_though_no_longer_shown(server: FeedServer) -> None:
    """A feed that keeps the last days only takes no meeting out of history; one called off ahead is taken."""
    server.events = {
        "long-ago": an_event("long-ago", start="20260301T080000Z"),
        "last-week": an_event("last-week", start="20261116T080000Z"),
        "yesterday": an_event("yesterday", start="20261122T080000Z"),
        "ahead": an_event("ahead", start="20261201T080000Z"),
        "later": an_event("later", start="20261202T080000Z"),
        "series": an_event("series", "RRULE:FREQ=WEEKLY", start="20200106T080000Z"),
    }
    mirror = Mirror().take(pull(server))
    for name in ("long-ago", "yesterday", "ahead"):
        server.remove(name)
    mirror.take(pull(server, mirror.cursor))
    assert names(mirror) == {"long-ago", "last-week", "later", "series"}
    server.remove("series")
    mirror.take(pull(server, mirror.cursor))
    assert names(mirror) == {"long-ago", "last-week", "later"}


def test_new_uids_in_every_answer_are_seen_through(server: FeedServer) -> None:
    """A producer that makes UIDs up each time shows the same meetings, which are known again."""
    starts = [f"202612{day:02}T080000Z" for day in range(1, 21)]

    def answer(run: int, *summaries: str) -> None:
        server.events = {
            start: an_event(f"run{run}-{index}", start=start, summary=summary)
            for index, (start, summary) in enumerate(zip(starts, summaries, strict=False))
        }

    answer(1, *"abcdefgh")
    mirror = Mirror().take(pull(server))
    answer(2, *"abcdefgh")
    pages = pull(server, mirror.cursor)
    assert live_changes(pages) == []
    mirror.take(pages)
    answer(3, *"abcdefgx")
    mirror.take(pull(server, mirror.cursor))
    assert sorted(
        one.record.summary for one in mirror.held.values() if isinstance(one.record, Meeting)
    ) == sorted("abcdefgx")


def test_new_stamps_in_every_answer_say_nothing(server: FeedServer) -> None:
    """A DTSTAMP of the time of fetching makes no meeting new."""
    server.events = {name: an_event(name) for name in ("one", "two")}
    cursor = pull(server)[-1].checkpoint
    server.events = {k: v.replace("DTSTAMP:2026", "DTSTAMP:2027") for k, v in server.events.items()}
    assert live_changes(pull(server, cursor)) == []


def test_a_change_without_a_new_revision_is_seen(server: FeedServer) -> None:
    """A producer that counts no revisions, or counts back, is believed all the same."""
    server.events["one"] = an_event("one", sequence=3, summary="First")
    mirror = Mirror().take(pull(server))
    for sequence, summary in ((3, "Second"), (1, "Third"), (4, "Fourth")):
        server.events["one"] = an_event("one", sequence=sequence, summary=summary)
        mirror.take(pull(server, mirror.cursor))
        [held] = mirror.held.values()
        assert isinstance(held.record, Meeting)
        assert held.record.summary == summary


def test_an_item_that_cannot_be_read_is_not_gone(server: FeedServer) -> None:
    """What was held stays when its feed now says it in a way that cannot be understood."""
    server.events = {name: an_event(name) for name in ("one", "two")}
    mirror = Mirror().take(pull(server))
    server.events["two"] = "BEGIN:VEVENT\nUID:two\nDTSTART:someday\nEND:VEVENT"
    pages = pull(server, mirror.cursor)
    assert [type(change) for change in live_changes(pages)] == [Unreadable]
    assert names(mirror.take(pages)) == {"one", "two"}


@pytest.mark.parametrize(
    "answer",
    [
        reply(200, b"<!DOCTYPE html><title>Sign in</title>", content_type="text/html"),
        reply(200, b"", content_type="text/calendar"),
        reply(200, b"Service unavailable", content_type="text/plain"),
        reply(500),
        reply(302, location="/login"),
    ],
)
def test_what_is_no_calendar_takes_nothing_away(server: FeedServer, answer: bytes) -> None:
    """A sign-in page, an empty answer, an error: the pull fails in words, and everything stays."""
    for name in ("one", "two"):
        server.add(name)
    cursor = pull(server)[-1].checkpoint
    server.raw = answer
    with pytest.raises((Transient, Missing)):
        pull(server, cursor)
    server.raw = None
    assert live_changes(pull(server, cursor)) == []


def test_an_empty_calendar_is_not_believed(server: FeedServer, sqlite_store: Store) -> None:
    """A feed that is suddenly empty retires nothing until the owner says so."""
    book = a_book(sqlite_store)
    for name in ("one", "two"):
        server.add(name)

    def ingest() -> SourceReport:
        assert SPEC.open_source is not None
        report = SourceReport("feed", "feed")
        source = SPEC.open_source(an_access(server))
        Ingest(book.store, book.owner, book.clock, "feed", "calendar").run(source, report, [], lambda _: None)
        return report

    assert ingest().added == 2
    events, server.events = server.events, {}
    for _ in range(2):
        with pytest.raises(SuspiciousSnapshot):
            ingest()
    server.events = events
    assert (ingest().added, ingest().deleted) == (0, 0)


def test_series_reach_further_as_time_goes_on(server: FeedServer) -> None:
    """A month later an unchanged feed is read again, and its series have more occurrences."""
    server.events["one"] = an_event("one", "RRULE:FREQ=MONTHLY")
    access = an_access(server)
    mirror = Mirror().take(live_pages(SPEC, access))
    [before] = mirror.held.values()
    later = dataclasses.replace(access, clock=FrozenClock(access.clock.now() + timedelta(days=31)))
    mirror.take(live_pages(SPEC, later, mirror.cursor))
    [after] = mirror.held.values()
    assert isinstance(before.record, Meeting)
    assert isinstance(after.record, Meeting)
    assert len(after.record.occurrences) == len(before.record.occurrences) + 1
    assert after.stamp > before.stamp


def test_many_meetings_come_in_pages(server: FeedServer) -> None:
    """A long feed comes in pages of bounded size, each of which may be the last thing read."""
    for number in range(500):
        server.add(f"n{number}")
    pages = pull(server)
    assert max(len(page.changes) for page in pages) <= 200
    for stop in range(1, len(pages)):
        mirror = Mirror().take(pages[:stop])
        assert names(mirror.take(pull(server, mirror.cursor))) == {f"n{number}" for number in range(500)}


def test_a_feed_without_a_password_is_read(server: FeedServer) -> None:
    """The URL is the secret of most feeds; one that wants a password says so."""
    server.add("one")
    with pytest.raises(ReauthRequired):
        pull(server, user="")
    open_server = ScriptedServer(lambda _: reply(200, server.body(), content_type="text/calendar"))
    pages = pull(server, url=open_server.url, user="")
    assert [type(change) for change in live_changes(pages)] == [Upsert]
    assert SPEC.survey is not None
    survey = SPEC.survey(an_access(server, url=open_server.url, user=""))
    assert [one.name for one in survey.collections] == ["Team"]
    open_server.close()


def test_a_webcal_url_is_https(tmp_path: Path) -> None:
    """webcal:// is asked for over https, and never in the clear."""
    authority, tls = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    with scripted(lambda _: reply(200, calendar(an_event("one")).encode()), tls) as safe:
        url = safe.url.replace("https://", "webcal://")
        access = a_live_access("feed", url=url, allow_private=True, ca_file=str(tmp_path / "ca.pem"))
        assert [type(change) for change in live_changes(live_pages(SPEC, access))] == [Upsert]


def test_a_tombstone_names_what_it_takes(server: FeedServer) -> None:
    """An override that is taken back is taken back alone."""
    server.events["one"] = (
        an_event("one", "RRULE:FREQ=DAILY;COUNT=5")
        + "\n"
        + an_event("one", "RECURRENCE-ID:20261202T080000Z", start="20261202T100000Z")
    )
    mirror = Mirror().take(pull(server))
    assert names(mirror) == {"one", "one/20261202T080000Z"}
    server.events["one"] = an_event("one", "RRULE:FREQ=DAILY;COUNT=5")
    assert live_changes(pull(server, mirror.cursor)) == [Tombstone("one/20261202T080000Z")]  # type: ignore[arg-type]
