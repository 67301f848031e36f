"""A home that is lived in: time is its own and moves when it is told to; what there is around it, others say."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from email.message import EmailMessage, Message
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path
from typing import Any

from dramatiq import Worker
from msgspec import Struct

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
from workers.schedule import Schedule

MARA = "mara@example.com"


class Seen(Struct, frozen=True):
    """A task as its owner sees it in their tool."""

    title: str
    note: str
    due: date | None
    is_done: bool


class LivedHome:
    """The home, and what people do around it; a subclass says where mail, meetings and tasks are."""

    kinds: tuple[str, ...] = ()
    """The kinds of accounts that are connected when nothing else is said."""

    def __init__(
        self,
        home: Path,
        start: datetime,
        known: Mapping[str, ConnectorSpec] | None = None,
        **settings: str,
    ) -> None:
        """Open it.

        Args:
            known: the connectors by their names, instead of all there are.
            settings: of the home, by their names in the environment.
        """
        self.clock = FrozenClock(start)
        self._home = home
        self._settings = settings
        self._known = known
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

    @property
    def book(self) -> Book:
        """The owner's book."""
        return self.app.book()

    def connect(self, *kinds: str, **given: Any) -> dict[str, str]:
        """Connect what there is by default, or these kinds; the accounts' ids by kind."""
        wishes = [self.wish(kind, **given) for kind in kinds or self.kinds]
        return {wish.kind: connect(self.app, self.book, wish).account.id for wish in wishes}

    def wish(self, kind: str, **given: Any) -> Wish:
        """How the owner connects an account of a kind."""
        raise NotImplementedError

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
        key = f"m{self._mails}.{self._home.parent.name}@example.com"
        made = EmailMessage(policy=SMTP)
        made["From"], made["To"] = sender, to
        made["Subject"] = f"Re: {subject}" if re else subject
        made["Date"] = format_datetime(when)
        made["Message-ID"] = f"<{key}>"
        if re:
            made["In-Reply-To"] = made["References"] = f"<{re}>"
        made.set_content(text + "\n")
        folder = folder or ("Sent" if MARA in sender else "INBOX")
        self.put_mail(folder, made.as_bytes(), when)
        return key

    def put_mail(self, folder: str, raw: bytes, when: datetime) -> None:
        """A mail lies in a folder since an instant."""
        raise NotImplementedError

    def knows(self, *people: str) -> None:
        """They and the owner have written to each other, weeks ago."""
        past = self.clock.now() - timedelta(days=25)
        for person in people:
            first = self.mail(MARA, person, "Hello, here is the plan.", at=past)
            self.mail(person, MARA, "Thank you, I have it.", re=first, at=past + timedelta(hours=3))

    def meeting(self, uid: str, at: datetime, *people: str, sequence: int = 0, hours: int = 1) -> None:
        """A meeting stands in the owner's calendar, or stands there otherwise than before."""
        raise NotImplementedError

    def seen(self) -> dict[str, Seen]:
        """The tasks in the list, by the follow-up they are for."""
        raise NotImplementedError

    def tick(self, followup: str) -> None:
        """The owner ticks a task off in their own program."""
        raise NotImplementedError

    def delete(self, followup: str) -> None:
        """The owner deletes a task there."""
        raise NotImplementedError

    def digests(self) -> list[Message]:
        """The mails that came to the owner from the home, in order."""
        raise NotImplementedError

    # --- what is so -----------------------------------------------------------------------------------------------------

    def followups(self, rule: str, address: str) -> list[Followup]:
        """The follow-ups of a rule for a person, oldest first."""
        book = self.book
        who = {one.id for one in book.situation().people.values() if address in one.emails}
        return [one for one in book.followups() if one.rule == rule and one.person in who]
