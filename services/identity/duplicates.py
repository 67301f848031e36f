"""Pairs that may be one person: only ever proposed, with reasons; a name alone joins nobody.

Pairs are looked for among those who share a rare enough word of their names, a signature's address or phone, so that
thirty thousand people take seconds and not hours.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import combinations

from nicknames import NickNamer
from rapidfuzz.distance import JaroWinkler

from schemas.decisions import Distinct
from schemas.events import decode_body
from schemas.ids import public_id
from schemas.interface import Duplicate
from services.identity.keys import identity_key, organisation_domain
from services.identity.names import folded
from services.people import PersonRow, person_row
from services.store import history as rows
from services.store.unit import Store, Unit

PROPOSED_FROM = 0.6
"""A pair below this is not worth a question."""
_BLOCK_AT_MOST = 60
_SIMILAR = 0.93


def duplicates(store: Store, who: int) -> list[Duplicate]:
    """The pairs to ask about, surest first; automated senders and pairs told apart are left out."""
    with store.read() as unit:
        people = [person_row(shape) for _, _, shape in rows.people(unit, who, statuses=("person", "waiting"))]
        apart = _told_apart(unit, who)
        signed = _signed(unit, who, people)
    names = NickNamer()
    by_key = {row.key: row for row in people}
    found: list[tuple[int, int, float, list[str]]] = []
    for a, b in sorted(_candidates(people, signed)):
        if frozenset((a, b)) in apart:
            continue
        score, why = _compare(by_key[a], by_key[b], signed, names)
        if score >= PROPOSED_FROM:
            found.append((a, b, round(score, 2), why))
    # Whom two others may be is neither of them surely.
    often = Counter(key for a, b, *_ in found for key in (a, b))
    told = [
        Duplicate(
            public_id("p", a),
            public_id("p", b),
            score,
            why,
            is_sure=often[a] == often[b] == 1 and _is_sure(by_key[a], by_key[b], signed),
        )
        for a, b, score, why in found
    ]
    return sorted(told, key=lambda one: (-one.score, one.a, one.b))


def _is_sure(a: PersonRow, b: PersonRow, signed: dict[int, set[str]]) -> bool:
    """Whether hardly anybody would say that they are two: of the very same name, and something besides speaks for it.

    Two profiles are two people, and so are two addresses that one organisation gave, unless one of them says otherwise.
    Of whom the owner never answered nothing is sure: anybody may write a name and an address under a mail.
    """
    if not a.status == b.status == "person" or (a.linkedin and b.linkedin):
        return False
    left, right = folded(a.name).split(), folded(b.name).split()
    if len(left) < 2 or sorted(left) != sorted(right):
        return False
    if _gives(a, b, signed) or _gives(b, a, signed):
        return True
    return not _domains(a) & _domains(b) and any(_in_common(a, b))


def _gives(one: PersonRow, other: PersonRow, signed: dict[int, set[str]]) -> str:
    """An address, phone or profile of the other's that one gives as their own."""
    own = {*other.emails, *other.phones, other.linkedin} - {""}
    return min(own & {hint.partition(":")[2] for hint in signed.get(one.key, ())}, default="")


def _domains(row: PersonRow) -> set[str]:
    """The organisations' domains that somebody writes from."""
    return {domain for one in row.emails if (domain := organisation_domain(one))}


def _told_apart(unit: Unit, who: int) -> set[frozenset[int]]:
    persons = {row.key: row.person for row in rows.all_identities(unit, who)}
    apart: set[frozenset[int]] = set()
    for _, kind, body in rows.words(unit, who, ("distinct", "split")):
        record = decode_body(body, kind, 1)
        if isinstance(record, Distinct):
            apart.add(frozenset(persons.get(_key(name), _key(name)) for name in (record.a, record.b)))
        else:
            for left in getattr(record, "left", ()):
                for right in getattr(record, "right", ()):
                    apart.add(frozenset(persons.get(_key(name), _key(name)) for name in (left, right)))
    return apart


def _key(name: str) -> int:
    kind, _, value = name.partition(":")
    return identity_key(kind, value)


def _signed(unit: Unit, who: int, people: list[PersonRow]) -> dict[int, set[str]]:
    """Addresses, phones and profiles that people give as their own in signatures and notices, by person."""
    persons = {row.key: row.person for row in rows.all_identities(unit, who)}
    known = {row.key for row in people}
    signed: dict[int, set[str]] = defaultdict(set)
    for identity, field, value in rows.signed_hints(unit, who):
        person = persons.get(identity, identity)
        if person in known:
            signed[person].add(f"{field.removeprefix('signed_')}:{value.lower()}")
    return signed


def _candidates(people: list[PersonRow], signed: dict[int, set[str]]) -> set[tuple[int, int]]:
    blocks: dict[str, set[int]] = defaultdict(set)
    for row in people:
        for word in folded(row.name).replace("-", " ").split():
            if len(word) > 2:
                blocks[word].add(row.key)
        for one in (*row.emails, *row.phones, row.linkedin):
            if one:
                blocks[f"={one}"].add(row.key)
        for hint in signed.get(row.key, ()):
            blocks["=" + hint.partition(":")[2]].add(row.key)
    pairs: set[tuple[int, int]] = set()
    for block in blocks.values():
        if len(block) <= _BLOCK_AT_MOST:
            pairs.update(combinations(sorted(block), 2))
    return pairs


def _compare(
    a: PersonRow, b: PersonRow, signed: dict[int, set[str]], names: NickNamer
) -> tuple[float, list[str]]:
    why: list[str] = []
    score = 0.0
    for one, other in ((a, b), (b, a)):
        if given := _gives(one, other, signed):
            score = max(score, 0.9)
            why.append(f"{one.name} gives {given} as their own")
    likeness, words = _same_name(a.name, b.name, names)
    if likeness:
        why += words
        shared = list(_in_common(a, b))
        why += shared
        score = max(score, min(0.95, likeness + 0.2 * len(shared)))
    return score, why


def _same_name(a: str, b: str, names: NickNamer) -> tuple[float, list[str]]:
    left, right = folded(a).split(), folded(b).split()
    if len(left) < 2 or len(right) < 2:
        return (0.45, ["the same single name"]) if left == right and left else (0.0, [])
    if sorted(left) == sorted(right):
        return 0.65, ["the same name"]
    if left[-1] != right[-1]:
        alike = JaroWinkler.similarity(" ".join(left), " ".join(right))
        return (0.45, ["nearly the same name"]) if alike >= _SIMILAR and left[0] == right[0] else (0.0, [])
    if left[0] == right[0]:
        return 0.6, ["the same first and family name"]
    if left[0] in names.nicknames_of(right[0]) or right[0] in names.nicknames_of(left[0]):
        return 0.5, [f"{left[0].title()} is short for {right[0].title()}, or the other way round"]
    if left[0][0] == right[0][0] and 1 in {len(left[0].strip(".")), len(right[0].strip("."))}:
        return 0.45, ["the same family name and initial"]
    return 0.0, []


def _in_common(a: PersonRow, b: PersonRow) -> Iterator[str]:
    if a.organization and folded(a.organization) == folded(b.organization):
        yield f"both at {a.organization}"
    for domain in sorted(_domains(a) & _domains(b)):
        yield f"both write from {domain}"
    for one, other in ((a, b), (b, a)):
        company = folded(other.organization).split(" ")[0]
        if len(company) > 3 and any(
            company in (organisation_domain(address) or "") for address in one.emails
        ):
            yield f"{one.name} writes from an address of {other.organization}"
