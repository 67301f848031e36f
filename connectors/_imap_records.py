"""Fetched messages to changes, in other processes; the same mail gives the same record as from any mail file."""

from msgspec import Struct
from msgspec.structs import replace

from connectors._mail_jobs import packed
from connectors._mail_labels import read_labels
from connectors._mime import Terms, message_from_bytes
from schemas.connector import Change, ReadText, Skipped, Unreadable, Upsert
from schemas.ids import ExternalId
from schemas.records import Message


class Letter(Struct, frozen=True, array_like=True):
    """What was fetched of a message: its header block, what stands for its body, and what the server says of it.

    `fault` says why there is nothing. `received` is INTERNALDATE as the server writes it.
    """

    uid: int
    head: bytes = b""
    body: bytes = b""
    flags: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    thread_keys: tuple[str, ...] = ()
    modseq: int = 0
    received: str = ""
    fault: str = ""


class Letters(Struct, frozen=True):
    """Some messages of one folder to be read together."""

    read_text: ReadText
    terms: Terms
    folder: str
    uidvalidity: int
    turn: int
    letters: tuple[Letter, ...]


def id_of(uidvalidity: int, uid: int) -> ExternalId:
    """What a message is called within its folder."""
    return ExternalId(f"{uidvalidity}.{uid}")


def read_letters(job: Letters) -> bytes:
    """Every message as a packed change."""
    return packed([_change(job, letter) for letter in job.letters])


def _change(job: Letters, letter: Letter) -> Change:
    where = f"{job.folder}, UID {letter.uid}"
    if letter.fault:
        return Unreadable(where, letter.fault)
    if "\\draft" in {flag.lower() for flag in letter.flags}:
        return Skipped("draft")
    reason, labels = _labels(letter.labels)
    if reason:
        return Skipped(reason)
    raw = letter.head.rstrip(b"\r\n") + b"\n\n" + letter.body
    change = message_from_bytes(raw, job.read_text, job.terms, where, received=letter.received)
    if not isinstance(change, Upsert) or not isinstance(change.record, Message):
        return change
    record = replace(
        change.record,
        labels=(job.folder, *(label for label in labels if label != job.folder)),
        thread_keys=tuple(dict.fromkeys((*letter.thread_keys, *change.record.thread_keys))),
    )
    # A message has one copy under its id: of two readings the later stands, by its turn and the server's own count.
    stamp = f"{job.turn:04}.{letter.modseq:019}.{change.stamp}"
    return replace(change, id=id_of(job.uidvalidity, letter.uid), record=record, stamp=stamp)


def _labels(labels: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """Of X-GM-LABELS: why the message is to be left out (or ""), and the owner's own labels."""
    own: list[str] = []
    for label in labels:
        if label.startswith("\\"):
            reason, _ = read_labels(label[1:])
            if reason:
                return reason, ()
        else:
            own.append(label)
    return "", tuple(dict.fromkeys(own))[:100]
