"""Microsoft Graph tells of news by subscriptions, which are prolonged, and opened anew where Graph ended them."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from connectors import graph_calendar, graph_contacts, graph_mail, microsoft_todo
from connectors._graph_channels import TASKS_LIFE, Watch, watching
from schemas.clock import FrozenClock
from schemas.connector import Access, Channel, ConnectorSpec, Hook
from schemas.errors import Ambiguous, ReauthRequired, Rejected
from schemas.ids import StreamName
from tests.connectors.hooks import ORIGIN, Manner, Page, a_hook, a_page
from tests.contract.live_source import SECRET, a_live_access
from tests.contract.source import NOW
from tests.contract.watch import WatchContract
from tests.fakes.api import ApiServer
from tests.fakes.faults import Faults
from tests.fakes.graph import graph_server
from tests.fakes.graph_calendar import GraphCalendars
from tests.fakes.graph_contacts import GraphContacts
from tests.fakes.graph_mail import GraphMail
from tests.fakes.graph_subscriptions import Subscriptions
from tests.fakes.graph_todo import GraphTodo
from tests.servers.mailbox import a_letter

PLACES = ("me/messages", "me/contacts")
GRAPH = "https://graph.microsoft.com/"
MANNERS: tuple[Manner, ...] = ("as html", "wrongly", "not at all")


class SubscriptionRig:
    """A mailbox whose mail and contacts are read."""

    def __init__(self, page: Page) -> None:
        self.clock = FrozenClock(NOW)
        self.subscriptions = Subscriptions(self.clock)
        self.mail = GraphMail(self.clock)
        self.mail.told = lambda change: self.subscriptions.tell("me/messages", change)
        self.calendars, self.contacts = GraphCalendars(self.clock), GraphContacts(self.clock)
        self.todo = GraphTodo(self.clock)
        parts = (self.mail, self.calendars, self.contacts, self.todo, self.subscriptions)
        self.server: ApiServer = graph_server(parts, self.grants)
        for part in parts:
            part.server = self.server
        for part in (self.calendars, self.contacts, self.todo):
            part.told = lambda resource: self.subscriptions.tell(resource, "updated")
        self.page = page
        self.hook = a_hook("microsoft")
        self.scopes = {"Mail.Read", "Contacts.Read", "Calendars.ReadBasic", "Tasks.ReadWrite"}
        self.subscriptions.postman.routes[ORIGIN] = page.url

    def grants(self, token: str) -> frozenset[str] | None:
        return frozenset(f"{GRAPH}{one}" for one in self.scopes) if token == SECRET else None

    @property
    def faults(self) -> Faults:
        return self.server.faults

    def access(self, **more: Any) -> Access:
        return a_live_access("microsoft", clock=self.clock, base_url=self.server.url, **more)

    def standing(self) -> set[str]:
        return {one.id for one in self.subscriptions.standing}

    def news(self) -> None:
        self.mail.put(a_letter("one"))
        self.subscriptions.tell("me/contacts", "updated")

    def told(self) -> list[dict[str, Any]]:
        bodies = [msgspec.json.decode(one) for one in self.page.bodies if one]
        return [entry for body in bodies for entry in body["value"]]

    def words(self) -> list[str]:
        return [one["clientState"] for one in self.told()]

    def forget(self) -> None:
        self.subscriptions.forget()

    def writes(self) -> int:
        found = sum(one.method != "GET" for one in self.server.requests)
        self.server.requests.clear()
        return found

    def watch(self, watch: Watch, standing: Sequence[Channel] = ()) -> tuple[Channel, ...]:
        return watch(self.access(), self.hook, standing)


@pytest.fixture
def rig() -> Iterator[SubscriptionRig]:
    with a_page() as page:
        made = SubscriptionRig(page)
        with made.server.serve():
            yield made
        assert made.server.breaches == []


class TestGraphChannels(WatchContract):
    """The promises of every connector that is told of news."""

    spec = ConnectorSpec("two", "Two", StreamName("two"), watch=watching(lambda _access: PLACES))


class TestGraphChannelsOneForEach(TestGraphChannels):
    """The same where Graph takes one subscription for a resource and no second one."""

    @pytest.fixture
    def rig(self, rig: SubscriptionRig) -> SubscriptionRig:
        rig.subscriptions.takes_one = True
        return rig


def mail(access: Access, hook: Any, standing: Sequence[Channel]) -> tuple[Channel, ...]:
    """What the mail connector does."""
    assert graph_mail.SPEC.watch is not None
    return graph_mail.SPEC.watch(access, hook, standing)


def test_mail_is_told_of_in_all_folders(rig: SubscriptionRig) -> None:
    """One subscription: a letter comes, is read, is moved, is deleted; each is told, with nothing of the letter."""
    rig.watch(mail)
    letter = rig.mail.put(a_letter("one"))
    rig.mail.flag(letter, isRead=True)
    rig.mail.move(letter, "archive")
    rig.mail.delete(letter)
    told = [one["changeType"] for one in rig.told()]
    assert told == ["created", "updated", "deleted", "created", "deleted"]
    assert rig.subscriptions.late == 0


def test_headers_alone_are_told_of_too(rig: SubscriptionRig) -> None:
    """The permission to read headers is enough."""
    rig.scopes = {"Mail.ReadBasic"}
    assert len(rig.watch(mail)) == 1


def test_a_subscription_is_prolonged(rig: SubscriptionRig) -> None:
    """By one request, and is the same one; its hook is asked no more."""
    opened = rig.watch(mail)
    asked = len(rig.subscriptions.postman.posted)
    rig.clock.advance(timedelta(days=6, hours=12))
    rig.writes()
    prolonged = rig.watch(mail, opened)
    assert [one.id for one in prolonged] == [one.id for one in opened]
    assert prolonged[0].ends_at - opened[0].ends_at > timedelta(days=6)
    assert rig.writes() == 1
    assert len(rig.subscriptions.postman.posted) == asked


def test_tasks_are_told_of_for_less_than_three_days(rig: SubscriptionRig) -> None:
    """Microsoft takes no more for them, and says less if it likes: what it says counts."""
    resource = "me/todo/lists/AQMkAD/tasks"
    watch = watching(lambda _access: (resource,), TASKS_LIFE)
    opened = rig.watch(watch)
    assert timedelta(days=2, hours=20) < opened[0].ends_at - NOW < timedelta(days=3)
    rig.subscriptions.longest = timedelta(hours=8)
    rig.clock.advance(timedelta(days=2))
    prolonged = rig.watch(watch, opened)
    left = prolonged[0].ends_at - rig.clock.now()
    assert timedelta(hours=8) <= left < timedelta(hours=8, seconds=1)


@pytest.mark.parametrize("manner", MANNERS)
def test_a_hook_that_answers_badly_is_told_of(rig: SubscriptionRig, manner: Manner) -> None:
    """No subscription is opened, and the words say what the hook has to do."""
    rig.page.manner = manner
    with pytest.raises(Rejected, match=r"kith\.example\.com/hooks/microsoft.*ValidationError.*ten seconds"):
        rig.watch(mail)
    assert rig.standing() == set()


def test_a_permission_that_will_not_do_keeps_reading_as_it_is(rig: SubscriptionRig) -> None:
    """A calendar of which basic facts alone may be read is not told of: nobody has to sign in for that."""
    events = watching(lambda _access: ("me/events",))
    with pytest.raises(Rejected, match="goes on asking") as told:
        rig.watch(events)
    assert not isinstance(told.value, ReauthRequired)
    rig.subscriptions.reads_basic_events = True
    assert len(rig.watch(events)) == 1


def watch_with(
    rig: SubscriptionRig, spec: ConnectorSpec, standing: Sequence[Channel] = (), **settings: Any
) -> list[str]:
    """The resources that are told of once a connector has seen to it."""
    assert spec.watch is not None
    opened = spec.watch(rig.access(**settings), rig.hook, standing)
    assert {one.id for one in opened} == rig.standing()
    return [one.resource for one in rig.subscriptions.standing]


def test_calendars_that_are_read_are_told_of(rig: SubscriptionRig) -> None:
    """By the same choice as they are read: each by itself, where Microsoft tells it to those who may read the whole event."""
    rig.scopes = {"Calendars.Read"}
    team = rig.calendars.add_calendar("Team")
    rig.calendars.add_calendar("Bob", owner="bob@example.com")
    rig.calendars.add_calendar("Birthdays", can_edit=False)
    resources = watch_with(rig, graph_calendar.SPEC)
    assert len(resources) == 2
    for calendar in ("", team):
        rig.calendars.add("Coffee", NOW, calendar=calendar)
    assert rig.words() == [rig.hook.token] * 2
    rig.subscriptions.forget()
    assert watch_with(rig, graph_calendar.SPEC, calendars=["Calendar"]) == ["me/events"]


def test_contacts_are_told_of(rig: SubscriptionRig) -> None:
    """All of them at once."""
    assert watch_with(rig, graph_contacts.SPEC) == ["me/contacts"]


def test_the_list_of_tasks_is_told_of(rig: SubscriptionRig) -> None:
    """The one that Kith writes into, by its id or name; where there is none, nothing is."""
    chosen = rig.todo.add_list("Kith")
    (resource,) = watch_with(rig, microsoft_todo.SPEC, list=chosen)
    rig.todo.add("Anything", chosen)
    assert rig.words() == [rig.hook.token]
    assert timedelta(days=2) < rig.subscriptions.standing[0].ends_at - NOW < timedelta(days=3)
    rig.subscriptions.forget()
    assert watch_with(rig, microsoft_todo.SPEC, list="Kith") == [resource]
    rig.subscriptions.forget()
    assert watch_with(rig, microsoft_todo.SPEC) == []


def test_what_is_refused_keeps_no_other(rig: SubscriptionRig) -> None:
    """What Microsoft tells nothing of is left to polling."""
    watch = watching(lambda _access: ("me/nothing", "me/messages"))
    assert len(rig.watch(watch)) == 1
    assert [one.resource for one in rig.subscriptions.standing] == ["me/messages"]


def test_one_that_nobody_knows_of_makes_room(rig: SubscriptionRig) -> None:
    """A subscription whose answer was lost is ended for another at the same hook; another home's is left alone."""
    rig.subscriptions.takes_one = True
    rig.faults.order("lose_answer", writes_only=True)
    with pytest.raises(Ambiguous):
        rig.watch(mail)
    lost = rig.standing()
    (opened,) = rig.watch(mail)
    assert lost
    assert rig.standing() == {opened.id}
    rig.hook = Hook("https://kith.example.com/elsewhere", rig.hook.token)
    rig.subscriptions.postman.routes[ORIGIN] = rig.page.url
    with pytest.raises(Rejected, match="goes on asking"):
        rig.watch(mail)
    assert rig.standing() == {opened.id}


def test_one_that_cannot_be_prolonged_is_replaced(rig: SubscriptionRig) -> None:
    """Where Graph refuses to prolong it for want of a permission, that keeps no other from going on."""
    rig.scopes = {"Calendars.Read", "Mail.Read"}
    watch = watching(lambda _access: ("me/events", "me/messages"))
    opened = rig.watch(watch)
    rig.scopes = {"Mail.Read"}
    rig.clock.advance(timedelta(days=6, hours=12))
    (kept,) = rig.watch(watch, opened)
    assert rig.standing() == {kept.id} == {opened[1].id}


@pytest.mark.parametrize("until", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_an_end_that_makes_no_sense_does_no_harm(rig: SubscriptionRig, until: str) -> None:
    """It is taken for one within a month."""
    rig.subscriptions.shows_end = until
    assert NOW <= rig.watch(mail)[0].ends_at <= NOW + timedelta(days=31)


def test_a_subscription_that_is_doubted_tells_again(rig: SubscriptionRig) -> None:
    """Graph wants it authorised again: prolonging does that."""
    opened = rig.watch(mail)
    rig.subscriptions.doubt(rig.subscriptions.standing[0])
    assert rig.told()[-1]["lifecycleEvent"] == "reauthorizationRequired"
    rig.mail.put(a_letter("unheard"))
    assert len(rig.told()) == 1
    ended = [msgspec.structs.replace(opened[0], ends_at=NOW)]
    rig.clock.advance(timedelta(minutes=1))
    assert rig.watch(mail, ended)[0].id == opened[0].id
    rig.mail.put(a_letter("heard"))
    assert rig.told()[-1]["changeType"] == "created"
