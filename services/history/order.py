"""Which of the mails of one second came first: an answer comes after what it answers, whatever its id.

Date headers tell whole seconds (RFC 5322 3.3), and programs answer within one. Only what their own references say is
looked at, so that the order in which mails were read leaves no trace.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise

from schemas.events import decode_body
from schemas.records import Message
from services.store import events as stream
from services.store.history import InteractionRow
from services.store.unit import Unit


def steps(unit: Unit, owner: int, messages: Sequence[InteractionRow]) -> dict[int, int]:
    """How many answers each mail stands after the first of its thread in the same second, by key; else it is not named.

    Mails that answer each other in a circle have no order.

    Args:
        messages: of any threads, in the order of time; of a second and thread either all or none.
    """
    shared = {one.at for one, other in pairwise(messages) if one.at == other.at}
    if not shared:
        return {}
    seconds: dict[tuple[int, int], list[InteractionRow]] = defaultdict(list)
    for row in messages:
        if row.at in shared and row.thread is not None:
            seconds[row.thread, row.at].append(row)
    tied = [found for found in seconds.values() if len(found) > 1]
    mails = _mails(unit, owner, [row.seq for found in tied for row in found])
    return {key: step for found in tied for key, step in _placed(found, mails)}


def _mails(unit: Unit, owner: int, seqs: Sequence[int]) -> dict[int, Message]:
    found: dict[int, Message] = {}
    for seq, event in stream.read_bodies(unit, owner, seqs).items():
        record = decode_body(event.body, event.kind, event.version)
        if isinstance(record, Message):
            found[seq] = record
    return found


def _placed(tied: Sequence[InteractionRow], mails: Mapping[int, Message]) -> Iterator[tuple[int, int]]:
    keys = {mails[row.seq].message_id: row.key for row in tied if row.seq in mails}
    answers = {
        row.key: {keys[name] for name in mails[row.seq].references if name in keys} - {row.key}
        for row in tied
        if row.seq in mails
    }
    order = TopologicalSorter(answers)
    try:
        order.prepare()
    except CycleError:
        return
    step = 0
    while order.is_active():
        ready = order.get_ready()
        yield from ((key, step) for key in ready)
        order.done(*ready)
        step += 1
