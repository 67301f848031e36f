"""Gathers what the sample network wrote and planned, and counts it by the definitions of the interface as it goes.

It knows when people work and how they greet; what they say stands in `scenes.py` and `stories.py`.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from urllib.parse import unquote
from zoneinfo import ZoneInfo

from deploy.sample.linkedin import Asked, Note, Praise, Skill
from deploy.sample.mail import Box, Letter, Shape, reply_subject
from deploy.sample.meetings import Guest, Planned
from deploy.sample.people import BY_KEY, HOME, OWNER, WORK, Figure, Language
from schemas.interface import Counts

BERLIN = ZoneInfo("Europe/Berlin")
SMALL = 12
"""Most people in a meeting that counts as one (interface, "Definitions that decide cases")."""
_SATURDAY = 5
_PRIVATE = frozenset({"former", "mentor", "community", "friend"})
_CLOSE: dict[Language, tuple[str, ...]] = {
    "en": ("Best,\nMara", "All best,\nMara", "Mara", "Best wishes,\nMara"),
    "de": ("Viele Grüße\nMara", "Herzlich\nMara", "Liebe Grüße, Mara"),
    "fr": ("Bien à vous,\nMara", "À bientôt,\nMara", "Amitiés,\nMara"),
    "es": ("Un saludo,\nMara", "Un abrazo,\nMara"),
}
_HELLO: dict[Language, str] = {"en": "Hi", "de": "Hallo", "fr": "Bonjour", "es": "Hola"}


class Archive:
    """Everything written so far; times are aware, the end of the sample is `now`."""

    def __init__(self, now: datetime, seed: int) -> None:
        self.now = now.astimezone(BERLIN)
        self.rng = Random(f"sample/{seed}")  # noqa: S311  # reproducible fiction, no secret
        self.letters: list[Letter] = []
        self.meetings: list[Planned] = []
        self.notes: list[Note] = []
        self.invitations: list[Asked] = []
        self.praise_received: list[Praise] = []
        self.praise_given: list[Praise] = []
        self.skills: list[Skill] = []
        self.machines: set[str] = set()
        self._human: list[Letter] = []

    # Days and hours.

    @property
    def today(self) -> date:
        """The owner's calendar day at the end of the sample."""
        return self.now.date()

    def last(self, weekday: int, at_least: int = 1) -> date:
        """The newest such weekday (Monday is 0) at least so many days before today."""
        day = self.today - timedelta(days=at_least)
        return day - timedelta(days=(day.weekday() - weekday) % 7)

    def coming(self, weekday: int, at_least: int = 1) -> date:
        """The next such weekday at least so many days after today."""
        day = self.today + timedelta(days=at_least)
        return day + timedelta(days=(weekday - day.weekday()) % 7)

    def workday(self, ago: int) -> date:
        """The working day that many days ago, or the one before it."""
        day = self.today - timedelta(days=ago)
        return day - timedelta(days=max(0, day.weekday() - _SATURDAY + 1))

    def following(self, day: date) -> date:
        """The next working day."""
        day += timedelta(days=1)
        return day + timedelta(days=(7 - day.weekday()) if day.weekday() >= _SATURDAY else 0)

    def working_days_ago(self, count: int) -> date:
        """The day that many working days before today."""
        day = self.today
        while count:
            day -= timedelta(days=1)
            count -= day.weekday() < _SATURDAY
        return day

    def after(self, since: datetime, hours: float, who: Figure) -> datetime:
        """A moment about so many hours later at which this person sits at a desk."""
        at = (since + timedelta(hours=hours * self.rng.lognormvariate(0, 0.35))).astimezone(who.tz)
        return self.at_desk(at, who)

    def at_desk(self, at: datetime, who: Figure) -> datetime:
        """The moment itself, or the next morning on which this person works."""
        at = at.astimezone(who.tz)
        if who.circle == "friend":
            return at if 8 <= at.hour < 23 else at + timedelta(hours=9)
        while at.weekday() >= _SATURDAY or not 8 <= at.hour < 19:
            following = at.date() + timedelta(days=0 if at.hour < 8 and at.weekday() < _SATURDAY else 1)
            at = datetime.combine(
                following, time(8, self.rng.randrange(5, 59), self.rng.randrange(60)), who.tz
            )
        return at

    # Mail.

    def write(
        self,
        sender: str,
        at: datetime,
        to: Sequence[str],
        subject: str,
        text: str,
        *,
        cc: Sequence[str] = (),
        answers: Letter | None = None,
        language: Language = "en",
        hello: bool = True,
        close: bool = True,
        signs: bool | None = None,
        shape: Shape = "usual",
        attachments: tuple[tuple[str, str, bytes], ...] = (),
    ) -> Letter:
        """File a letter between humans, with greeting, closing and signature as its writer uses them."""
        who = BY_KEY[sender]
        other = BY_KEY[to[0]] if sender == "mara" else who
        own = HOME if other.circle in _PRIVATE else WORK
        words = text
        if hello:
            words = f"{self._greeting(who, [BY_KEY[key] for key in to], language)}\n\n{words}"
        if close:
            words = f"{words}\n\n{self._closing(who, language)}"
        is_mine = sender == "mara"
        letter = Letter(
            at=at.astimezone(who.tz).replace(microsecond=0),
            sender=(who.name, own) if is_mine else (who.name, who.address),
            to=self._boxes(to, own),
            cc=self._boxes(cc, own),
            subject=reply_subject(answers.subject, who.client, language) if answers is not None else subject,
            text=words,
            signature=_signature(who) if (answers is None if signs is None else signs) else "",
            language=language,
            client=who.client,
            answers=answers,
            shape=shape,
            labels=("Sent", "Opened") if is_mine else ("Inbox", "Opened", "Category Personal"),
            delivered_to=own,
            attachments=attachments,
        )
        self.letters.append(letter)
        self._human.append(letter)
        return letter

    def machine(self, letter: Letter, *, is_sender_machine: bool = True) -> Letter:
        """File a letter that is no contact between humans."""
        self.letters.append(letter)
        if is_sender_machine:
            self.machines.add(letter.sender[1])
        return letter

    def _boxes(self, keys: Iterable[str], own: str) -> tuple[Box, ...]:
        return tuple(
            (OWNER.name, own) if key == "mara" else (BY_KEY[key].name, BY_KEY[key].address) for key in keys
        )

    def _greeting(self, who: Figure, to: list[Figure], language: Language) -> str:
        if len(to) > 1:
            return {"en": "Hi all,", "de": "Hallo zusammen,", "fr": "Bonjour à tous,", "es": "Hola a todos:"}[
                language
            ]
        reader = to[0]
        if who is not OWNER and who.greets and language == who.language:
            return who.greets
        if who is not OWNER and who.greets and who.language == "en":
            return who.greets
        if reader.key == "sabine" and language == "de":
            return "Liebe Frau Dr. Krämer,"
        return f"{_HELLO[language]} {reader.first},"

    def _closing(self, who: Figure, language: Language) -> str:
        if who is OWNER:
            return self.rng.choice(_CLOSE[language])
        words = who.closing if who.language in {language, "en"} else f"Best,\n{who.first}"
        return words if who.first in words or len(words) <= 2 else f"{words}\n{who.first}"

    # Calendar.

    def meet(self, start: datetime, summary: str, keys: Sequence[str], **more: object) -> Planned:
        """File a meeting with these people; the first calls it unless `organizer` names another."""
        settings = dict(more)
        caller = BY_KEY[str(settings.pop("organizer", "mara"))]
        answers = settings.pop("answers", {})
        assert isinstance(answers, dict)
        extra = settings.pop("extra", ())
        assert isinstance(extra, tuple)
        own = WORK
        guests = [Guest(OWNER.name, own, str(answers.get("mara", "ACCEPTED")))]
        guests += [
            Guest(BY_KEY[key].name, BY_KEY[key].address, str(answers.get(key, "ACCEPTED"))) for key in keys
        ]
        meeting = Planned(
            summary=summary,
            starts_at=start,
            organizer=Guest(caller.name, own if caller is OWNER else caller.address),
            guests=(*guests, *extra),
            **settings,  # type: ignore[arg-type]  # the names are Planned's own
        )
        self.meetings.append(meeting)
        return meeting

    # LinkedIn.

    def message(self, sender: str, other: str, at: datetime, text: str) -> None:
        """File a LinkedIn message between the owner and one other person; `sender` is a key."""
        who = BY_KEY[other]
        writer, reader = (OWNER, who) if sender == "mara" else (who, OWNER)
        conversation = f"2-{who.linkedin.encode().hex()[:24]}=="
        self.notes.append(
            Note(
                conversation,
                writer.name,
                writer.profile,
                reader.name,
                reader.profile,
                at.astimezone(UTC),
                text,
            )
        )

    # What it all amounts to.

    def counts(self) -> dict[str, Counts]:
        """Counts per person, by main address or, for those known from LinkedIn alone, by profile address."""
        counts: dict[str, Counts] = defaultdict(Counts)
        main = {
            address: who.address for who in BY_KEY.values() for address in (who.address, *who.also) if address
        }
        own = {HOME, WORK}
        for letter in self._human:
            sender = letter.sender[1]
            for part, boxes in (("to", letter.to), ("cc", letter.cc)):
                for _, address in boxes:
                    if sender in own and address not in own:
                        _add(counts[main[address]], "sent" if part == "to" else "cc_sent")
                    elif sender not in own and address in own:
                        _add(counts[main[sender]], "received" if part == "to" else "cc_received")
        for meeting in self.meetings:
            people = [guest for guest in meeting.guests if guest.cutype == "INDIVIDUAL"]
            mine = [guest for guest in meeting.guests if guest.address in own]
            if not people or any(guest.partstat == "DECLINED" for guest in mine):
                continue
            size = sum(guest.cutype not in {"ROOM", "RESOURCE"} for guest in meeting.guests)
            ended = sum(end <= self.now for _, end in meeting.held())
            for guest in people:
                if guest.address in own or guest.partstat == "DECLINED":
                    continue
                kind = "meetings" if size <= SMALL else "audiences"
                _add(counts[main[guest.address]], kind, ended)
        for note in self.notes:
            is_mine = note.sender_url == OWNER.profile
            _add(
                counts[identity_of_profile(note.to_url if is_mine else note.sender_url)],
                "linkedin_sent" if is_mine else "linkedin_received",
            )
        return dict(counts)

    def wrote(self) -> set[str]:
        """The addresses from which somebody wrote to the owner as a human."""
        return {letter.sender[1] for letter in self._human}

    def written_to(self) -> set[str]:
        """The addresses to which the owner wrote."""
        own = {HOME, WORK}
        return {
            box[1] for letter in self._human if letter.sender[1] in own for box in (*letter.to, *letter.cc)
        }

    def last_words(self) -> dict[str, datetime]:
        """The newest human letter with each address, either way."""
        newest: dict[str, datetime] = {}
        for letter in self._human:
            for address in (letter.sender[1], *(box[1] for box in letter.to)):
                newest[address] = max(letter.at, newest.get(address, letter.at))
        return newest


def identity_of_profile(url: str) -> str:
    """The address a profile is surely joined to (a card or an export row shows both), else the profile itself."""
    for who in BY_KEY.values():
        if who.profile == url:
            return who.address if who.has_card or who.shows_email else unquote(url)
    return unquote(url)


def _add(counts: Counts, name: str, by: int = 1) -> None:
    setattr(counts, name, getattr(counts, name) + by)


def _signature(who: Figure) -> str:
    if who.client in {"phone", "apple"} or not (who.title or who.phone):
        return ""
    lines = [who.name]
    if who.title:
        lines.append(f"{who.title}, {who.organization}" if who.client != "outlook" else who.title)
    if who.client == "outlook":
        lines.append(who.organization)
    if who.phone:
        lines.append(f"T {who.phone}" if who.client == "outlook" else who.phone)
    return "\n".join(lines)
