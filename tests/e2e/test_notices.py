"""A home that vendors can reach hears of news at once; nobody else moves it, and nothing is lost where nobody tells."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from http.client import HTTPConnection
from pathlib import Path
from threading import Event, Thread
from typing import Any
from urllib.parse import urlsplit

import pytest
import structlog

from deploy.cli.accounts import disconnect
from services import accounts
from services.notices import APART, NoticeSigner, Told
from services.store.channels import channels
from tests.deploy.test_up import until
from tests.e2e.google import GoogleHome, google_world
from tests.e2e.home import MARA
from tests.e2e.hooks import PUBLIC, is_known, reachable
from tests.e2e.microsoft import MicrosoftHome, microsoft_world
from tests.e2e.month import START, day
from tests.e2e.vendor import VendorHome
from tests.fakes.api import Reply, Request
from tests.fakes.google_calendar import OWNER

ERIN, FAY = "erin@example.net", "fay@example.net"
SOON = timedelta(seconds=10)
"""Far less than the interval of any feed, which by this home's own clock never goes by."""


# --- the worlds ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def google(tmp_path: Path) -> Iterator[GoogleHome]:
    """A home at Google that was read, and is told of news in its calendar."""
    with google_world(tmp_path, START, KITH_PUBLIC_URL=PUBLIC) as life:
        with reachable(life, life.calendars.channels.postman):
            life.connect()
            life.run()
            assert len(life.calendars.channels.standing) == 1
            life.clock.advance(timedelta(minutes=1))
            life.server.requests.clear()
            yield life
            settle(life)
        assert life.server.breaches == []


@pytest.fixture
def graph(tmp_path: Path) -> Iterator[MicrosoftHome]:
    """A home at Microsoft that was read, and is told of news in mail, contacts and its list of tasks."""
    with microsoft_world(tmp_path, START, KITH_PUBLIC_URL=PUBLIC) as life:
        with reachable(life, life.subscriptions.postman):
            life.connect()
            life.run()
            watched = [one.resource.split("/")[1] for one in life.subscriptions.standing]
            assert sorted(watched) == ["contacts", "messages", "todo"]
            life.clock.advance(timedelta(minutes=1))
            life.server.requests.clear()
            yield life
            settle(life)
        assert life.server.breaches == []


def settle(life: VendorHome) -> None:
    """Let everything that was asked for by now happen."""
    assert life.household.notices.settle(SOON)
    life.household.broker.join("default")


def pulls(life: VendorHome) -> int:
    """How often the calendar's events were asked for since this was asked last."""
    asked = sum(one.path.endswith("/events") for one in life.server.requests)
    life.server.requests.clear()
    return asked


def knock(page: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> int:
    """Anybody at the hook; the status of the answer."""
    at = urlsplit(page)
    connection = HTTPConnection(at.hostname or "", at.port, timeout=10)
    try:
        connection.request("POST", path, body, dict(headers))
        return connection.getresponse().status
    finally:
        connection.close()


# --- news ---------------------------------------------------------------------------------------------------------------


def test_a_meeting_is_in_the_book_at_once(google: GoogleHome) -> None:
    """No poll is waited for: the notice is answered, one pull follows, and whom one meets is known."""
    google.meeting("first@example.com", day(2, 9), ERIN)
    assert google.calendars.channels.postman.posted[-1].status == 202
    assert until(lambda: is_known(google, ERIN), SOON) < 5
    settle(google)
    assert pulls(google) == 1


def test_a_letter_is_in_the_book_at_once(graph: MicrosoftHome) -> None:
    """Likewise at Microsoft, whatever folder it is put into."""
    graph.mail(ERIN, MARA, "Could you look at section 3 before Friday?", "Draft")
    graph.mail(MARA, FAY, "Here it is.", "Draft", folder="Sent")
    assert until(lambda: is_known(graph, ERIN) and is_known(graph, FAY), SOON) < 5
    assert graph.subscriptions.late == 0


def test_a_forged_notice_does_nothing(google: GoogleHome) -> None:
    """Without the word, with another's, with one of another home or of another vendor's account: no request follows (S24)."""
    page = google.calendars.channels.postman.routes[PUBLIC]
    standing = google.calendars.channels.standing[0]
    ours = Told(google.book.owner, "google-00000000", "google_calendar")
    forged = ["", "x", standing.token[:-1] + "A", f"{standing.token}.x", NoticeSigner(["k" * 43]).token(ours)]
    for word in forged:
        headers = {"X-Goog-Resource-State": "exists", "X-Goog-Channel-Token": word}
        assert knock(page, "/hooks/google", headers) == 403
        said = {"value": [{"clientState": word, "subscriptionId": standing.id, "changeType": "created"}]}
        assert knock(page, "/hooks/microsoft", {}, json.dumps(said).encode()) == 403
    settle(google)
    assert google.server.requests == []
    with google.app.store.read() as unit:
        assert all(one.ends_at > google.clock.now() for one in _channels(google, unit))


def test_a_storm_is_a_few_pulls(google: GoogleHome) -> None:
    """A thousand notices are all answered, in time, and are read together; what came last is read too (R29)."""
    postman = google.calendars.channels.postman
    postman.posted.clear()
    for _ in range(1_000):
        google.calendars.channels.tell(OWNER)
    assert {one.status for one in postman.posted} == {202}
    assert max(one.seconds for one in postman.posted) < 3
    settle(google)
    assert 1 <= pulls(google) <= 5
    google.meeting("last@example.com", day(2, 9), ERIN)
    settle(google)
    google.clock.advance(APART)
    google.run(1)
    assert is_known(google, ERIN)
    assert pulls(google) <= 2


def test_notices_are_answered_while_a_pull_runs(graph: MicrosoftHome) -> None:
    """Microsoft waits three seconds: also while it is asked itself, and while something else is being written."""
    held, may_go_on, is_asked = graph.server.inspect, Event(), Event()

    def slowly(request: Request, reply: Reply) -> Sequence[str]:
        if "/delta" in request.path:
            is_asked.set()
            may_go_on.wait(20)
        return held(request, reply)

    graph.server.inspect = slowly
    with graph.app.store.write():
        telling = Thread(target=graph.mail, args=(ERIN, MARA, "Could you look at section 3?"))
        telling.start()
        telling.join()
        assert not is_asked.is_set(), "nothing is pulled while nobody could note it"
    assert is_asked.wait(10)
    for _ in range(20):
        graph.subscriptions.tell("me/messages", "updated")
    assert graph.subscriptions.late == 0
    may_go_on.set()
    graph.mail(FAY, MARA, "And at section 4?")
    until(lambda: is_known(graph, ERIN), SOON)
    settle(graph)
    graph.clock.advance(APART)
    graph.run(1)
    assert is_known(graph, FAY)
    assert graph.subscriptions.late == 0


# --- channels -----------------------------------------------------------------------------------------------------------


def _channels(life: VendorHome, unit: Any) -> list[Any]:
    feeds = accounts.feeds(unit, life.book.owner)
    return [one for feed in feeds for one in channels(unit, feed.owner, feed.account, feed.connector)]


def test_channels_are_opened_anew_before_they_end(google: GoogleHome) -> None:
    """Over weeks of polling there is one at any time; what is kept is what stands."""
    used = []
    for _ in range(10):
        google.clock.advance(timedelta(days=2))
        google.run(1)
        (standing,) = google.calendars.channels.standing
        used.append(standing.id)
        with google.app.store.read() as unit:
            assert [one.id for one in _channels(google, unit)] == [standing.id]
    assert len(set(used)) == 4


def test_a_subscription_that_was_lost_heals(graph: MicrosoftHome) -> None:
    """Microsoft ends one and says so: another is opened at once, and what was not told meanwhile is read."""
    before = next(one for one in graph.subscriptions.standing if one.resource == "me/messages")
    graph.subscriptions.postman.routes, routes = {}, graph.subscriptions.postman.routes
    graph.mail(ERIN, MARA, "Could you look at section 3 before Friday?")
    graph.subscriptions.postman.routes = routes
    graph.subscriptions.remove(before)
    until(lambda: len(graph.subscriptions.standing) == 3, SOON)
    settle(graph)
    assert is_known(graph, ERIN)
    graph.clock.advance(timedelta(minutes=1))
    graph.mail(FAY, MARA, "Could you look at section 4 before Friday?")
    until(lambda: is_known(graph, FAY), SOON)


def test_where_nobody_tells_polling_goes_on(google: GoogleHome) -> None:
    """A channel that ended without a word costs time, and nothing else."""
    google.calendars.channels.forget()
    google.meeting("quiet@example.com", day(2, 9), ERIN)
    settle(google)
    assert not is_known(google, ERIN)
    google.clock.advance(timedelta(minutes=5))
    google.run(1)
    assert is_known(google, ERIN)


def test_a_refusal_is_told_once(tmp_path: Path) -> None:
    """A domain that Google does not trust: one warning in days, a try each six hours, and reading as before."""
    with google_world(tmp_path, START, KITH_PUBLIC_URL=PUBLIC) as life:
        life.calendars.channels.distrusts = True
        with reachable(life, life.calendars.channels.postman), structlog.testing.capture_logs() as logs:
            life.connect()
            for _ in range(9):
                life.run(1)
                life.clock.advance(timedelta(hours=3))
            life.meeting("read@example.com", day(2, 9), ERIN)
            life.run(1)
        assert is_known(life, ERIN)
        asked = [one for one in life.server.requests if one.path.endswith("/watch")]
        told = [one for one in logs if one["event"] == "no notices of news"]
        with life.app.store.read() as unit:
            assert [one.state for one in accounts.accounts(unit, life.book.owner)] == ["active"]
        assert [one["log_level"] for one in told] == ["warning"] + ["info"] * 4
        assert "certificate" in told[0]["why"]
        assert 5 <= len(asked) <= 10, "Google answers as if the sign-in were refused, so each try may be two"


def test_disconnecting_ends_the_channels(google: GoogleHome) -> None:
    """At the vendor; what comes afterwards all the same does nothing."""
    (standing,) = google.calendars.channels.standing
    page = google.calendars.channels.postman.routes[PUBLIC]
    disconnect(google.context(), standing.token.split("~")[1])
    assert google.calendars.channels.standing == []
    google.server.requests.clear()
    headers = {"X-Goog-Resource-State": "exists", "X-Goog-Channel-Token": standing.token}
    assert knock(page, "/hooks/google", headers) == 202
    settle(google)
    assert google.server.requests == []


def test_disconnecting_ends_the_subscriptions(graph: MicrosoftHome) -> None:
    """Likewise at Microsoft."""
    disconnect(graph.context(), "microsoft")
    assert graph.subscriptions.standing == []


def test_a_home_that_nobody_can_reach_asks_for_no_notices(tmp_path: Path) -> None:
    """Nothing is asked of the vendor beyond reading."""
    with google_world(tmp_path, START) as life:
        life.connect()
        life.run()
        assert not [one for one in life.server.requests if "watch" in one.path or "channels" in one.path]
        assert life.server.breaches == []
