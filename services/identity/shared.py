"""Keys that several people share: a switchboard, an office's address, a family's mailbox; they make nobody one person.

Told by the names under which address books and exports hold them. Names that can be one person's (a nickname, an
initial, another family name after the same given one, another script) share nothing.
"""

from collections.abc import Iterable
from functools import lru_cache
from itertools import combinations

from rapidfuzz.distance import JaroWinkler

from services.identity.names import cleaned, folded

_COMPARED = 12
"""Under so many different names a key is shared, whatever they are."""
_ALIKE = 0.9


def is_shared(names: Iterable[str]) -> bool:
    """Whether a key that is held under these names is more than one person's; in whatever order they come."""
    told = sorted(set(names))
    return len(told) > _COMPARED or any(_are_two(a, b) for a, b in combinations(told, 2))


@lru_cache(maxsize=4_096)
def _are_two(a: str, b: str) -> bool:
    left, right = _words(a), _words(b)
    if len(left) < 2 or len(right) < 2 or "".join(left).isascii() != "".join(right).isascii():
        return False
    common = set(left) & set(right)
    if len(common) >= 2 or left[0] in common or right[0] in common:
        return False
    return not any(
        _are_alike(one, other) for one in left if one not in common for other in right if other not in common
    )


def _words(name: str) -> list[str]:
    return folded(cleaned(name)).replace("-", " ").replace(".", " ").split()[:6]


def _are_alike(one: str, other: str) -> bool:
    """Whether two words can be the same given name: spelt alike, or one the initial or the short form of the other."""
    if one[0] == other[0] and 1 in {len(one), len(other)}:
        return True
    return JaroWinkler.similarity(one, other) >= _ALIKE or _is_nickname(one, other)


@lru_cache(maxsize=4_096)
def _is_nickname(one: str, other: str) -> bool:
    # Loaded where it is asked: the list is long, and few address books hold a key twice.
    from nicknames import NickNamer  # noqa: PLC0415

    names = NickNamer()
    return one in names.nicknames_of(other) or other in names.nicknames_of(one)
