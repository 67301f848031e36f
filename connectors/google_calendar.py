"""Google Calendar to meetings, with events as they are written: a series' master and its exceptions; it never writes.

https://developers.google.com/workspace/calendar/api/guides/sync and /v3/reference/events/list, read 2026-11. Each calendar
is a stream with a sync token of its own, the list of calendars has another. A token is handed out with the last page of a
listing, so a listing that breaks off is begun anew. Of the eight parameters that clash with a token only `timeMin` is used,
in the listings that are asked for one.

    list of calendars -- gone: its meetings go --+
                                                 v
    with a token: what changed -- 410 --> read whole, compared with what is known: what is not there any more goes
    never read: what ends after four weeks ago, then read whole
    a new month: read whole, since series reach a month further, and what a token missed is healed

Masters are told before exceptions, which are named in their terms. A cancelled occurrence of a series is an exception; any
other cancelled event is gone. Where "this and following" ends a series and begins another, the exceptions behind the end
go with it, whether Google says so or not.

Promises: incremental: done, by sync tokens. tombstones: done, also of calendars that the list no longer has. paging: done.
429: done. re-consent: done, also where a permission was not given. wrong account: none here, because the sign-in compares
it. revocation: none here, likewise. notices: done, of each calendar that is read (`_google_channels`).
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from functools import partial

from connectors._channels import end_channels, keep_channels
from connectors._google import CALENDAR, Api, require, scope
from connectors._google_channels import GoogleChannels, stop_channel
from schemas.connector import Access, Channel, Collection, ConnectorSpec, Hook, Page, Quota, Source, Survey
from schemas.ids import Cursor, StreamName

STREAM = StreamName("calendar")
_TITLE = "Google Calendar"
_QUOTA = Quota("calendar", 600, timedelta(minutes=1))
"""https://developers.google.com/workspace/calendar/api/guides/quota: requests of one user in a minute."""


class GoogleCalendarSource:
    """Reads the chosen calendars of one account."""

    def __init__(self, access: Access) -> None:
        self._access = access

    def pull(self, cursor: Cursor | None, /) -> Iterator[Page]:
        """Yield what changed after the cursor, a stream for each calendar.

        Raises:
            CursorExpired: the cursor is none of this connector's.
            Missing: there is none of the calendars that were chosen.
            SuspiciousSnapshot: all of a calendar's events are gone at once.
        """
        from connectors._google_calendars import Reading, recall  # noqa: PLC0415  # likewise

        state = recall(cursor, self._access)
        api = _api(self._access)
        try:
            yield from Reading(self._access, api, state).pages()
        finally:
            api.close()


def _api(access: Access) -> Api:
    require(access, _TITLE, ("calendar.events.readonly",), "read meetings")
    require(access, _TITLE, ("calendar.calendarlist.readonly",), "see calendars")
    return Api(access, CALENDAR, _TITLE, quota=_QUOTA.name)


# ------ connecting

_YOUR_OWN = "your own"
"""What the calendar is shown as that is called like its owner's address."""


def survey(access: Access) -> Survey:
    """Sign in, and tell what calendars there are."""
    from connectors._google_calendars import calendars  # noqa: PLC0415  # 60 ms that mail need not spend

    api = _api(access)
    try:
        entries = calendars(api)
    finally:
        api.close()
    collections = tuple(
        Collection(
            one.key,
            f"{_YOUR_OWN if one.name == one.key else one.name}{'' if one.can_read else ' (free and busy only)'}",
            "calendar",
            is_read=one.is_default,
        )
        for one in entries
    )
    user = next((one.id for one in entries if one.primary), str(access.settings.get("user") or "nobody"))
    return Survey(user, collections, ("tells what changed since the last look",))


def watch(access: Access, hook: Hook | None, standing: Sequence[Channel]) -> tuple[Channel, ...]:
    """Have Google tell of news in each calendar that is read (`ConnectorSpec.watch`)."""
    from connectors._google_calendars import calendars, chosen  # noqa: PLC0415  # likewise

    api = _api(access)
    try:
        if hook is None:
            end_channels(partial(stop_channel, api), standing)
            return ()
        now = access.clock.now()
        places = [one.id for one in chosen(calendars(api), access)]
        return keep_channels(GoogleChannels(api, hook, now), places, standing, now)
    finally:
        api.close()


def open_source(access: Access) -> Source:
    """A source over the chosen calendars of an account."""
    return GoogleCalendarSource(access)


SPEC = ConnectorSpec(
    name="google_calendar",
    title="Google Calendar",
    stream=STREAM,
    account="google",
    open_source=open_source,
    survey=survey,
    watch=watch,
    scopes=(
        scope(
            "calendar.events.readonly",
            "Who you met and when, and whom you meet next, come from your calendar. Kith never writes to it.",
        ),
        scope(
            "calendar.calendarlist.readonly",
            "So that you can choose which of your calendars Kith reads.",
        ),
    ),
    interval=timedelta(minutes=5),
    quotas=(_QUOTA,),
)
