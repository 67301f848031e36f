"""Calendars of Microsoft 365 and Outlook.com over Microsoft Graph to meetings; it never writes.

https://learn.microsoft.com/graph/api/event-delta, read 2026-11. What is read when, `_graph_views` tells; what an event says,
`_graph_events`. The same meeting in a calendar file has the same UID and the same recurrence-ids.

Promises: incremental: done, by the delta of a calendar view whose window moves on every month. tombstones: done, each
looked at before it is told. paging: done. 429: done. re-consent: done. wrong account: none here, as the sign-in compares.
revocation: none here, as the sign-in does it. notices: done where `Calendars.Read` was granted, without which Graph takes no
subscription on events (/graph/api/subscription-post-subscriptions); to read, `Calendars.ReadBasic` will do
(/graph/api/event-delta), so that no more is asked for, and calendars are polled.
"""

from collections.abc import Iterator
from datetime import timedelta

from connectors._graph import QUOTAS, require
from connectors._graph_calendars import PERMISSIONS, STREAM, calendars_of, recall, watched
from connectors._graph_channels import watching
from connectors._graph_views import Reading
from connectors._mail_text import clean
from schemas.connector import Access, Collection, ConnectorSpec, Page, Scope, Source, Survey
from schemas.ids import Cursor


class GraphCalendarSource:
    """Reads the chosen calendars of one account."""

    def __init__(self, access: Access) -> None:
        self._access = access

    def pull(self, cursor: Cursor | None, /) -> Iterator[Page]:
        """Yield what changed after the cursor, a stream for each calendar; what is near first.

        Raises:
            CursorExpired: the cursor is none of this connector's.
            Missing: there is none of the calendars that were chosen.
            SuspiciousSnapshot: everything in a calendar is gone at once.
            ConnectorError: Microsoft does not answer as it should.
        """
        require(self._access, *PERMISSIONS)
        yield from Reading(self._access, recall(cursor, self._access)).pages()


def survey(access: Access) -> Survey:
    """Sign in, and tell what calendars there are."""
    require(access, *PERMISSIONS)
    found = calendars_of(access)
    whose = next((one.address for one in found if one.is_default and one.address), "")
    return Survey(
        str(access.settings.get("user") or "") or whose or "nobody",
        tuple(
            Collection(one.id, clean(one.name or ""), "calendar", is_read=one.is_own(whose)) for one in found
        ),
        ("tells what changed since the last look",),
    )


def open_source(access: Access) -> Source:
    """A source over the chosen calendars of an account."""
    return GraphCalendarSource(access)


SPEC = ConnectorSpec(
    name="graph_calendar",
    title="Microsoft calendars",
    stream=STREAM,
    account="microsoft",
    open_source=open_source,
    survey=survey,
    scopes=(
        Scope(
            "Calendars.ReadBasic",
            "Reads when your meetings are, what they are called, and who was asked and said yes: so Kith knows whom you "
            "meet, and what comes up. What is written in an invitation, and its attachments, stay closed to Kith.",
        ),
    ),
    watch=watching(watched),
    interval=timedelta(minutes=5),
    quotas=QUOTAS,
)
