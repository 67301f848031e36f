"""Sets of message numbers, kept as ranges, so that a mailbox of any size is a line of text; nothing here counts them out."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from itertools import islice

Range = tuple[int, int]
"""First and last, both within."""

LARGEST = 2**32 - 1


class UidSet:
    """A set of UIDs; it never changes."""

    __slots__ = ("_count", "_ranges")

    def __init__(self, ranges: tuple[Range, ...] = ()) -> None:
        """The ranges ascend, and neither overlap nor touch."""
        self._ranges = ranges
        self._count = sum(last - first + 1 for first, last in ranges)

    @classmethod
    def of(cls, uids: Iterable[int]) -> "UidSet":
        """The set of these numbers, in any order."""
        return cls(_merged((uid, uid) for uid in sorted(uids)))

    @classmethod
    def parse(cls, text: str) -> "UidSet":
        """The set that a sequence-set names (RFC 9051 9), without `*`.

        Raises:
            ValueError: it names none.
        """
        ranges: list[Range] = []
        for piece in text.split(",") if text else ():
            first, _, last = piece.partition(":")
            if not (first.isascii() and first.isdigit()) or (
                last and not (last.isascii() and last.isdigit())
            ):
                raise ValueError("no set of UIDs")
            begin, end = sorted((int(first), int(last or first)))
            if begin < 1 or end > LARGEST:
                raise ValueError("no UID")
            ranges.append((begin, end))
        return cls(_merged(sorted(ranges)))

    def __str__(self) -> str:
        return ",".join(str(first) if first == last else f"{first}:{last}" for first, last in self._ranges)

    def __repr__(self) -> str:
        return f"UidSet({self})"

    def __len__(self) -> int:
        return self._count

    def __eq__(self, other: object) -> bool:
        return isinstance(other, UidSet) and self._ranges == other._ranges

    def __hash__(self) -> int:
        return hash(self._ranges)

    def __contains__(self, uid: int) -> bool:
        place = bisect_right(self._ranges, (uid, LARGEST)) - 1
        return place >= 0 and self._ranges[place][0] <= uid <= self._ranges[place][1]

    def __iter__(self) -> Iterator[int]:
        for first, last in self._ranges:
            yield from range(first, last + 1)

    def __or__(self, other: "UidSet") -> "UidSet":
        if not self._ranges or not other._ranges:
            return self if self._ranges else other
        return UidSet(_merged(sorted((*self._ranges, *other._ranges))))

    def __sub__(self, other: "UidSet") -> "UidSet":
        kept: list[Range] = []
        cuts = other._ranges
        place = 0
        for begin, last in self._ranges:
            first = begin
            while place < len(cuts) and cuts[place][1] < first:
                place += 1
            at = place
            while at < len(cuts) and cuts[at][0] <= last:
                if cuts[at][0] > first:
                    kept.append((first, cuts[at][0] - 1))
                first = cuts[at][1] + 1
                at += 1
            if first <= last:
                kept.append((first, last))
        return UidSet(tuple(kept))

    def __and__(self, other: "UidSet") -> "UidSet":
        return self - (self - other)

    def largest(self) -> int:
        """The greatest number; 0 of an empty set."""
        return self._ranges[-1][1] if self._ranges else 0

    def within(self, first: int, last: int) -> "UidSet":
        """Those from `first` to `last`, both within."""
        return UidSet(
            tuple((max(a, first), min(b, last)) for a, b in self._ranges if b >= first and a <= last)
        )

    def batches(self, size: int) -> Iterator["UidSet"]:
        """The whole set in pieces of so many, the greatest first."""
        descending = (uid for first, last in reversed(self._ranges) for uid in range(last, first - 1, -1))
        while batch := list(islice(descending, size)):
            yield UidSet.of(batch)


def _merged(ranges: Iterable[Range]) -> tuple[Range, ...]:
    """Ascending ranges with those joined that overlap or touch."""
    merged: list[Range] = []
    for first, last in ranges:
        if merged and first <= merged[-1][1] + 1:
            if last > merged[-1][1]:
                merged[-1] = (merged[-1][0], last)
        else:
            merged.append((first, last))
    return tuple(merged)
