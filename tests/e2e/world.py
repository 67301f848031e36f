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
from email.message import Message
from pathlib import Path
from typing import Any

import icalendar
from imapclient import IMAPClient  # type: ignore[import-untyped]  # it carries no types

from deploy.connecting import Wish
from deploy.vaults import Secrets
from schemas.connector import ConnectorSpec
from tests.contract.live_source import SECRET
from tests.e2e.home import MARA, LivedHome, Seen
from tests.servers import smtp
from tests.servers.dav import DavServer
from tests.servers.dovecot import Dovecot

_HREF = re.compile(rb"<(?:\w+:)?href>([^<]+\.ics)</(?:\w+:)?href>")


class World(LivedHome):
    """The servers with what people do at them, and the home that lives among them."""

    kinds = ("imap", "caldav", "smtp")

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
        self._dovecot = dovecot
        self._user = user
        self._mailbox = dovecot.signed_in(user)
        self.dav = dav
        self._post = post
        self.behaviour = smtp.Behaviour()
        super().__init__(home, start, known, **settings)

    def leave(self) -> None:
        """Close the mail program."""
        self._mailbox.logout()

    @property
    def program(self) -> IMAPClient:
        """The owner's mail program."""
        return self._mailbox

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

    # --- what people do -------------------------------------------------------------------------------------------------

    def put_mail(self, folder: str, raw: bytes, when: datetime) -> None:
        """A mail lies in a folder since an instant."""
        self._mailbox.append(folder, raw, (), when)

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

    def seen(self) -> dict[str, Seen]:
        """The tasks in the list, by the follow-up they are for."""
        return {
            key: Seen(
                str(task["SUMMARY"]),
                str(task["DESCRIPTION"]),
                task["DUE"].dt if "DUE" in task else None,
                is_done(task),
            )
            for key, task in self.tasks().items()
        }

    def digests(self) -> list[Message]:
        """The mails that came to the owner from the home, in order."""
        return mails_of(self.behaviour)

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
        made.behaviour = behaviour
        try:
            yield made, behaviour
        finally:
            made.close()
            made.leave()
