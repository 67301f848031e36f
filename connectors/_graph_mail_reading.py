"""One pull of a mailbox at Microsoft Graph: news, the last four weeks, all the rest; then what is gone.

    new  --- the last weeks listed, newest first ---> walk --- a delta to its end ---> live --- changes --->
                                                       ^                                |
                                                       +---- that delta has ended ------+

A delta with a filter ends at 5,000 messages, and one without walks the whole folder before it tells of news: so the last
weeks of all folders are listed first, and then one folder after the other is walked (each delta ages the others' links,
so that they are not read in turns). A walk names everything that there is; what was held before and is not named by it
is gone. What is held already costs a walk nothing but its row.

A message that left a folder is gone only when it is in none: one that no other folder has named is asked for by its id,
which stays as it is wherever it is moved. Until that is known, and on every page's checkpoint, it is held.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from msgspec import Raw, Struct

from connectors._graph import BATCH, Graph, Rows, Said, pages_from
from connectors._graph_folders import Folder, chosen_folders, folders_ask, gone_for_good, see_folders
from connectors._graph_items import Withheld
from connectors._graph_letters import SELECT, Letters, Mail, id_of, mail_in, name_in, number_of, read_letters
from connectors._graph_mail_rows import Mailbox, Sorted, delta_ask
from connectors._graph_mail_state import BEGINNING, Phase, Seen, State
from connectors._http import TooLarge
from connectors._mail_jobs import compact, decoded, terms_of
from schemas.connector import Access, Change, Page, Tombstone, Unreadable
from schemas.errors import ConnectorError, CursorExpired, Missing, Transient
from schemas.ids import StreamName, key64

STREAM = "mail"
RECENT = timedelta(days=28)
_OVERLAP = timedelta(hours=1)
"""How much further back news is looked for, as Exchange's clock is not ours."""
_WALK = {"$select": SELECT, "$orderby": "receivedDateTime desc"}
_PIECE = 100
_TOMBSTONES = 1_000
_PLAUSIBLE = 5
"""Where more than one in so many of a folder's messages seem gone, the folder is looked at once more."""
_CHECKPOINTS = 20
"""A cursor grows with the mailbox: it is written once this share of it is new, and not with every page."""


class _Mark(Struct):
    """What a checkpoint may say once the page of its job has come."""

    run: "_Run"
    told: Sequence[int] = ()
    untold: Sequence[int] = ()
    leaving: Sequence[str] = ()
    link: str | None = None
    phase: Phase | None = None
    looked: str = ""
    begins_walk: bool = False
    is_doubtful: bool = False
    is_job: bool = True


class _Verdict(Struct, frozen=True):
    """Of a message that was said to leave a folder: whether it did."""

    one: str
    is_gone: bool


class _Run:
    """One folder in one pull. `taken` counts what is on its way as well as what has come."""

    def __init__(self, folder: Folder, seen: Seen) -> None:
        self.folder = folder
        self.seen = seen
        self.taken = set(seen.told.held) if seen.is_stale else seen.told.held | seen.untold.held
        self.has_walked = False
        self.is_missing = False
        self.arrived: list[Mail] = []
        self.verdicts: list[_Verdict] = []


class Reading:
    """What one pull does."""

    def __init__(self, access: Access, graph: Graph, state: State) -> None:
        self._access = access
        self._state = state
        self._terms = terms_of(replace(access, since=state.since if state.since > BEGINNING else None))
        self._box = Mailbox(access, graph, self._terms, turn=state.turn, headers_only=state.headers_only)
        self._marks: deque[_Mark] = deque()
        self._fault: ConnectorError | None = None
        self._troubles: list[Unreadable] = []
        self._done = self._total = self._unwritten = 0

    def pages(self) -> Iterator[Page]:
        """The pages of the pull, lazily."""
        runs, polled = self._begin()
        yield from self._read(self._news(runs, polled))
        yield from self._read(self._walks(runs))
        if any(run.has_walked for run in runs):
            # A walk takes long: what was moved meanwhile is to be where it went before it is missed where it was.
            yield from self._read(self._poll(runs, {}))
        yield from self._departures(runs)
        for run in runs:
            yield from self._missed(run)
        yield from self._forgotten(runs)
        if self._fault is not None:
            # What was found out is to be known to the next pull.
            yield self._page("", self._troubles, is_end=True)
            raise self._fault
        self._total = self._done
        yield self._page("", self._troubles, is_end=True, is_last=True)

    # ------ which folders

    def _begin(self) -> tuple[list[_Run], dict[str, Said]]:
        """The folders to be read, and by the same request what is new in those that are followed."""
        state = self._state
        state.keep_links(self._box.graph.is_own)
        live = [name for name, seen in state.folders.items() if seen.phase == "live"][: BATCH - 1]
        said = self._box.batch([folders_ask(state), *(delta_ask(state.folders[name].link) for name in live)])
        try:
            first = said[0].read(Rows)
        except CursorExpired:
            first = None
        self._troubles += see_folders(self._box.graph, state, first)
        names = [str(name) for name in self._access.settings.get("folders") or ()]
        chosen = chosen_folders(state, names)
        runs = [_Run(folder, state.folders.setdefault(folder.id, Seen())) for folder in chosen]
        self._done = sum(run.seen.count() for run in runs)
        self._total = sum(max(state.tree[run.folder.id].count, run.seen.count()) for run in runs)
        return runs, dict(zip(live, said[1:], strict=True))

    # ------ what is there

    def _news(self, runs: Sequence[_Run], polled: dict[str, Said]) -> Iterator[Letters]:
        yield from self._poll(runs, polled)
        for run in runs:
            if run.seen.phase != "live":
                yield from self._list(run)

    def _poll(self, runs: Sequence[_Run], polled: dict[str, Said]) -> Iterator[Letters]:
        """What has changed in the folders that are followed."""
        live = [run for run in runs if run.seen.phase == "live"]
        for run in live:
            if run.folder.id in polled:
                yield from self._changes(run, polled[run.folder.id])
        rest = [run for run in live if run.folder.id not in polled]
        for begin in range(0, len(rest), BATCH):
            some = rest[begin : begin + BATCH]
            told = self._box.batch([delta_ask(run.seen.link) for run in some])
            for run, said in zip(some, told, strict=True):
                yield from self._changes(run, said)

    def _changes(self, run: _Run, said: Said) -> Iterator[Letters]:
        """One round of a delta that is followed, whose first page is here."""
        try:
            is_cut = isinstance(said.error, TooLarge)
            first = self._box.rows(run.seen.link) if is_cut else said.read(Rows)
            for rows in pages_from(first, self._box.rows):
                came = self._sorted(run, rows)
                link = rows.next_link or _end_of(rows)
                is_job = bool(came.job.letters or came.job.skipped or came.leaving)
                self._marks.append(_Mark(run, told=came.read, leaving=came.leaving, link=link, is_job=is_job))
                if is_job:
                    yield came.job
        except CursorExpired:
            self._marks.append(_Mark(run, link="", phase="walk", is_doubtful=True, is_job=False))
        except Missing:
            run.is_missing = True

    def _list(self, run: _Run) -> Iterator[Letters]:
        """The last weeks of a folder that is new, or what came to one that is being walked; newest first."""
        seen, is_new = run.seen, run.seen.phase == "new"
        now = self._terms.now.astimezone(UTC)
        since = max(now - RECENT, (self._terms.since or now - RECENT).astimezone(UTC))
        if not is_new and seen.looked:
            since = datetime.fromisoformat(seen.looked) - _OVERLAP
        query = {
            "$select": SELECT,
            "$filter": f"receivedDateTime ge {since:%Y-%m-%dT%H:%M:%SZ}",
            "$orderby": "receivedDateTime desc",
        }
        link = seen.link if is_new else ""
        try:
            first = self._box.rows(link) if link else self._box.rows(f"{run.folder.way}/messages", query)
            for rows in pages_from(first, self._box.rows):
                came = self._sorted(run, rows)
                mark = _Mark(run, untold=came.read, link=rows.next_link if is_new else None)
                if not rows.next_link:
                    mark.looked, mark.phase = now.isoformat(), "walk"
                self._marks.append(mark)
                yield came.job
        except CursorExpired:
            # The walk names what this did not.
            self._marks.append(_Mark(run, link="" if is_new else None, phase="walk", is_job=False))
        except Missing:
            run.is_missing = True

    def _walks(self, runs: Sequence[_Run]) -> Iterator[Letters]:
        for run in runs:
            if run.seen.phase == "walk" and not run.is_missing:
                yield from self._walk(run)

    def _walk(self, run: _Run) -> Iterator[Letters]:
        """All that is in a folder, by a delta that is followed from then on; one that ends is begun anew, once."""
        for link in (run.seen.link, ""):
            try:
                first = self._box.rows(link) if link else self._box.rows(_delta(run.folder), _WALK)
                yield from self._walk_from(run, first, begins=not link)
            except CursorExpired as error:
                fault = error
            except Missing:
                run.is_missing = True
                return
            else:
                return
        raise Transient("Microsoft ends its list of a folder before it is read. Kith tries again.") from fault

    def _walk_from(self, run: _Run, first: Rows, *, begins: bool) -> Iterator[Letters]:
        for rows in pages_from(first, self._box.rows):
            came = self._sorted(run, rows)
            link = rows.next_link or _end_of(rows)
            run.has_walked = not rows.next_link
            mark = _Mark(run, told=came.read, leaving=came.leaving, link=link, begins_walk=begins)
            mark.phase = "live" if run.has_walked else "walk"
            self._marks.append(mark)
            begins = False
            yield came.job

    def _sorted(self, run: _Run, rows: Rows) -> Sorted:
        return self._box.sort(run.folder, rows.value, run.taken)

    # ------ what came of it

    def _read(self, jobs: Iterator[Letters]) -> Iterator[Page]:
        """Each job's page, and what may be noted with it; what went wrong is raised when all that came is told."""
        for answer in self._access.workers.map(read_letters, self._until_fault(jobs)):
            self._settle_marks()
            mark = self._marks.popleft()
            self._settle(mark)
            self._settle_marks()
            yield self._page(mark.run.folder.id, decoded(answer))
        self._settle_marks()
        if self._fault is not None:
            raise self._fault

    def _until_fault(self, jobs: Iterator[Letters]) -> Iterator[Letters]:
        # Workers take jobs ahead: an error raised through them would lose the pages that they have not given back.
        try:
            yield from jobs
        except ConnectorError as error:
            self._fault = error

    def _settle_marks(self) -> None:
        """Note what may be noted before the next job's answer has come."""
        while self._marks and not self._marks[0].is_job:
            self._settle(self._marks.popleft())

    def _settle(self, mark: _Mark) -> None:
        seen = mark.run.seen
        before = seen.count()
        if mark.begins_walk:
            seen.begin_walk()
        if mark.told:
            seen.untold.drop(mark.told)
            seen.told.add(mark.told)
        if mark.untold:
            seen.untold.add(number for number in mark.untold if number not in seen.told.held)
        known = set(seen.leaving)
        seen.leaving += [one for one in mark.leaving if one not in known]
        seen.link = seen.link if mark.link is None else mark.link
        seen.looked = mark.looked or seen.looked
        seen.is_doubtful = seen.is_doubtful or mark.is_doubtful
        seen.phase = mark.phase or seen.phase
        if seen.phase == "live":
            seen.is_stale = False
        self._done += max(0, seen.count() - before)

    # ------ what is gone

    def _departures(self, runs: Sequence[_Run]) -> Iterator[Page]:
        """What is said to have left, some at a time: however much that is, each pull settles what it can ask for."""
        leaving = [(run, one) for run in runs for one in run.seen.leaving]
        for begin in range(0, len(leaving), _PIECE):
            try:
                self._look_for(runs, leaving[begin : begin + _PIECE])
            except ConnectorError:
                yield self._page("", self._troubles, is_end=True)
                raise
            yield from self._read(self._arrivals(runs))
            for run in runs:
                yield from self._left(run)

    def _look_for(self, runs: Sequence[_Run], leaving: Iterable[tuple[_Run, str]]) -> None:
        """Judge what is said to have left, and note what was found elsewhere as arrived there."""
        by_folder = {run.folder.id: run for run in runs}
        unsure: list[tuple[_Run, str]] = []
        for run, one in leaving:
            number = number_of(one)
            if not run.seen.holds(number):
                run.verdicts.append(_Verdict(one, is_gone=False))
            elif any(other is not run and other.seen.claims(number, one) for other in runs):
                run.verdicts.append(_Verdict(one, is_gone=True))
            else:
                unsure.append((run, one))
        for (run, one), said in zip(unsure, self._box.mails([one for _, one in unsure]), strict=True):
            if isinstance(said.error, Missing):
                run.verdicts.append(_Verdict(one, is_gone=True))
            elif isinstance(said.error, Withheld):
                # It is held until all is named anew.
                run.verdicts.append(_Verdict(one, is_gone=False))
                self._troubles.append(
                    Unreadable(f"{run.folder.path}, message {id_of(number_of(one))}", str(said.error))
                )
            elif said.error is not None:
                # It stays among those that are looked for.
                self._fault = said.error
            else:
                mail = mail_in(Raw(said.told()))
                there = by_folder.get(mail.parent_folder_id or "") if mail is not None else run
                if mail is not None and there is not None and there is not run:
                    there.arrived.append(mail)
                run.verdicts.append(_Verdict(one, is_gone=there is not run))

    def _arrivals(self, runs: Sequence[_Run]) -> Iterator[Letters]:
        for run in runs:
            if not run.arrived:
                continue
            came = self._box.take(run.folder, run.arrived, run.taken)
            run.arrived = []
            mark = _Mark(run, untold=came.read)
            if run.seen.phase == "live":
                mark.told, mark.untold = came.read, ()
            self._marks.append(mark)
            yield came.job

    def _left(self, run: _Run) -> Iterator[Page]:
        """Tombstones of what has left a folder, now that it is where it went."""
        settled = {verdict.one for verdict in run.verdicts}
        gone = [number_of(verdict.one) for verdict in run.verdicts if verdict.is_gone]
        run.verdicts = []
        run.seen.leaving = [one for one in run.seen.leaving if one not in settled]
        yield from self._retired(run.folder.id, run.seen, gone)

    def _missed(self, run: _Run) -> Iterator[Page]:
        """Tombstones of what a whole walk did not name."""
        seen = run.seen
        if seen.phase != "live" or run.is_missing or (seen.is_doubtful and run.has_walked):
            # After a delta that ended the next pull decides: what was moved just then has come by that.
            return
        seen.is_doubtful = False
        missing = list(seen.untold.held)
        if len(missing) * _PLAUSIBLE > seen.count() and self._newest(run) in seen.untold.held:
            seen.walk_again()
            self._fault = Transient(
                "Microsoft did not name all that is in a folder. Kith reads it again, and takes nothing away."
            )
            return
        yield from self._retired(run.folder.id, seen, missing)

    def _newest(self, run: _Run) -> int:
        query = {"$select": "id,receivedDateTime", "$orderby": "receivedDateTime desc", "$top": "1"}
        rows = self._box.graph.get(f"{run.folder.way}/messages", Rows, query).value
        return number_of(name_in(rows[0])) if rows else -1

    def _forgotten(self, runs: Sequence[_Run]) -> Iterator[Page]:
        """Tombstones of folders that are gone, or are read no more."""
        state = self._state
        read = {run.folder.id for run in runs if not run.is_missing}
        suspects = [name for name in state.folders if name not in read]
        unlisted = [name for name in suspects if name not in state.tree]
        silent = [run.folder.id for run in runs if run.is_missing]
        gone = set(gone_for_good(self._box.graph, state, [*unlisted, *silent]))
        for name in suspects:
            if name in silent and name not in gone:
                path = next(run.folder.path for run in runs if run.folder.id == name)
                self._troubles.append(Unreadable(path, "Microsoft does not tell what is in this folder"))
            elif name in gone or name not in unlisted:
                seen = state.folders[name]
                yield from self._retired(name, seen, [*seen.told.held, *seen.untold.held])
                del state.folders[name]

    def _retired(self, folder: str, seen: Seen, numbers: Sequence[int]) -> Iterator[Page]:
        for begin in range(0, len(numbers), _TOMBSTONES):
            some = numbers[begin : begin + _TOMBSTONES]
            seen.told.drop(some)
            seen.untold.drop(some)
            yield self._page(folder, [Tombstone(id_of(number)) for number in some])

    def _page(
        self, folder: str, changes: Iterable[Change], *, is_end: bool = False, is_last: bool = False
    ) -> Page:
        """The page; a folder's stream is by its id, as names are changed."""
        told = compact(list(changes))
        self._unwritten += len(told)
        size = sum(seen.count() for seen in self._state.folders.values())
        checkpoint = None
        if is_end or self._unwritten * _CHECKPOINTS >= size:
            checkpoint = self._state.cursor()
            self._unwritten = 0
        name = f"{STREAM}/{key64(folder):016x}" if folder else STREAM
        return Page(
            told,
            StreamName(name),
            checkpoint=checkpoint,
            last=is_last,
            done=self._done,
            total=max(self._total, self._done),
        )


def _delta(folder: Folder) -> str:
    return f"{folder.way}/messages/delta"


def _end_of(rows: Rows) -> str:
    """The link by which a delta is followed.

    Raises:
        Transient: it has none.
    """
    if not rows.delta_link:
        raise Transient("Microsoft's list of changes has no end and no next page. Kith tries again.")
    return rows.delta_link
