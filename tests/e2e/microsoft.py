"""A small world at Microsoft: mail, calendar, contacts and To Do of Graph behind one sign-in, as their fakes have them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from email import message_from_bytes
from email.message import Message
from pathlib import Path

from schemas.clock import FrozenClock
from tests.e2e.home import MARA, Seen
from tests.e2e.vendor import CLIENT, CLIENT_SECRET, VendorHome
from tests.fakes.api import ApiServer, Reply, Request
from tests.fakes.authority import MicrosoftSignIn, Registration, Someone
from tests.fakes.graph import graph_server
from tests.fakes.graph_calendar import GraphCalendars, exchange_uid
from tests.fakes.graph_contacts import GraphContacts
from tests.fakes.graph_mail import GraphMail
from tests.fakes.graph_subscriptions import Subscriptions
from tests.fakes.graph_todo import GraphTodo, Kept

_FOLDERS = {"INBOX": "inbox", "Sent": "sentitems"}
_APPLICATION = "Kith"


class MicrosoftHome(VendorHome):
    """A home whose one account is Microsoft's."""

    kinds = ("microsoft",)
    post: GraphMail
    calendars: GraphCalendars
    contacts: GraphContacts
    todo: GraphTodo
    subscriptions: Subscriptions
    sign_in: MicrosoftSignIn

    def put_mail(self, folder: str, raw: bytes, when: datetime) -> None:
        """A mail lies in a folder since an instant."""
        self.post.put(raw, _FOLDERS[folder], at=when)

    def meeting(self, uid: str, at: datetime, *people: str, sequence: int = 0, hours: int = 1) -> None:
        """A meeting stands in the owner's calendar, or stands there otherwise than before."""
        known = exchange_uid(0, foreign=uid)
        standing = [one for one in self.calendars.events.values() if one.uid == known and not one.is_deleted]
        if standing:
            self.calendars.move(standing[0].id, at)
            return
        guests = [(one, one.partition("@")[0].title(), "accepted") for one in people]
        organizer = {"emailAddress": {"name": "Mara Lindholm", "address": MARA}}
        self.calendars.add(
            "Coffee", at, length=timedelta(hours=hours), uid=known, attendees=guests, organizer=organizer
        )

    def seen(self) -> dict[str, Seen]:
        """The tasks in the list, by the follow-up they are for."""
        return {
            key: Seen(
                task.props["title"],
                task.props.get("body", {}).get("content", ""),
                task.due.date() if task.due else None,
                task.props["status"] == "completed",
            )
            for task in self.todo.tasks()
            if (key := _key(task))
        }

    def _task(self, followup: str) -> str:
        return next(one.id for one in self.todo.tasks() if _key(one) == followup)

    def tick(self, followup: str) -> None:
        """The owner ticks a task off in their own program."""
        self.todo.change(self._task(followup), status="completed")

    def delete(self, followup: str) -> None:
        """The owner deletes a task there."""
        self.todo.delete(self._task(followup))

    def digests(self) -> list[Message]:
        """The mails that came to the owner from the home, in order."""
        return [one for one in map(message_from_bytes, self.post.sent) if one["X-Kith-Instance"]]


def _key(task: Kept) -> str:
    found = [one["externalId"] for one in task.linked if one.get("applicationName") == _APPLICATION]
    return str(found[0]) if found else ""


@contextmanager
def microsoft_world(folder: Path, start: datetime, **settings: str) -> Iterator[MicrosoftHome]:
    """A world that begins at an instant."""
    clock = FrozenClock(start)
    sign_in = MicrosoftSignIn(clock, [Registration(CLIENT, CLIENT_SECRET)], [Someone(MARA, "1001", "t1")])
    post, calendars = GraphMail(clock, user=MARA), GraphCalendars(clock)
    contacts, todo = GraphContacts(clock), GraphTodo(clock)
    subscriptions = Subscriptions(clock)
    server = graph_server((post, calendars, contacts, todo, subscriptions), sign_in.grants)
    for part in (post, calendars, contacts, todo, subscriptions):
        part.server = server
    post.told = lambda change: subscriptions.tell("me/messages", change)
    for part in (calendars, contacts, todo):
        part.told = lambda resource: subscriptions.tell(resource, "updated")
    _let_in(server, sign_in)
    with server.serve():
        sign_in.root = server.url
        known = {
            "KITH_MICROSOFT_CLIENT_ID": CLIENT,
            "KITH_MICROSOFT_CLIENT_SECRET": CLIENT_SECRET,
            "KITH_GRAPH_ROOT": server.url,
            "KITH_MICROSOFT_AUTHORITY": server.url,
        }
        made = MicrosoftHome(folder / "home", clock, server, **known, **settings)
        made.post, made.calendars, made.contacts, made.todo, made.sign_in = (
            post,
            calendars,
            contacts,
            todo,
            sign_in,
        )
        made.subscriptions = subscriptions
        try:
            yield made
        finally:
            made.close()


def _let_in(server: ApiServer, sign_in: MicrosoftSignIn) -> None:
    """Put the sign-in beside the API; Graph's schema does not tell of it."""
    held = server.inspect

    def inspect(request: Request, reply: Reply) -> Sequence[str]:
        return () if sign_in.serves(request.path) else held(request, reply)

    server.parts.append(sign_in)
    server.public = sign_in.serves
    server.inspect = inspect
