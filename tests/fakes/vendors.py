"""Google, Microsoft 365 or an Exchange server with a small network in it, to try Kith at by hand:

    python -m tests.fakes.vendors google | microsoft | exchange [--days N] [--clock RFC3339]

prints what to set, and serves until Ctrl-C. What may go wrong at a vendor is typed while it runs: `help` tells what.
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from threading import Event
from typing import Any

from msgspec import Struct

from deploy.clock import SystemClock
from schemas.clock import Clock, FrozenClock
from tests.fakes.api import Part, Reply, Request
from tests.fakes.authority import GoogleSignIn, MicrosoftSignIn, Registration, SignIn, Someone
from tests.fakes.exchange import PASSWORD, ExchangeServer
from tests.fakes.exchange_wire import T, e
from tests.fakes.gmail import Gmail
from tests.fakes.google import google_server
from tests.fakes.google_calendar import Calendars
from tests.fakes.google_people import People
from tests.fakes.google_tasks import Tasks
from tests.fakes.graph import graph_server
from tests.fakes.graph_calendar import GraphCalendars
from tests.fakes.graph_contacts import GraphContacts
from tests.fakes.graph_mail import GraphMail
from tests.fakes.graph_todo import GraphTodo
from tests.fakes.network import ADDRESSES, Network, lay_into_exchange, lay_into_google, lay_into_microsoft

CLIENT, SECRET = "kith-of-mara", "client-canary-secret"
MARA, BEN = ADDRESSES[0], "ben@example.com"
TENANT = "11111111-2222-3333-4444-555555555555"
_PEOPLE = (Someone(MARA, "1001", TENANT), Someone(BEN, "1002", TENANT))

_TASK = e("t:Task").tag


class Vendor(Struct, kw_only=True):
    """A vendor that serves: what to set for Kith, how to connect, and its parts, for tests to look at and to change."""

    settings: Mapping[str, str]
    words: tuple[str, ...]
    """What follows `kith connect`."""
    secret: str = ""
    """What is typed when it is asked for."""
    server: Any
    parts: Mapping[str, Any]
    acts: Mapping[str, tuple[str, Callable[[], object]]] = {}
    """What may happen there, by a word to type, with what it is."""

    tasks: Callable[[], list[str]]
    """The titles of all tasks there."""

    @property
    def breaches(self) -> list[str]:
        """What of all exchanges was not as the vendor's schema has it."""
        return list(self.server.breaches)


@contextmanager
def google(network: Network, clock: Clock) -> Iterator[Vendor]:
    """Google: sign-in, Gmail, Calendar, People and Tasks."""
    sign_in = GoogleSignIn(clock, [Registration(CLIENT, SECRET)], _PEOPLE)
    gmail, calendars, people, tasks = Gmail(clock, MARA), Calendars(clock, MARA), People(clock), Tasks(clock)
    lay_into_google(network, gmail, calendars, people)
    parts: dict[str, Part] = {
        "sign_in": sign_in,
        "gmail": gmail,
        "calendars": calendars,
        "people": people,
        "tasks": tasks,
    }
    server = google_server(list(parts.values()), sign_in.grants, sign_in.serves)
    with server.serve():
        sign_in.root = server.url
        yield Vendor(
            settings={
                "KITH_GOOGLE_CLIENT_ID": CLIENT,
                "KITH_GOOGLE_CLIENT_SECRET": SECRET,
                "KITH_GOOGLE_AUTH_ROOT": server.url,
                "KITH_GOOGLE_API_ROOT": server.url,
            },
            words=("google",),
            server=server,
            parts=parts,
            acts=_acts(sign_in),
            tasks=lambda: [str(task["title"]) for _, task in tasks.tasks()],
        )


@contextmanager
def microsoft(network: Network, clock: Clock) -> Iterator[Vendor]:
    """Microsoft 365: sign-in, and Graph with mail, calendar, contacts and To Do."""
    sign_in = MicrosoftSignIn(clock, [Registration(CLIENT)], _PEOPLE)
    mail, calendars = GraphMail(clock, user=MARA), GraphCalendars(clock, user=MARA)
    contacts, todo = GraphContacts(clock), GraphTodo(clock)
    lay_into_microsoft(network, mail, calendars, contacts)
    server = graph_server((sign_in, mail, calendars, contacts, todo), sign_in.grants)
    for part in (mail, calendars, contacts, todo):
        part.server = server
    held = server.inspect

    def inspect(request: Request, reply: Reply) -> Sequence[str]:
        return () if sign_in.serves(request.path) else held(request, reply)

    server.inspect, server.public = inspect, sign_in.serves
    parts = {"sign_in": sign_in, "mail": mail, "calendars": calendars, "contacts": contacts, "todo": todo}
    with server.serve():
        sign_in.root = server.url
        yield Vendor(
            settings={
                "KITH_MICROSOFT_CLIENT_ID": CLIENT,
                "KITH_MICROSOFT_AUTHORITY": server.url,
                "KITH_GRAPH_ROOT": server.url,
            },
            words=("microsoft",),
            server=server,
            parts=parts,
            acts=_acts(sign_in),
            tasks=lambda: [str(task.props["title"]) for task in todo.tasks()],
        )


@contextmanager
def exchange(network: Network, clock: Clock) -> Iterator[Vendor]:
    """An Exchange server of an organisation's own."""
    server = ExchangeServer(clock)
    server.user = MARA
    lay_into_exchange(network, server)
    with server.serve():
        yield Vendor(
            settings={},
            words=("exchange", "--user", MARA, "--url", server.url, "--allow-private"),
            secret=PASSWORD,
            server=server,
            parts={"mailbox": server},
            acts={"withdraw": ("the password becomes another", server.revoke)},
            tasks=lambda: [
                one.element.findtext(f"{T}Subject") or ""
                for one in server.items()
                if one.element.tag == _TASK
            ],
        )


def _acts(sign_in: SignIn) -> dict[str, tuple[str, Callable[[], object]]]:
    def tire() -> None:
        for one in sign_in.given:
            one.access.clear()

    def change_secret() -> None:
        sign_in.clients[CLIENT].secret = "another"

    def expire() -> None:
        tire()
        sign_in.end(MARA, "expired")

    def withdraw() -> None:
        tire()
        sign_in.end(MARA)

    return {
        "withdraw": (f"{MARA} takes the consent back", withdraw),
        "expire": (f"what {MARA} allowed was not used for too long", expire),
        "tire": ("access tokens are over; they can be renewed", tire),
        "secret": ("the client has another secret", change_secret),
    }


VENDORS = {"google": google, "microsoft": microsoft, "exchange": exchange}


def main(arguments: Sequence[str]) -> None:
    """Serve one of them until Ctrl-C."""
    from tests.fakes.network import NAME, small_network  # noqa: PLC0415  # heavy

    parser = argparse.ArgumentParser(prog="python -m tests.fakes.vendors")
    parser.add_argument("vendor", choices=sorted(VENDORS))
    parser.add_argument("--days", type=int, default=120, help="how far back the network goes")
    parser.add_argument("--clock", help="an instant at which time stands still, as in KITH_NOW")
    given = parser.parse_args(arguments)
    clock: Clock = FrozenClock(datetime.fromisoformat(given.clock)) if given.clock else SystemClock()
    network = small_network(clock.now(), given.days)
    with VENDORS[given.vendor](network, clock) as vendor:
        say = sys.stdout.write
        for name, value in {**vendor.settings, **({"KITH_NOW": given.clock} if given.clock else {})}.items():
            say(f"export {name}={value}\n")
        if vendor.settings:
            say(
                f"# a browser without a screen: export BROWSER='{sys.executable} -m tests.fakes.visitor %s'\n"
            )
        emails = " ".join(f"--email {one}" for one in ADDRESSES)
        say(f"# kith init --name '{NAME}' {emails} --timezone Europe/Berlin\n")
        say(f"# kith connect {' '.join(vendor.words)}\n")
        if vendor.secret:
            say(f"# the password: {vendor.secret}\n")
        say(
            f"# {len(network.letters)} mails, {len(network.meetings)} meetings, {len(network.cards)} cards. Ctrl-C ends.\n"
        )
        sys.stdout.flush()
        try:
            _heed(vendor, say)
        except KeyboardInterrupt:
            say("\n")


def _heed(vendor: Vendor, say: Callable[[str], object]) -> None:
    """Do what is typed, for as long as anybody could type; without anybody, wait."""
    for line in sys.stdin:
        word = line.strip()
        if word in vendor.acts:
            vendor.acts[word][1]()
            say(f"{word}: {vendor.acts[word][0]}\n")
        elif word:
            for name, (what, _) in vendor.acts.items():
                say(f"{name}: {what}\n")
            say("".join(f"not as the schema has it: {one}\n" for one in vendor.breaches))
    while not Event().wait(timedelta(hours=1).total_seconds()):
        pass


if __name__ == "__main__":
    main(sys.argv[1:])
