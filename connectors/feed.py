"""A calendar feed: one iCalendar file at a URL (webcal, "secret address", "subscribe") to meetings; it never writes.

A feed says nothing of what it no longer shows: a meeting that was called off, one that its producer keeps no longer
because it is over, and one that got another UID since the last time look the same. So the cursor holds what each item
said. What is missing is gone when it lies ahead, or within what the feed still reaches back to; a meeting that is over
and older than anything the feed shows happened, and stays. An item that says the same under another UID is the same.
A feed that shows nothing at all any more is a snapshot of nothing, which ingest refuses to believe.

Promises: incremental: by ETag and Last-Modified, and by what was said. tombstones: done, by comparison. paging: done.
429: done. re-consent: none, because the URL is the secret (a password is asked for where it is refused). wrong account,
revocation: none, because there is no account.
"""

from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from io import BytesIO
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct, field, structs

from connectors._http import Answer, Http, Login
from connectors._ical_zones import Zones, known_zone, to_utc
from connectors._revisions import Kept, digest_of, revised
from schemas.clock import epoch
from schemas.connector import (
    Access,
    Change,
    Collection,
    ConnectorSpec,
    Page,
    Source,
    Survey,
    Tombstone,
    Unreadable,
    Upsert,
)
from schemas.errors import CursorExpired, Transient
from schemas.ids import Cursor, ExternalId, StreamName
from schemas.records import Meeting

if TYPE_CHECKING:
    from connectors._ical_outline import Outline

STREAM = StreamName("calendar")
PAGE_SIZE = 200


class _Item(Struct, array_like=True):
    """What an item last said, when it is over (seconds since 1970), and the hash of its UID."""

    kept: Kept
    ends: int
    uid: int


class _Found(Struct):
    """What a feed shows now, by external id, with the hashes of the UIDs; and those of UIDs that cannot be read."""

    items: dict[str, tuple[Upsert, int]]
    others: list[Change]
    unreadable: set[int]


class _State(Struct, forbid_unknown_fields=True):
    """All that is remembered; `etag`, `modified` and `digest` are those of the last answer read to its end."""

    terms: str
    url: str
    etag: str = ""
    modified: str = ""
    digest: str = ""
    items: dict[str, _Item] = field(default_factory=dict)

    def cursor(self) -> Cursor:
        return Cursor(msgspec.json.encode(self).decode())


class FeedSource:
    """Reads one feed; one that has not changed costs a request."""

    def __init__(self, access: Access) -> None:
        self._access = access
        from connectors._ical import window_end  # noqa: PLC0415  # 60 ms that mail need not spend

        self._until = window_end(access.clock.now())

    def pull(self, cursor: Cursor | None, /) -> Iterator[Page]:
        """Yield what the feed says that it did not say before.

        Raises:
            CursorExpired: the cursor is none of this connector's.
            Transient: what came is no calendar.
        """
        state = self._recall(cursor)
        headers = {}
        if state.etag:
            headers["If-None-Match"] = state.etag
        if state.modified:
            headers["If-Modified-Since"] = state.modified
        answer = _fetch(self._access, headers)
        digest = blake2b(answer.body, digest_size=16).hexdigest()
        if answer.status == 304 or digest == state.digest:  # not every server knows what it said before
            yield Page((), STREAM, checkpoint=state.cursor(), last=True)
            return
        found = self._read(answer.body)
        yield from self._changed(state, found)
        state.etag = answer.headers.get("etag", "")
        state.modified = answer.headers.get("last-modified", "")
        state.digest = digest
        yield self._last(state, found)

    def _changed(self, state: _State, found: _Found) -> Iterator[Page]:
        """Pages of what is new or says something else; each may be the last thing read, since all is compared again."""
        _keep_ids(state, found)
        changes = found.others
        for done, (name, (upsert, uid)) in enumerate(found.items.items(), 1):
            old = state.items.get(name)
            kept = revised(None if old is None else old.kept, _nameless(upsert), upsert.stamp)
            if kept is not None:
                changes.append(Upsert(ExternalId(name), upsert.record, kept.stamp))
                state.items[name] = _Item(kept, self._span(upsert)[1], uid)
            if len(changes) >= PAGE_SIZE:
                yield Page(
                    tuple(changes), STREAM, checkpoint=state.cursor(), done=done, total=len(found.items)
                )
                changes = []
        yield Page(
            tuple(changes),
            STREAM,
            checkpoint=state.cursor(),
            done=len(found.items),
            total=len(found.items),
        )

    def _last(self, state: _State, found: _Found) -> Page:
        """The page that takes away what is gone; what is over and stays is no longer thought of."""
        now = epoch(self._access.clock.now())
        singles = [upsert for upsert, _ in found.items.values() if not _meeting(upsert).is_series]
        reach = min([now, *(self._span(upsert)[0] for upsert in singles)])
        missing = [
            (name, item.ends)
            for name, item in state.items.items()
            if name not in found.items and item.uid not in found.unreadable
        ]
        gone = [name for name, ends in missing if ends > reach]
        for name, _ in missing:
            del state.items[name]
        is_empty = not found.items and not found.unreadable
        return Page(
            () if is_empty else tuple(Tombstone(ExternalId(name)) for name in gone),
            STREAM,
            mode="snapshot" if is_empty else "delta",
            checkpoint=state.cursor(),
            last=True,
            done=len(found.items),
            total=len(found.items),
        )

    def _read(self, body: bytes) -> _Found:
        from connectors._ical import Surroundings, read_group  # noqa: PLC0415  # likewise
        from connectors._ical_outline import groups_of  # noqa: PLC0415

        stream, outline = _outline(body, self._access)
        zone = self._access.zone
        surroundings = Surroundings(
            "the feed", zone, self._until, self._access.since, outline.calendar or _host(self._access)
        )
        zones = Zones(zone, outline.zones)
        found = _Found({}, [], set())
        for places in groups_of(outline):
            uid = outline.uids[places[0]]
            for change in read_group(stream, outline, places, surroundings, zones):
                if not isinstance(change, Upsert):
                    found.others.append(change)
                    if isinstance(change, Unreadable):
                        found.unreadable.add(uid)
                elif change.id not in found.items or found.items[change.id][0].stamp <= change.stamp:
                    found.items[change.id] = (change, uid)
        return found

    def _span(self, upsert: Upsert) -> tuple[int, int]:
        """Start and end of a meeting, of a series its first and its last, in seconds since 1970."""
        meeting, zone = _meeting(upsert), known_zone(self._access.zone) or UTC
        ends = [meeting.ends_at, *(one.ends_at for one in meeting.occurrences[-1:])][-1]

        def seconds(moment: datetime) -> int:
            return epoch(moment if moment.tzinfo else to_utc(moment, zone))

        return seconds(meeting.starts_at), seconds(ends)

    def _recall(self, cursor: Cursor | None) -> _State:
        access = self._access
        terms, url = f"feed 1 {self._until:%Y%m} {access.zone} {access.since or ''}", _url(access)
        if cursor is None:
            return _State(terms, url)
        try:
            state = msgspec.json.decode(cursor, type=_State)
        except (msgspec.DecodeError, UnicodeEncodeError):
            raise CursorExpired("The place where reading stopped is unreadable; all is read anew.") from None
        if (state.terms, state.url) != (terms, url):
            state = _State(terms, url, items=state.items)
        return state


def _keep_ids(state: _State, found: _Found) -> None:
    """Know items again whose producer makes new UIDs for every answer: by what they say."""
    missing = [name for name in state.items if name not in found.items]
    if not missing or len(missing) * 2 <= len(state.items):
        return
    by_digest = {state.items[name].kept.digest: name for name in missing}
    renamed: dict[str, tuple[Upsert, int]] = {}
    for name, (upsert, uid) in found.items.items():
        old = None if name in state.items else by_digest.pop(digest_of(_nameless(upsert)), None)
        renamed[old or name] = (upsert, uid)
    found.items = renamed


def _meeting(upsert: Upsert) -> Meeting:
    if not isinstance(upsert.record, Meeting):
        raise TypeError("calendars hold meetings")
    return upsert.record


def _nameless(upsert: Upsert) -> Meeting:
    return structs.replace(_meeting(upsert), uid="")


# ------ the wire


def _url(access: Access) -> str:
    url = str(access.settings.get("url") or "")
    scheme, mark, rest = url.partition("://")
    return f"https://{rest}" if mark and scheme.lower() in {"webcal", "webcals"} else url


def _host(access: Access) -> str:
    return urlsplit(_url(access)).hostname or ""


def _fetch(access: Access, headers: Mapping[str, str]) -> Answer:
    user = str(access.settings.get("user") or "")
    auth = Login(user, access.secret) if user else None
    url = _url(access)
    with closing(Http(access, base=url, auth=auth)) as http:
        return http.request(
            "GET", url, headers={"Accept": "text/calendar", **headers}, expect="data", allow=(304,)
        )


def _outline(body: bytes, access: Access) -> tuple[BytesIO, "Outline"]:
    from connectors._ical_outline import outline_of  # noqa: PLC0415  # likewise

    stream = BytesIO(body)
    outline = outline_of(stream)
    if not outline.has_calendar:
        raise Transient(
            f"{_host(access)} sent something else than a calendar. Nothing was removed. Open the feed's URL in a browser."
        )
    return stream, outline


def open_source(access: Access) -> Source:
    """A source over the feed of an account, by its settings `url` and, where it wants a sign-in, `user`."""
    return FeedSource(access)


def survey(access: Access) -> Survey:
    """Fetch the feed once, and tell its name."""
    answer = _fetch(access, {})
    _, outline = _outline(answer.body, access)
    name = outline.calendar or _host(access)
    tells = [name for name in ("etag", "last-modified") if name in answer.headers]
    return Survey(
        str(access.settings.get("user") or "") or _host(access),
        (Collection("feed", name, "calendar"),),
        (f"tells whether it changed ({', '.join(tells)})" if tells else "is fetched whole every time",),
    )


SPEC = ConnectorSpec(
    name="feed",
    title="Calendar feed (a URL ending in .ics)",
    stream=STREAM,
    account="feed",
    open_source=open_source,
    survey=survey,
    interval=timedelta(minutes=15),
)
