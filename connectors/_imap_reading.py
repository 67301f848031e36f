"""One pull of an IMAP account: what is new, then what is older, then what is gone.

The order is the promise. News of all folders and the last four weeks come first, whatever is left of a first reading;
then that goes on, in steps back through time, each over all folders; tombstones come last, when all that is there was
read: so a message that was moved is never gone before it has come again, and an interrupted reading takes nothing away.

Every page has a checkpoint. It counts what came in pages up to it, never what is merely on its way.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from msgspec import Struct

from connectors._imap_folders import (
    Folder,
    Opened,
    Standing,
    is_listed,
    is_read,
    list_folders,
    open_folder,
    standings_of,
)
from connectors._imap_letters import Letters as Fetching
from connectors._imap_records import Letters, id_of, read_letters
from connectors._imap_session import Refused, Session
from connectors._imap_state import BEGINNING, Seen, State
from connectors._imap_uids import UidSet
from connectors._mail_jobs import compact, decoded, terms_of
from connectors._mime import Terms
from schemas.connector import Access, Change, Page, Tombstone, Unreadable
from schemas.errors import Missing, Rejected, Transient
from schemas.ids import StreamName

STREAM = "mail"
RECENT = timedelta(days=28)
_STEPS = (timedelta(days=90), timedelta(days=365))
_TOMBSTONES = 1_000
_PLAUSIBLE = 5
"""Where more than one in so many of a folder's messages seem gone, the server is asked once more."""
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class _Mark(Struct):
    """What a checkpoint may say once everything before it has come: read UIDs, or a day read back to."""

    run: "_Run"
    read: UidSet | None = None
    reach: date | None = None
    is_job: bool = False


class _Run:
    """One folder in one pull. `taken` counts what is on its way as well as what has come."""

    def __init__(self, folder: Folder, seen: Seen) -> None:
        self.folder = folder
        self.seen = seen
        self.taken = seen.read
        self.opened: Opened | None = None
        self.news = 0
        self.older = UidSet()


class Reading:
    """What one pull does with a session."""

    def __init__(self, access: Access, session: Session, state: State) -> None:
        self._access = access
        self._session = session
        self._state = state
        self._terms: Terms = terms_of(replace(access, since=state.since if state.since > BEGINNING else None))
        self._fetching = Fetching(session, access.account, headers_only=state.headers_only)
        self._today = self._terms.now.astimezone(ZoneInfo(access.zone)).date()
        self._marks: deque[_Mark] = deque()
        self._selected: _Run | None = None
        self._troubles: list[Unreadable] = []
        self._done = 0
        self._total = 0
        self._is_total_known = False

    def pages(self) -> Iterator[Page]:
        """The pages of the pull, lazily."""
        # Standings are asked for to be compared; a first reading has nothing to compare them with.
        knows = any(seen.messages >= 0 for seen in self._state.folders.values())
        listed = list_folders(self._session, with_standing=knows)
        chosen = self._chosen(listed)
        if knows:
            chosen = standings_of(self._session, chosen)
        runs = self._runs(chosen)
        self._done = sum(len(run.seen.read) for run in runs)
        self._total = self._done
        # Two readings, as workers take some jobs ahead before they give the first answer: the news do not wait for those.
        yield from self._read(self._news(runs))
        self._is_total_known = True
        yield from self._read(self._older(runs))
        for run in runs:
            yield from self._gone(run)
        yield from self._forgotten({folder.name for folder in chosen}, {folder.name for folder in listed})
        self._total = self._done
        yield self._page("", list(self._troubles), is_last=True)

    def _chosen(self, listed: list[Folder]) -> list[Folder]:
        names = self._access.settings.get("folders")
        if not names:
            return [folder for folder in listed if is_read(folder, self._session, listed)]
        chosen = [folder for folder in listed if folder.name in set(names)]
        if not chosen and not any(name in self._state.folders for name in names):
            raise Missing(
                f"{self._session.host} has no folder {', '.join(map(repr, names))}. Check --folders."
            )
        return chosen

    def _runs(self, chosen: list[Folder]) -> list[_Run]:
        runs: list[_Run] = []
        for folder in chosen:
            seen = self._state.folders.get(folder.name)
            if seen is None:
                seen = Seen(folder.standing.uidvalidity if folder.standing else 0)
                self._state.folders[folder.name] = seen
            runs.append(_Run(folder, seen))
        return runs

    # --- what is there ------------------------------------------------------------------------------------------------

    def _read(self, jobs: Iterator[Letters]) -> Iterator[Page]:
        """Each job's page, and what may be noted with it."""
        for answer in self._access.workers.map(read_letters, jobs):
            self._settle_marks()
            mark = self._marks.popleft()
            mark.run.seen.read |= mark.read or UidSet()
            self._done += len(mark.read or ())
            self._settle_marks()
            yield self._page(mark.run.folder.name, decoded(answer))
        self._settle_marks()

    def _news(self, runs: list[_Run]) -> Iterator[Letters]:
        # What was sent comes first, so that nothing counts as unanswered that was answered.
        for run in sorted(runs, key=lambda run: run.folder.role != "sent"):
            if not self._is_as_before(run):
                yield from self._look(run)

    def _older(self, runs: list[_Run]) -> Iterator[Letters]:
        for bound in self._bounds():
            # To open a large folder once more takes some servers longer than to hand out a hundred letters.
            for run in sorted(runs, key=lambda run: run is not self._selected):
                reach = run.seen.reach
                if run.opened is not None and (reach is None or reach > bound):
                    yield from self._read_back(run, bound)

    def _bounds(self) -> list[date]:
        """Days to read back to, one after the other, the last being the goal."""
        bounds = [self._today - step for step in _STEPS]
        return [*(bound for bound in bounds if bound > self._state.since), self._state.since]

    def _is_as_before(self, run: _Run) -> bool:
        """Whether the folder's numbers say that nothing came or went, and nothing is left to be read."""
        now, seen = run.folder.standing, run.seen
        if (
            now is None
            or not now.uidnext
            or seen.former
            or seen.reach is None
            or seen.reach > self._state.since
        ):
            return False
        same = (now.uidvalidity, now.uidnext, now.messages) == (seen.uidvalidity, seen.uidnext, seen.messages)
        if same and not self._session.can("X-GM-EXT-1"):
            # Only flags have changed, of which nothing is kept.
            seen.modseq = now.modseq
        return same and now.modseq == seen.modseq

    def _look(self, run: _Run) -> Iterator[Letters]:
        """Open a folder, and read what is new in it and, of one that was never read, the last four weeks."""
        opened = self._open(run, with_vanished=True)
        if opened is None:
            return
        seen, standing = run.seen, opened.standing
        if standing.uidvalidity != seen.uidvalidity:
            seen = self._begin_again(run, standing)
        run.opened = opened
        if seen.messages < 0:
            seen.messages, seen.uidnext, seen.modseq = standing.messages, standing.uidnext, standing.modseq
        wanted = UidSet()
        if seen.uidnext < standing.uidnext:
            # `n:*` names the last message also where there is none from n on.
            found = self._search(f"UID {seen.uidnext}:*").within(seen.uidnext, standing.uidnext - 1)
            run.news = len(found)
            wanted = found
        recent = max(self._today - RECENT, self._state.since)
        if seen.reach is None or seen.reach > self._state.since:
            run.older = self._since(self._state.since) - run.taken
        self._total += len(run.older | (wanted - run.taken))
        if seen.reach is None or seen.reach > recent:
            wanted |= self._since(recent)
        elif self._session.can("X-GM-EXT-1") and 0 < seen.modseq < standing.modseq:
            wanted |= self._relabelled(run)
        yield from self._fetch(run, wanted - run.taken)
        if seen.reach is None or seen.reach > recent:
            self._marks.append(_Mark(run, reach=recent))

    def _read_back(self, run: _Run, bound: date) -> Iterator[Letters]:
        older = run.older - run.taken
        if older:
            opened = run.opened if self._selected is run else self._open(run)
            if opened is None:
                return
            if opened.standing.uidvalidity != run.seen.uidvalidity:
                raise Transient(
                    f"{self._session.host} has rebuilt {run.folder.name} while it was read. Kith tries again."
                )
            if bound > self._state.since:
                older &= self._since(bound)
            yield from self._fetch(run, older)
        self._marks.append(_Mark(run, reach=bound))

    def _open(self, run: _Run, *, with_vanished: bool = False) -> Opened | None:
        """The folder, opened; None where that cannot be done now, which is told of at the end."""
        seen, name = run.seen, run.folder.name
        life = seen.uidvalidity if with_vanished and seen.messages >= 0 else 0
        self._selected = None
        try:
            opened = open_folder(self._session, name, life=life, modseq=seen.modseq)
        except Refused as refused:
            trouble = self._session.trouble(refused, f"to open {name}")
            if isinstance(trouble, Rejected):
                self._troubles.append(Unreadable(name, str(trouble)))
                return None
            raise trouble from refused
        except Rejected as error:
            self._troubles.append(Unreadable(name, str(error)))
            return None
        self._selected = run
        return opened

    def _begin_again(self, run: _Run, standing: Standing) -> Seen:
        """The folder's numbers are new: all is read anew, and what the old ones named goes once that is done."""
        run.seen = run.seen.reborn(standing.uidvalidity)
        run.taken = run.seen.read
        self._state.folders[run.folder.name] = run.seen
        return run.seen

    def _search(self, criteria: str) -> UidSet:
        try:
            return self._session.search(criteria)
        except Refused as refused:
            raise self._session.trouble(refused, "to say what mail there is") from refused

    def _since(self, day: date) -> UidSet:
        """What came since a day, by the server's own clock; a day more, as it may stand in another zone."""
        if day <= BEGINNING:
            return self._search("ALL")
        day -= timedelta(days=1)
        return self._search(f"SINCE {day.day}-{_MONTHS[day.month - 1]}-{day.year:04}")

    def _relabelled(self, run: _Run) -> UidSet:
        """Messages read before whose labels may have changed since; they are read again."""
        try:
            changed = self._fetching.changed_since(run.seen.modseq) & run.taken
        except Refused as refused:
            raise self._session.trouble(refused, "to say what has changed") from refused
        run.taken -= changed
        return changed

    def _fetch(self, run: _Run, uids: UidSet) -> Iterator[Letters]:
        seen = run.seen
        for read, letters in self._fetching.read(uids):
            run.taken |= read
            self._marks.append(_Mark(run, read=read, is_job=True))
            yield Letters(
                self._access.read_text,
                self._terms,
                run.folder.name,
                seen.uidvalidity,
                self._state.turn,
                tuple(letters),
            )

    def _settle_marks(self) -> None:
        """Note what may be noted before the next job's answer has come."""
        while self._marks and not self._marks[0].is_job:
            mark = self._marks.popleft()
            mark.run.seen.reach = mark.reach

    # --- what is gone -------------------------------------------------------------------------------------------------

    def _gone(self, run: _Run) -> Iterator[Page]:
        """Tombstones of a folder that was read whole, and the agreement on what it holds."""
        if run.opened is None:
            return
        seen, standing = run.seen, run.opened.standing
        name = run.folder.name
        vanished = self._vanished(run, run.opened)
        if vanished is None:
            return
        for batch in vanished.batches(_TOMBSTONES):
            seen.read -= batch
            self._done -= len(batch)
            yield self._page(name, [Tombstone(id_of(seen.uidvalidity, uid)) for uid in batch])
        while seen.former:
            life, uids = seen.former[-1]
            dead = uids - seen.read if life == seen.uidvalidity else uids
            for batch in dead.batches(_TOMBSTONES):
                seen.former[-1] = (life, seen.former[-1][1] - batch)
                yield self._page(name, [Tombstone(id_of(life, uid)) for uid in batch])
            seen.former.pop()
        seen.messages, seen.uidnext, seen.modseq = standing.messages, standing.uidnext, standing.modseq

    def _vanished(self, run: _Run, opened: Opened) -> UidSet | None:
        """Which read messages are gone; None where the server contradicts itself, and nothing is to be believed."""
        seen, standing = run.seen, opened.standing
        left = standing.messages - run.news
        if left == seen.messages or not seen.read:
            return UidSet()
        if opened.vanished is not None:
            told = opened.vanished & seen.read
            if seen.messages - len(told) == left and len(told) * _PLAUSIBLE <= len(seen.read):
                return told
        there = self._there(run)
        if there is None:
            return None
        missing = seen.read - there
        if len(missing) * _PLAUSIBLE > len(seen.read):
            again = self._there(run)
            return None if again is None else missing - again
        return missing

    def _there(self, run: _Run) -> UidSet | None:
        """All UIDs of a folder that is opened anew; None where their number is not the number of its messages."""
        opened = self._open(run)
        if opened is None or opened.standing.uidvalidity != run.seen.uidvalidity:
            return None
        there = self._search("ALL")
        return (
            there if len(there.within(1, opened.standing.uidnext - 1)) >= opened.standing.messages else None
        )

    def _forgotten(self, chosen: set[str], listed: set[str]) -> Iterator[Page]:
        """Tombstones of folders that are gone, or are read no more."""
        for name in sorted(set(self._state.folders) - chosen):
            if name not in listed and is_listed(self._session, name):
                continue
            seen = self._state.folders[name]
            for life, uids in (*seen.former, (seen.uidvalidity, seen.read)):
                for batch in uids.batches(_TOMBSTONES):
                    yield self._page(name, [Tombstone(id_of(life, uid)) for uid in batch])
            del self._state.folders[name]

    def _page(self, name: str, changes: list[Change], *, is_last: bool = False) -> Page:
        return Page(
            compact(changes),
            StreamName(f"{STREAM}/{name}" if name else STREAM),
            checkpoint=self._state.cursor(),
            last=is_last,
            done=self._done,
            total=max(self._total, self._done) if self._is_total_known else 0,
        )
