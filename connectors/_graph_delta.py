"""Follows the delta of one collection of Microsoft Graph, round by round; it never says what a row means.

https://learn.microsoft.com/graph/delta-query-overview, read 2026-11. A round is pages that end with the link of the next one.
What a link rests on (a window of time, the chosen properties) is baked into it: where that changes, a whole round begins
anew, and the old link is followed until the new round is over. A link ends when Graph likes (410): then all is listed again
and compared, and nothing is known to be gone before the list is whole.

    link --changes_since--> rows, next link            whole round --rows, rows--> finished: what it did not name is looked at
      |                                                     |
      +-- 410: no link, a whole round is due                +-- its next page is dead: it begins again
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial

from msgspec import Struct

from connectors._graph import Graph, Rows, pages_from
from schemas.connector import Change, Page
from schemas.errors import CursorExpired, Rejected, Transient
from schemas.ids import Cursor, StreamName


class Place(Struct, array_like=True):
    """Where a collection's delta stands.

    `link` goes on from the last round that was finished, on `terms`. `round` numbers whole rounds; the one under way is on
    `round_terms`, empty when there is none, and goes on at `page`.
    """

    link: str = ""
    terms: str = ""
    page: str = ""
    round_terms: str = ""
    round: int = 0

    def begin(self, terms: str) -> None:
        """Begin a whole round on these terms."""
        self.round += 1
        self.round_terms = terms
        self.page = ""

    def turn(self, rows: Rows) -> None:
        """A page of the whole round was taken in; after the last one the round is over."""
        if rows.next_link:
            self.page = rows.next_link
        else:
            self.link, self.terms = rows.delta_link, self.round_terms
            self.page = self.round_terms = ""


def changes_since(graph: Graph, place: Place) -> Iterator[Rows]:
    """The pages of what changed since the last round; whoever has taken the last one in sets the place's link.

    A round that is broken off is read again from its beginning. Where Graph knows the link no longer there is none
    afterwards, nor where it leads to another Graph, as it does once the account's root has changed.
    """
    if not graph.is_own(place.link):
        place.link = ""
        return
    try:
        yield from pages_from(_page(graph, place.link), partial(_page, graph))
    except CursorExpired:
        place.link = ""


def whole_round(graph: Graph, place: Place, path: str, query: Mapping[str, str]) -> Iterator[Rows]:
    """The pages of the whole round under way; whoever has taken one in turns it (`Place.turn`)."""
    for is_again in (False, True):
        try:
            first = _page(graph, place.page) if place.page else _page(graph, path, query)
            yield from pages_from(first, partial(_page, graph))
        except (CursorExpired, Rejected) as fault:
            if place.page and not is_again:
                # Links to further pages die soon; what was named so far does not count as named by the new round.
                place.begin(place.round_terms)
                continue
            if isinstance(fault, CursorExpired):
                raise Transient("Microsoft has no list to begin with. Kith tries again.") from fault
            raise
        return


def _page(graph: Graph, path: str, query: Mapping[str, str] | None = None) -> Rows:
    rows = graph.get(path, Rows, query)
    if not rows.next_link and not rows.delta_link:
        raise Transient("Microsoft's answer does not say where to go on. Kith tries again.")
    return rows


class Pages:
    """Gathers changes into pages, and puts into each as checkpoint what is known then.

    Whoever reads adds to `work` the rows that were taken in, be there anything to tell of them or not.
    """

    def __init__(self, write: Callable[[], Cursor], weigh: Callable[[], int]) -> None:
        self._write = write
        self._weigh = weigh
        self.changes: list[Change] = []
        self.done = self.work = 0

    def take(self, stream: StreamName, *, is_last: bool = False) -> Page:
        """The page so far."""
        checkpoint = None
        # A cursor grows with the account; writing all of it with every page would cost the square of that.
        if is_last or self.work * 20 >= self._weigh():
            checkpoint = self._write()
            self.work = 0
        changes, self.changes = tuple(self.changes), []
        self.done += len(changes)
        return Page(changes, stream, checkpoint=checkpoint, last=is_last, done=self.done)
