"""One pull of a Gmail account: what changed, then what is older, then what is gone.

News come first, whatever is left of a first reading; of that, the last four weeks. A message is fetched once (the prices
stand in `_gmail_api`), and not at all where it is held already: so a listing made anew after the history was lost costs its
pages and what is missing. What a deletion or the bin took is told by the history; after a whole listing also by absence.
Whether a page token keeps its place while messages go is written nowhere: where the history says that some went, the
listing is made once more, and nothing is gone for having been absent from it.

Every page has a checkpoint, but for those of a listing that may retire something: there the last one has.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, time, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from msgspec import Struct

from connectors._gmail_api import NO_DRAFTS, PAGE, Gmail, Label, ListPage, Touch
from connectors._gmail_letters import Fetching, newest_of
from connectors._gmail_records import Choice, Letter, Letters, fingerprint_of, read_letters
from connectors._gmail_state import BEGINNING, Place, State
from connectors._mail_jobs import compact, decoded, terms_of
from schemas.connector import Access, Change, Page, Tombstone
from schemas.errors import ConnectorError, Missing, Rejected
from schemas.ids import ExternalId, StreamName

STREAM = StreamName("mail")
RECENT = timedelta(days=28)
_HOUR = 3_600
"""By which the spans overlap; whether their borders are within is written nowhere."""
_SLACK = timedelta(days=1)
"""Gmail searches by when it took a mail, Kith asks for when it was written."""
_SMALL_PAGE = 100
"""Where age ends the listing, as what is too old is known by being fetched."""
_MOST_PAGES = 1_000
"""Pages that are listed in one go: half a million messages, for five sixths of a minute's quota."""
_TOMBSTONES = 1_000
_TIMES = 3
"""How often a pull makes a listing because something was taken away during the last; the next pull goes on."""


class View(Struct, frozen=True):
    """A part of the mailbox that is listed for itself: by a label's id, by a query."""

    label: str = ""
    search: str = ""


class _Mark(Struct):
    """What a checkpoint may say once a job's page has come."""

    ids: tuple[str, ...]
    count: int
    place: Place | None = None
    is_end: bool = False
    """The listing has come to its end."""


class Reading:
    """What one pull does."""

    def __init__(self, access: Access, gmail: Gmail, state: State) -> None:
        self._access = access
        self._gmail = gmail
        self._state = state
        self._terms = terms_of(replace(access, since=state.since if state.since > BEGINNING else None))
        self._fetching = Fetching(access, gmail)
        self._todo = dict.fromkeys(state.todo)
        self._seen: set[str] = set()
        self._marks: deque[_Mark] = deque()
        self._trouble: ConnectorError | None = None
        self._labels: dict[str, Label] = {}
        self._choice: Choice | None = None
        self._taken = state.done
        """What has come, or is on its way."""
        self._ends_by_age = not gmail.can_search and self._terms.since is not None
        """Where no search is allowed a page of nothing but mail that is too old ends the listing."""

    def pages(self) -> Iterator[Page]:
        """The pages of the pull, lazily."""
        state = self._state
        if state.history:
            yield from self._catch_up()
        else:
            state.history = self._gmail.profile().history_id
        yield from self._worked(self._news())
        for _ in range(_TIMES):
            if state.place is None and state.is_shifted:
                state.place, state.is_shifted = Place(), False
            if state.place is not None:
                yield from self._worked(self._older(state.place))
            if not state.is_settled:
                yield from self._settle()
        yield self._page([], is_last=True)

    # --- which messages -----------------------------------------------------------------------------------------------

    def _known_labels(self) -> dict[str, Label]:
        """The labels by their ids; asked for once, and only where something is to be fetched or was chosen."""
        if not self._labels:
            self._labels = {one.id: one for one in self._gmail.labels()}
        return self._labels

    def _chosen(self) -> Choice:
        """What is read, by the names or ids of labels in the account's settings.

        Raises:
            Missing: none of the labels that were chosen is there.
        """
        if self._choice is None:
            names = set(self._state.chosen)
            found = frozenset(
                one.id
                for one in (self._known_labels().values() if names else ())
                if {one.id, one.name} & names
            )
            if names and not found:
                told = ", ".join(map(repr, sorted(names)))
                raise Missing(f"Gmail has no label {told}. Check --folders.")
            self._choice = Choice(found)
        return self._choice

    def _views(self) -> list[View]:
        """What is listed, one after the other: the last four weeks, then what is older, of each label that was chosen."""
        chosen = sorted(self._chosen().labels)
        if not self._gmail.can_search:
            return [View(label) for label in chosen or [""]]
        day = datetime.combine(self._state.since, time(), ZoneInfo(self._access.zone)) - _SLACK
        since = f"after:{max(0, int(day.timestamp()))}" if self._state.since > BEGINNING else ""
        # A page token is good for its query alone, so the day that divides the spans stays while it is listed.
        recent = self._state.recent = self._state.recent or int((self._terms.now - RECENT).timestamp())
        spans = [f"after:{recent - _HOUR}", f"{since} before:{recent}"]
        if day.timestamp() > recent:
            spans = [since]
        return [
            View(label, " ".join(f"{'' if chosen else NO_DRAFTS} {span}".split()))
            for span in spans
            for label in chosen or [""]
        ]

    # --- what is there ------------------------------------------------------------------------------------------------

    def _worked(self, jobs: Iterator[Letters]) -> Iterator[Page]:
        """Each job's page; trouble in getting more of them is told once those before it have come.

        Workers take jobs ahead of the answers they give, and what was paid for is not to be thrown away.
        """
        for answer in self._access.workers.map(read_letters, self._untroubled(jobs)):
            mark = self._marks.popleft()
            for one in mark.ids:
                self._todo.pop(one, None)
            if mark.place is not None or mark.is_end:
                self._state.place = mark.place
            self._state.done += mark.count
            yield self._page(decoded(answer))
        if self._trouble is not None:
            raise self._trouble

    def _untroubled(self, jobs: Iterator[Letters]) -> Iterator[Letters]:
        try:
            yield from jobs
        except ConnectorError as error:
            self._trouble = error

    def _job(self, letters: list[Letter], mark: _Mark, held: int = 0) -> Letters:
        self._marks.append(mark)
        self._taken += mark.count
        names = {one.id: one.name for one in self._known_labels().values() if one.type != "system"}
        return Letters(
            self._access.read_text,
            self._terms,
            self._chosen(),
            names,
            self._gmail.headers_only,
            self._state.turn,
            tuple(letters),
            held,
        )

    def _news(self) -> Iterator[Letters]:
        """What changed and was not read yet, the newest first."""
        for letters in self._fetching.fetch(list(self._todo)):
            ids = tuple(one.id for one in letters)
            self._seen.update(ids)
            yield self._job(letters, _Mark(ids, len(ids)))

    def _older(self, place: Place) -> Iterator[Letters]:
        """What the listing names and is not held, from a place on."""
        views = self._views()
        for number in range(place.view, len(views)):
            if number and not self._state.total and not self._ends_by_age:
                # The last weeks were taken; to count the rest costs an id's share of a page.
                ahead = (len(page.messages) for view in views[number:] for page in self._pages_of(view))
                self._state.total = self._taken + sum(islice(ahead, _MOST_PAGES))
            yield from self._listed(views, place if number == place.view else Place(number))

    def _listed(self, views: list[View], place: Place) -> Iterator[Letters]:
        view, size = views[place.view], _SMALL_PAGE if self._ends_by_age else PAGE
        try:
            pages = self._pages_of(view, place.token, size)
            page = next(pages, None)
        except Rejected:
            if not place.token:
                raise
            # The token has ended; what is held of the view's top is passed over.
            place = Place(place.view)
            pages = self._pages_of(view, size=size)
            page = next(pages, None)
        while page is not None:
            ids = [one.id for one in page.messages if one.id not in self._seen]
            unheld = self._unheld(ids)
            held = max(0, len(ids) - len(unheld) - place.count)
            is_recent = not self._ends_by_age or not unheld or len(unheld) < len(page.messages)
            for letters in self._fetching.fetch(unheld):
                self._seen.update(one.id for one in letters)
                is_recent = is_recent or self._is_recent(letters)
                place = Place(place.view, place.token, place.count + len(letters))
                yield self._job(letters, _Mark(tuple(one.id for one in letters), len(letters), place))
            if page.next_page_token and is_recent:
                place = Place(place.view, page.next_page_token)
                yield self._job([], _Mark((), held, place), held)
                page = next(pages, None)
            else:
                following = Place(place.view + 1) if place.view + 1 < len(views) else None
                yield self._job([], _Mark((), held, following, is_end=following is None), held)
                page = None

    def _is_recent(self, letters: list[Letter]) -> bool:
        """Whether one of these messages came since the day from which mail is read, a day's slack given."""
        newest, since = newest_of(letters), self._terms.since
        return newest is None or since is None or newest >= since - _SLACK

    def _pages_of(self, view: View, token: str = "", size: int = PAGE) -> Iterator[ListPage]:
        with_removed = view.label in {"SPAM", "TRASH"}
        return self._gmail.listed(
            label=view.label, search=view.search, token=token, size=size, with_removed=with_removed
        )

    def _unheld(self, ids: list[str]) -> list[str]:
        """Those that are not held as they would be read."""
        asked = [(ExternalId(one), fingerprint_of(one, headers_only=self._gmail.headers_only)) for one in ids]
        answers = self._access.is_held(asked) if asked else ()
        return [one for one, is_held in zip(ids, answers, strict=True) if not is_held]

    # --- what changed -------------------------------------------------------------------------------------------------

    def _catch_up(self) -> Iterator[Page]:
        """Tombstones of what was taken away since; what is to be fetched is noted."""
        touched, reached = self._gmail.changes(self._state.history)
        yield from self._take(touched, reached)

    def _take(self, touched: dict[str, Touch], reached: str) -> Iterator[Page]:
        dead: list[str] = []
        wanted: list[str] = []
        for one, touch in touched.items():
            verdict = self._verdict(touch)
            if verdict is not None:
                (wanted if verdict else dead).append(one)
        for begin in range(0, max(0, len(dead) - _TOMBSTONES), _TOMBSTONES):
            # The point moves on with the last of them only.
            yield self._page([Tombstone(ExternalId(one)) for one in dead[begin : begin + _TOMBSTONES]])
        # Newer messages have greater ids.
        wanted.sort(key=lambda one: (len(one), one), reverse=True)
        self._todo = dict.fromkeys([*wanted, *self._todo])
        for one in dead:
            self._todo.pop(one, None)
        self._state.history = reached
        if not self._state.is_settled:
            self._state.is_shifted |= any(map(self._moves, touched.values()))
        if dead:
            left = dead[(len(dead) - 1) // _TOMBSTONES * _TOMBSTONES :]
            yield self._page([Tombstone(ExternalId(one)) for one in left])

    def _verdict(self, touch: Touch) -> bool | None:
        """Whether a message is to be fetched, or is gone; None where nothing of it matters."""
        if touch.is_deleted:
            return False
        choice = self._chosen()
        moved = touch.gained | touch.lost
        if choice.kept_out(touch.gained - touch.lost):
            return False
        if touch.is_new:
            is_known = touch.labels is not None and not moved
            return None if is_known and choice.refusal(set(touch.labels or ())) else True
        return True if any(choice.decides_by(one) or _is_own(one) for one in moved) else None

    # --- what is gone -------------------------------------------------------------------------------------------------

    def _settle(self) -> Iterator[Page]:
        """List everything, and retire what is held and was not named, if nothing was taken away meanwhile.

        Of a mailbox so large that a minute's quota does not list it nothing is retired so: its history alone tells.
        """
        views = [View(label) for label in sorted(self._chosen().labels) or [""]]
        pages = (page for view in views for page in self._pages_of(view))
        named = [" ".join(one.id for one in page.messages) for page in islice(pages, _MOST_PAGES + 1)]
        if len(named) > _MOST_PAGES:
            self._state.is_settled = True
            return
        touched, reached = self._gmail.changes(self._state.history)
        if self._state.is_shifted or any(map(self._moves, touched.values())):
            yield from self._take(touched, reached)
            yield from self._worked(self._news())
            return
        self._state.is_settled = True
        for number, ids in enumerate(named, 1):
            is_end = number == len(named)
            yield Page(
                (),
                STREAM,
                "snapshot",
                checkpoint=self._state.cursor() if is_end else None,
                last=is_end,
                done=self._state.done,
                total=self._state.done,
                named=tuple(map(ExternalId, ids.split())),
            )

    def _moves(self, touch: Touch) -> bool:
        """Whether it may have taken a message away from where it would be listed, or put it there."""
        decides = self._chosen().decides_by
        return touch.is_deleted or any(map(decides, touch.gained | touch.lost))

    def _page(self, changes: list[Change], *, is_last: bool = False) -> Page:
        state = self._state
        state.todo = list(self._todo)
        total = max(state.total, state.done) if state.total else 0
        return Page(
            compact(changes),
            STREAM,
            checkpoint=state.cursor(),
            last=is_last,
            done=state.done,
            total=state.done if is_last else total,
        )


def _is_own(label: str) -> bool:
    """Whether a label is one of the owner's own, of which a record tells; ids of system labels are in capitals."""
    return not label.isupper()
