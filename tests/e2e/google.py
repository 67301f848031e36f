"""A small world at Google: Gmail, Calendar, Contacts and Tasks behind one sign-in, as their fakes have them."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from email import message_from_bytes
from email.message import Message
from pathlib import Path
from typing import Any

from connectors._google_tasks import key_in
from schemas.clock import FrozenClock
from tests.e2e.home import MARA, Seen
from tests.e2e.vendor import CLIENT, CLIENT_SECRET, VendorHome
from tests.fakes.authority import GoogleSignIn, Registration, Someone
from tests.fakes.gmail import Gmail
from tests.fakes.google import google_server
from tests.fakes.google_calendar import OWNER, Calendars, guest, timed
from tests.fakes.google_people import People
from tests.fakes.google_tasks import Tasks

_LABELS = {"INBOX": ["INBOX"], "Sent": ["SENT"]}


class GoogleHome(VendorHome):
    """A home whose one account is Google's."""

    kinds = ("google",)
    gmail: Gmail
    calendars: Calendars
    people: People
    todo: Tasks
    sign_in: GoogleSignIn

    def put_mail(self, folder: str, raw: bytes, when: datetime) -> None:
        """A mail lies in a folder since an instant."""
        self.gmail.deliver(raw, _LABELS[folder], at=when)

    def meeting(self, uid: str, at: datetime, *people: str, sequence: int = 0, hours: int = 1) -> None:
        """A meeting stands in the owner's calendar, or stands there otherwise than before."""
        fields: dict[str, Any] = {
            "iCalUID": uid,
            "summary": "Coffee",
            "start": timed(at),
            "end": timed(at + timedelta(hours=hours)),
            "organizer": {"email": MARA, "self": True},
            "attendees": [
                guest(MARA, "accepted", self=True, organizer=True),
                *[guest(one, "accepted") for one in people],
            ],
        }
        standing = next((one for one in self.calendars.standing() if one["iCalUID"] == uid), None)
        if standing is None:
            self.calendars.add(OWNER, **fields)
        else:
            self.calendars.change(standing["id"], **fields, sequence=sequence)

    def seen(self) -> dict[str, Seen]:
        """The tasks in the list, by the follow-up they are for."""
        return {
            key: Seen(
                task["title"],
                task.get("notes", ""),
                date.fromisoformat(task["due"][:10]) if task.get("due") else None,
                task["status"] == "completed",
            )
            for name, task in self.todo.tasks()
            if name == "Follow-ups" and (key := key_in(task.get("notes", "")))
        }

    def _task(self, followup: str) -> str:
        return next(
            str(one["id"]) for _, one in self.todo.tasks() if key_in(one.get("notes", "")) == followup
        )

    def tick(self, followup: str) -> None:
        """The owner ticks a task off in their own program."""
        self.todo.complete(self._task(followup))

    def delete(self, followup: str) -> None:
        """The owner deletes a task there."""
        self.todo.delete(self._task(followup))

    def digests(self) -> list[Message]:
        """The mails that came to the owner from the home, in order."""
        sent = map(message_from_bytes, self.gmail.sent())
        return [one for one in sent if one["X-Kith-Instance"]]


@contextmanager
def google_world(folder: Path, start: datetime, **settings: str) -> Iterator[GoogleHome]:
    """A world that begins at an instant."""
    clock = FrozenClock(start)
    sign_in = GoogleSignIn(clock, [Registration(CLIENT, CLIENT_SECRET)], [Someone(MARA, "1001")])
    gmail, calendars, people, todo = Gmail(clock, MARA), Calendars(clock), People(clock), Tasks(clock)
    server = google_server((sign_in, gmail, calendars, people, todo), sign_in.grants, sign_in.serves)
    with server.serve():
        sign_in.root = server.url
        known = {
            "KITH_GOOGLE_CLIENT_ID": CLIENT,
            "KITH_GOOGLE_CLIENT_SECRET": CLIENT_SECRET,
            "KITH_GOOGLE_API_ROOT": server.url,
            "KITH_GOOGLE_AUTH_ROOT": server.url,
        }
        made = GoogleHome(folder / "home", clock, server, **known, **settings)
        made.gmail, made.calendars, made.people, made.todo, made.sign_in = (
            gmail,
            calendars,
            people,
            todo,
            sign_in,
        )
        try:
            yield made
        finally:
            made.close()
