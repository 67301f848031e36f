"""Whether the digest goes out as a mail: it does until the owner says otherwise, and again once they say so.

Read from the stream itself, so that an owner's word counts before the book has taken it in.
"""

from schemas.clock import Clock, epoch
from schemas.decisions import DigestMailSet
from schemas.events import decode_body
from services.book import append_decisions
from services.store import events as stream
from services.store.unit import Duty, Unit

_KIND = "digest_mail"


def is_mail_wanted(unit: Unit, owner: int) -> bool:
    """Whether the owner gets the digest as a mail."""
    is_on = True
    for event in stream.read_kinds(unit, owner, (_KIND,)):
        said = decode_body(event.body, event.kind, event.version)
        if isinstance(said, DigestMailSet):
            is_on = said.is_on
    return is_on


def set_mail(unit: Unit, owner: int, clock: Clock, *, is_on: bool) -> bool:
    """Take the owner's word on it; whether that changed anything."""
    unit.alone(0, Duty.APPEND)
    if is_mail_wanted(unit, owner) == is_on:
        return False
    now = clock.now()
    append_decisions(unit, owner, epoch(now), [DigestMailSet(is_on=is_on, at=now)])
    return True
