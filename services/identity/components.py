"""Which identities are one person: hard links and the owner's decisions, in any order of the facts.

A person is a connected set of identities. Hard links come from cards and exports that name two keys at once. The
owner's decisions come in their own order, and a later one outweighs an earlier: a merge joins two sets, a split sets
identities apart whatever links say. A merge followed by the split of the same identities leaves what was there.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from schemas.decisions import Merge, Split


class Link(NamedTuple):
    """Two identity keys that one source names together."""

    a: int
    b: int


class MergeKeys(NamedTuple):
    """The owner's word that two identities are one person."""

    a: int
    b: int


class SplitKeys(NamedTuple):
    """The owner's word that those on the left are not the person of those on the right."""

    left: frozenset[int]
    right: frozenset[int]


def components(links: Iterable[Link], words: Iterable[MergeKeys | SplitKeys]) -> Mapping[int, int]:
    """For every identity named in a link or a word: the smallest key of its person.

    Links are taken in the order of their keys, so that the answer does not depend on the order they came in. A link
    or an older merge that would join what a later split set apart is left out.
    """
    ordered = sorted(set(links))
    merges: list[MergeKeys] = []
    apart: set[frozenset[int]] = set()
    for word in words:
        if isinstance(word, SplitKeys):
            apart |= {frozenset((a, b)) for a in word.left for b in word.right if a != b}
            continue
        if apart:
            group = _sets(ordered, merges, apart)
            left, right = group.get(word.a, {word.a}), group.get(word.b, {word.b})
            apart = {pair for pair in apart if not _crosses(pair, left, right)}
        merges.append(word)
    smallest: dict[int, int] = {}
    for group_of in {id(members): members for members in _sets(ordered, merges, apart).values()}.values():
        smallest.update(dict.fromkeys(group_of, min(group_of)))
    return smallest


def split_of(
    identity: int, links: Iterable[Link], words: Iterable[MergeKeys | SplitKeys]
) -> SplitKeys | None:
    """The split that frees an identity: its own hard-linked set when merges joined it, else the identity alone.

    None when the identity is a person of its own already.
    """
    links, words = list(links), list(words)
    now = components(links, words)
    person = now.get(identity, identity)
    whole = frozenset(key for key, of in now.items() if of == person) | {identity}
    if len(whole) == 1:
        return None
    without_merges = components(links, [word for word in words if isinstance(word, SplitKeys)])
    core = without_merges.get(identity, identity)
    left = frozenset(key for key in whole if without_merges.get(key, key) == core)
    if left == whole:
        left = frozenset({identity})
    return SplitKeys(left, whole - left)


def merge_keys(word: Merge, key_of: Mapping[str, int]) -> MergeKeys:
    """A merge decision over identity keys."""
    return MergeKeys(key_of[word.a], key_of[word.b])


def split_keys(word: Split, key_of: Mapping[str, int]) -> SplitKeys:
    """A split decision over identity keys."""
    return SplitKeys(frozenset(key_of[i] for i in word.left), frozenset(key_of[i] for i in word.right))


def _sets(
    links: Iterable[Link], merges: Iterable[MergeKeys], apart: set[frozenset[int]]
) -> dict[int, set[int]]:
    group: dict[int, set[int]] = {}
    for a, b in [*((link.a, link.b) for link in links), *((merge.a, merge.b) for merge in merges)]:
        left, right = group.setdefault(a, {a}), group.setdefault(b, {b})
        if left is right or (apart and _is_apart(left, right, apart)):
            continue
        small, large = sorted((left, right), key=len)
        large |= small
        for key in small:
            group[key] = large
    return group


def _is_apart(left: set[int], right: set[int], apart: set[frozenset[int]]) -> bool:
    return any(_crosses(pair, left, right) for pair in apart)


def _crosses(pair: frozenset[int], left: set[int], right: set[int]) -> bool:
    a, b = tuple(pair)
    return (a in left and b in right) or (a in right and b in left)
