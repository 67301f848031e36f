"""Answers that name nothing they answer, and the messages that they may answer: by subject, person and time.

Some programs lose References and In-Reply-To. Such an answer, known by its `Re:`, joins every message that began a
conversation about the same with the same person in the thirty days before. Which those are rests on the two messages
alone and on nothing that was joined before, so that any order of reading, and a replay, leads to the same threads.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from schemas.clock import epoch
from schemas.ids import key64
from schemas.records import Message
from services.history.parts import Part
from services.identity.keys import OWNER_KEY
from services.store.history import TopicRow
from services.subjects import is_reply, matter

_WITHIN = 30 * 86_400
_PEOPLE_AT_MOST = 4
"""A message to more is no conversation that one of them would be known by."""


def topics_of(record: Message, own: int, author: int, parts: Mapping[int, int]) -> Iterator[TopicRow]:
    """What a message without references is about, for each with whom: a beginning, or an answer that names nothing.

    Args:
        own: the message's node.
        author: by identity key, the owner's being 0.
        parts: those who took part, by identity key, the owner left out.
    """
    is_answer = is_reply(record.subject)
    if is_answer and record.thread_keys:
        return
    about = matter(record.subject)
    if not about:
        return
    addressed = [key for key, part in parts.items() if part == Part.TO]
    people = addressed if author == OWNER_KEY else [author] if is_answer else [author, *addressed]
    if len(people) > _PEOPLE_AT_MOST:
        return
    for person in people:
        yield TopicRow(is_answer, key64("topic", about, str(person)), own, epoch(record.at))


def bonds_of(found: Iterable[TopicRow]) -> Iterator[tuple[int, int]]:
    """Pairs of nodes that belong to one thread, as few as join all of them; of topics in any order."""
    beginnings: dict[int, list[tuple[int, int]]] = defaultdict(list)
    answers: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for row in found:
        (answers if row.is_answer else beginnings)[row.key].append((row.at, row.node))
    for key, those in answers.items():
        yield from _joined(sorted(those), sorted(beginnings.get(key, ())))


def _joined(answers: list[tuple[int, int]], beginnings: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """An answer joins all of its month; where the months of two overlap, what they share is one with both."""
    times = [at for at, _ in beginnings]
    taken, last = 0, 0
    for at, node in answers:
        first, end = bisect_left(times, at - _WITHIN), bisect_right(times, at)
        if first < taken:
            yield node, last
        for _, other in beginnings[max(first, taken) : end]:
            yield node, other
        if end > first:
            taken, last = end, node
