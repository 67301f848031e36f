"""What joins identities: the hard links that stand, the owner's merges and splits, and what a new split would mean."""

from schemas.decisions import Merge, Split
from schemas.events import decode_body
from services.identity.components import Link, MergeKeys, SplitKeys, merge_keys, split_keys, split_of
from services.identity.keys import identity_key
from services.identity.shared import is_shared
from services.store import history as rows
from services.store.unit import Store, Unit


def hard_links(unit: Unit, who: int) -> list[Link]:
    """The links that cards and exports make, without those by a key that several people share."""
    shared = {key for key, names in rows.holders(unit, who).items() if is_shared(names)}
    return [Link(a, b) for a, b in rows.links(unit, who) if a not in shared and b not in shared]


def joining_words(unit: Unit, who: int) -> list[MergeKeys | SplitKeys]:
    """The owner's merges and splits, in the order said, over identity keys."""
    said: list[MergeKeys | SplitKeys] = []
    for _, kind, body in rows.words(unit, who, ("merge", "split")):
        record = decode_body(body, kind, 1)
        if isinstance(record, Merge):
            said.append(merge_keys(record, {name: _key(name) for name in (record.a, record.b)}))
        elif isinstance(record, Split):
            said.append(split_keys(record, {name: _key(name) for name in (*record.left, *record.right)}))
    return said


def split_decision(store: Store, who: int, identity: str) -> Split | None:
    """The decision that frees an identity (`kind:value`) from its person; None when it is the whole of one."""
    with store.read() as unit:
        links = hard_links(unit, who)
        keys = split_of(_key(identity), links, joining_words(unit, who))
        if keys is None:
            return None
        names = {row.key: f"{row.kind}:{row.value}" for row in rows.all_identities(unit, who)}
    return Split(
        left=tuple(sorted(names[key] for key in keys.left if key in names)),
        right=tuple(sorted(names[key] for key in keys.right if key in names)),
    )


def _key(name: str) -> int:
    kind, _, value = name.partition(":")
    return identity_key(kind, value)
