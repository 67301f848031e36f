"""What a signed link is about, and doing it: the owner's word, taken once however often it is said.

Looking changes nothing. What has been done to a follow-up is read from the stream as well, so that a second click
finds the first before the book has taken it in.
"""

from collections.abc import Callable
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from schemas.clock import Clock, epoch
from schemas.decisions import AnyDecision, FollowupDismissed, FollowupDone, FollowupSnoozed
from schemas.events import decode_body
from schemas.interface import Followup, FollowupState
from services.book import append_decisions
from services.links import ACTS_FOR, Deed, Link, LinkSigner
from services.mailing import is_mail_wanted, set_mail
from services.people import owners_words
from services.store import events as stream
from services.store import followups as rows
from services.store.unit import Duty, Store, Unit

SNOOZE_AT_MOST = timedelta(days=366)
_ACTS = ("done", "snooze", "dismiss")
_UNDECIDED = frozenset({"open", "snoozed"})
_decode = msgspec.json.Decoder(Followup).decode


class Asked(Struct, frozen=True, kw_only=True):
    """What a link is about, as things are now; `today` is the owner's day.

    `is_settled`: what the link does is so already, or can no longer be done.
    """

    link: Link
    today: date
    title: str = ""
    why: str = ""
    state: FollowupState = "open"
    until: date | None = None
    is_settled: bool = False


class OneClick:
    """Reads links and does what they allow."""

    def __init__(self, store: Store, clock: Clock, signer: LinkSigner, wake: Callable[[int], None]) -> None:
        self._store = store
        self._clock = clock
        self._signer = signer
        self._wake = wake

    def tokens(self, owner: int, followup: str) -> dict[Deed, str]:
        """The tokens by which the owner can answer a follow-up from now on, for as long as from a digest."""
        ends_at = epoch(self._clock.now() + ACTS_FOR)
        deeds: tuple[Deed, ...] = ("done", "snooze", "dismiss")
        return {deed: self._signer.signed(Link(owner, deed, followup, "", ends_at)) for deed in deeds}

    def link(self, token: str) -> Link | None:
        """The link behind a token; None for what this home did not sign."""
        return self._signer.read(token)

    def asked(self, link: Link) -> Asked | None:
        """What a link is about; None when it has ended, or what it is about is gone."""
        if link.ends_at <= epoch(self._clock.now()):
            return None
        # What is told of a follow-up, and what was said since, come from one snapshot.
        with self._store.read() as unit:
            return self._asked(unit, link)

    def do(self, link: Link, until: date | None = None) -> Asked | None:
        """Do what a link allows, and tell how things are then; None as for `asked`, and for a day that is none of use.

        `until` is the day that a snoozed follow-up comes back, and is needed for that alone.
        """
        now = self._clock.now()
        if link.ends_at <= epoch(now):
            return None
        with self._store.write() as unit:
            unit.alone(0, Duty.APPEND)
            before = self._asked(unit, link)
            if before is None or before.is_settled:
                return before
            if link.deed == "unsubscribe":
                set_mail(unit, link.owner, self._clock, is_on=False)
            else:
                word = self._word(before, until)
                if word is None:
                    return None
                # The same day once more says nothing new; the page is shown again.
                if not isinstance(word, FollowupSnoozed) or word.until != before.until:
                    append_decisions(unit, link.owner, epoch(now), [word])
            unit.after_commit(lambda: self._wake(link.owner))
            return self._asked(unit, link)

    def _word(self, asked: Asked, until: date | None) -> AnyDecision | None:
        now, about = self._clock.now(), asked.link.about
        match asked.link.deed:
            case "done":
                return FollowupDone(followup=about, at=now)
            case "dismiss":
                return FollowupDismissed(followup=about, at=now)
            case "snooze" if until and asked.today < until <= asked.today + SNOOZE_AT_MOST:
                return FollowupSnoozed(followup=about, at=now, until=until)
            case _:
                return None

    def _asked(self, unit: Unit, link: Link) -> Asked | None:
        said = owners_words(unit, link.owner).owner
        if said is None:
            return None
        today = self._clock.now().astimezone(ZoneInfo(said.timezone)).date()
        match link.deed:
            case "reconnect":
                return Asked(link=link, today=today, is_settled=True)
            case "unsubscribe":
                return Asked(link=link, today=today, is_settled=not is_mail_wanted(unit, link.owner))
            case _:
                shapes = rows.followups_like(unit, link.owner, link.about) if link.about else []
                told = [one for one in map(_decode, shapes) if one.id == link.about]
                return _about(unit, link, today, told[0]) if told else None


def _about(unit: Unit, link: Link, today: date, told: Followup) -> Asked:
    """A follow-up as the book tells it, and as what was said since will make it."""
    state: FollowupState = told.state
    until = told.until
    seq, _ = stream.position(unit, link.owner, stream.TOLD)
    for event in stream.read_kinds(unit, link.owner, _ACTS, after=seq):
        match decode_body(event.body, event.kind, event.version):
            case FollowupDismissed(followup=told.id):
                state = "dismissed"
            case FollowupDone(followup=told.id) if state in _UNDECIDED:
                state = "done"
            case FollowupSnoozed(followup=told.id, until=day) if state in _UNDECIDED:
                state, until = "snoozed", day
            case _:
                pass
    return Asked(
        link=link,
        today=today,
        title=told.title,
        why=told.why,
        state=state,
        until=until if state == "snoozed" else None,
        is_settled=state not in _UNDECIDED,
    )
