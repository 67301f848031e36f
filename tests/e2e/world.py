"""A small world to live in: a mailbox, a calendar, a to-do list and a post office on real servers, and a home among them.

Time is the world's own and moves when it is told to; the servers are Dovecot, Radicale or Xandikos, and aiosmtpd.
"""

import mailbox
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage, Message
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import icalendar
from dramatiq import Worker
from imapclient import IMAPClient  # type: ignore[import-untyped]  # it carries no types

from deploy.accounts import Secrets
from deploy.cli.context import Context
from deploy.connecting import Wish, connect
from deploy.household import Household
from deploy.settings import read_settings
from deploy.wiring import Application
from schemas.clock import FrozenClock
from schemas.connector import ConnectorSpec
from schemas.decisions import OwnerDeclared
from schemas.interface import Followup
from services.book import Book
from tests.contract.live_source import SECRET
from tests.servers import smtp
from tests.servers.dav import DavServer
from tests.servers.dovecot import Dovecot
from workers.schedule import Schedule

MARA = "mara@example.com"
_HREF = re.compile(rb"<(?:\w+:)?href>([^<]+\.ics)</(?:\w+:)?href>")


class World:
    """The servers with what people do at them, and the home that lives among them."""

    def __init__(
        self,
        home: Path,
        start: datetime,
        dovecot: Dovecot,
        user: str,
        dav: DavServer,
        post: int,
        known: Mapping[str, ConnectorSpec] | None = None,
        **settings: str,
    ) -> None:
        """Nobody has written to anybody yet.

        Args:
            user: the mailbox's name at Dovecot.
            post: the port of the submission server.
            known: the connectors by their names, instead of all there are.
            settings: of the home, by their names in the environment.
        """
        self.clock = FrozenClock(start)
        self._home = home
        self._settings = settings
        self._known = known
        self._dovecot = dovecot
        self._user = user
        self._mailbox = dovecot.signed_in(user)
        self.dav = dav
        self._post = post
        self._mails = 0
        self.open()

    @property
    def home(self) -> Path:
        """The folder of the home."""
        return self._home

    @property
    def environment(self) -> dict[str, str]:
        """The settings of another process that runs the home at this instant."""
        return {**self._settings, "KITH_NOW": f"{self.clock.now():%Y-%m-%dT%H:%M:%SZ}"}

    # --- the home -----------------------------------------------------------------------------------------------------

    def open(self) -> None:
        """Open the home, as after a restart."""
        self.app = self.application()
        if not self.app.is_made:
            self.app.make(OwnerDeclared(name="Mara Lindholm", emails=(MARA,), timezone="Europe/Berlin"))
            self.app.close()
            self.app = self.application()
        self.household = Household(self.app)
        self._worker = Worker(self.household.broker, worker_threads=2, worker_timeout=20)
        self._worker.start()

    def application(self) -> Application:
        """The home as one more process has it."""
        application = Application(read_settings(str(self._home), self._settings), self._known)
        application.clock = self.clock
        return application

    def context(self) -> Context:
        """What a command of the same home is handed."""
        return Context(self.environment, str(self._home))

    def close(self) -> None:
        """Let go of it."""
        self._worker.stop()
        self.household.broker.close()
        self.app.close()

    def leave(self) -> None:
        """Close the mail program."""
        self._mailbox.logout()

    @property
    def program(self) -> IMAPClient:
        """The owner's mail program."""
        return self._mailbox

    @property
    def book(self) -> Book:
        """The owner's book."""
        return self.app.book()

    def connect(self, *kinds: str, **given: Any) -> dict[str, str]:
        """Connect mailbox, calendars with a list for tasks, and post office, or these; the accounts' ids by kind."""
        wishes = [self.wish(kind, **given) for kind in kinds or ("imap", "caldav", "smtp")]
        return {wish.kind: connect(self.app, self.book, wish).account.id for wish in wishes}

    def wish(self, kind: str, secret: str = "", tasks: str = "Follow-ups", **more: Any) -> Wish:
        """How the owner connects an account of a kind, with its right secret unless another is given."""
        near = {"allow_private": True}
        host = {"host": "127.0.0.1", "security": "none", **near}
        match kind:
            case "imap":
                settings = {**host, "user": self._user, "port": self._dovecot.port}
                return Wish(kind=kind, settings={**settings, **more}, secrets=Secrets(secret or SECRET))
            case "caldav":
                settings = {**near, "url": self.dav.url, "user": self.dav.user, **more}
                return Wish(
                    kind=kind, tasks=tasks, settings=settings, secrets=Secrets(secret or self.dav.password)
                )
            case "todoist":
                return Wish(kind=kind, tasks=tasks, settings=more, secrets=Secrets(secret))
            case _:
                settings = {**host, "user": MARA, "port": self._post, "from": MARA, "to": MARA, **more}
                return Wish(kind=kind, settings=settings, secrets=Secrets(secret or smtp.PASSWORD))

    def run(self, rounds: int = 4) -> None:
        """Let everything that is due by now happen, to its end."""
        schedule = self.schedule(self.household)
        for _ in range(rounds):
            schedule.look()
            self.household.wake(self.book.owner)
            self.household.broker.join("default")

    def schedule(self, here: Household) -> Schedule:
        """What looks at the clock for a process that runs the home."""
        owners = [owner for owner, _ in self.app.owners()]
        return Schedule(here.app.store, self.clock, lambda: owners, here.digests, here.bells)

    def live(self, until: datetime, step: timedelta = timedelta(hours=6)) -> None:
        """Let time pass, and whatever it brings happen."""
        while self.clock.now() < until:
            self.clock.advance(min(step, until - self.clock.now()))
            self.run(2)
        self.run()

    # --- what people do -------------------------------------------------------------------------------------------------

    def mail(
        self,
        sender: str,
        to: str,
        text: str,
        subject: str = "Plan",
        re: str = "",
        at: datetime | None = None,
        folder: str = "",
    ) -> str:
        """A mail arrives, or one of the owner's lies in Sent; its Message-ID without brackets."""
        self._mails += 1
        when = at or self.clock.now()
        key = f"m{self._mails}.{self._user}@example.com"
        made = EmailMessage(policy=SMTP)
        made["From"], made["To"] = sender, to
        made["Subject"] = f"Re: {subject}" if re else subject
        made["Date"] = format_datetime(when)
        made["Message-ID"] = f"<{key}>"
        if re:
            made["In-Reply-To"] = made["References"] = f"<{re}>"
        made.set_content(text + "\n")
        folder = folder or ("Sent" if MARA in sender else "INBOX")
        self._mailbox.append(folder, made.as_bytes(), (), when)
        return key

    def letters(self) -> dict[str, list[tuple[datetime, bytes]]]:
        """Every mail in the mailbox, by folder: when it came, and its text."""
        found = {}
        for folder in ("INBOX", "Sent"):
            self._mailbox.select_folder(folder, readonly=True)
            told = self._mailbox.fetch(self._mailbox.search(), ["INTERNALDATE", "BODY.PEEK[]"])
            found[folder] = [(one[b"INTERNALDATE"], one[b"BODY[]"]) for _, one in sorted(told.items())]
            self._mailbox.unselect_folder()
        return found

    def move_mailbox(self) -> None:
        """The provider moves the mailbox to another machine: the same mails under other numbers."""
        kept = self.letters()
        self._mailbox.logout()
        shutil.rmtree(self._dovecot.folder / "mail" / self._user)
        self._mailbox = self._dovecot.signed_in(self._user)
        for folder, letters in kept.items():
            # Another beginning, so that no number is what it was.
            for when, raw in reversed(letters):
                self._mailbox.append(folder, raw, (), when)

    def files(self, folder: Path) -> list[str]:
        """The mailbox and the calendar, exported into files."""
        names = []
        for name, letters in self.letters().items():
            box = mailbox.mbox(folder / f"{name}.mbox")
            for _, raw in letters:
                box.add(raw)
            box.close()
            names.append(str(folder / f"{name}.mbox"))
        for number, url in enumerate(self._resources()):
            (folder / f"{number}.ics").write_bytes(self.dav.ask("GET", url)[1])
            names.append(str(folder / f"{number}.ics"))
        return names

    def knows(self, *people: str) -> None:
        """They and the owner have written to each other, weeks ago."""
        past = self.clock.now() - timedelta(days=25)
        for person in people:
            first = self.mail(MARA, person, "Hello, here is the plan.", at=past)
            self.mail(person, MARA, "Thank you, I have it.", re=first, at=past + timedelta(hours=3))

    def meeting(self, uid: str, at: datetime, *people: str, sequence: int = 0, hours: int = 1) -> None:
        """A meeting stands in the owner's calendar, or stands there otherwise than before."""
        event = icalendar.Event()
        event.add("uid", uid)
        event.add("dtstamp", self.clock.now())
        event.add("sequence", sequence)
        event.add("dtstart", at)
        event.add("dtend", at + timedelta(hours=hours))
        event.add("summary", "Coffee")
        event.add("organizer", f"mailto:{MARA}")
        for person in (MARA, *people):
            event.add("attendee", f"mailto:{person}", parameters={"PARTSTAT": "ACCEPTED"})
        calendar = icalendar.Calendar()
        calendar.add("version", "2.0")
        calendar.add("prodid", "-//World//EN")
        calendar.add_component(event)
        self.dav.put(f"{self.dav.calendars}work/{uid}.ics", calendar.to_ical())

    # --- the to-do list -------------------------------------------------------------------------------------------------

    def tasks(self) -> dict[str, Any]:
        """The tasks in the list, by the follow-up they are for."""
        found = {}
        for url in self._resources():
            status, body = self.dav.ask("GET", url)
            if status == 200 and b"BEGIN:VTODO" in body:
                (task,) = icalendar.Calendar.from_ical(body).walk("VTODO")
                found[str(task["X-KITH-KEY"])] = task
        return found

    def titles(self) -> list[str]:
        """The titles of all tasks in all lists, one for each that stands there."""
        bodies = (self.dav.ask("GET", url)[1] for url in self._resources())
        return [
            str(icalendar.Calendar.from_ical(one).walk("VTODO")[0]["SUMMARY"])
            for one in bodies
            if b"BEGIN:VTODO" in one
        ]

    def _resources(self) -> Iterator[str]:
        status, listing = self.dav.ask("PROPFIND", self.dav.calendars, b"", Depth="1")
        assert status == 207
        root = self.dav.url.rstrip("/")
        for collection in dict.fromkeys(re.findall(rb"<(?:\w+:)?href>([^<]+/)</(?:\w+:)?href>", listing)):
            _, members = self.dav.ask("PROPFIND", root + collection.decode(), b"", Depth="1")
            yield from (root + one.decode() for one in dict.fromkeys(_HREF.findall(members)))

    def _url_of(self, followup: str) -> str:
        return next(url for url in self._resources() if followup in url)

    def tick(self, followup: str) -> None:
        """The owner ticks a task off in their own program."""
        url = self._url_of(followup)
        calendar = icalendar.Calendar.from_ical(self.dav.ask("GET", url)[1])
        (task,) = calendar.walk("VTODO")
        task["STATUS"] = "COMPLETED"
        task.add("completed", self.clock.now())
        self.dav.put(url, calendar.to_ical())

    def rename(self, followup: str) -> None:
        """The owner gives a task another title there."""
        url = self._url_of(followup)
        calendar = icalendar.Calendar.from_ical(self.dav.ask("GET", url)[1])
        (task,) = calendar.walk("VTODO")
        task["SUMMARY"] = "In my own words"
        self.dav.put(url, calendar.to_ical())

    def delete(self, followup: str) -> None:
        """The owner deletes a task there."""
        self.dav.delete(self._url_of(followup))

    # --- what is so -----------------------------------------------------------------------------------------------------

    def followups(self, rule: str, address: str) -> list[Followup]:
        """The follow-ups of a rule for a person, oldest first."""
        book = self.book
        who = {one.id for one in book.situation().people.values() if address in one.emails}
        return [one for one in book.followups() if one.rule == rule and one.person in who]


def is_done(task: Any) -> bool:
    """Whether a task reads as done."""
    return str(task.get("STATUS")) == "COMPLETED" and "COMPLETED" in task


def mails_of(behaviour: smtp.Behaviour) -> list[Message]:
    """What was sent to the owner, in order."""
    return [message_from_bytes(one.content) for one in behaviour.taken]


@contextmanager
def world(
    folder: Path,
    start: datetime,
    dovecot: Dovecot,
    user: str,
    dav: DavServer,
    known: Mapping[str, ConnectorSpec] | None = None,
    **settings: str,
) -> Iterator[tuple[World, smtp.Behaviour]]:
    """A world that begins at an instant, and what its post office does and has taken."""
    behaviour = smtp.Behaviour()
    with smtp.mail_server(behaviour, "none") as post:
        made = World(folder / "home", start, dovecot, user, dav, post, known, **settings)
        try:
            yield made, behaviour
        finally:
            made.close()
            made.leave()
