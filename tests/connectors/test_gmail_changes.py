"""Gmail's history: what comes, goes and moves, in whatever order it is told, and what happens once it is lost."""

import random
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from connectors import gmail
from schemas.connector import Page, Tombstone, Upsert
from schemas.errors import CursorExpired, RateLimited, Transient
from schemas.interface import SourceReport
from services.ingest import Ingest, fingerprints_held
from services.store import events as stream
from services.store.unit import Store
from tests.connectors.gmail import HEADERS_ONLY, GmailBox, a_gmail_box, name_of, names
from tests.connectors.test_gmail import message_of
from tests.connectors.test_gmail_costs import Eager, holding
from tests.contract.live_source import Mirror, live_changes
from tests.fakes.api import no_breaches
from tests.fakes.google import refused
from tests.services.builders import a_book


@pytest.fixture
def box() -> Iterator[GmailBox]:
    """A mailbox that may be read."""
    with a_gmail_box() as made:
        yield made


def kinds(pages: list[Page]) -> list[tuple[type, str]]:
    """What changed, in order: kinds of changes, and ids."""
    return [(type(one), str(getattr(one, "id", ""))) for one in live_changes(pages)]


# --- what changes -----------------------------------------------------------------------------------------------------


def test_the_bin_takes_away_and_gives_back(box: GmailBox) -> None:
    """A mail in the bin or in spam is gone; taken out again it is there again; deleted for good it stays gone."""
    box.add("one")
    box.add("two")
    mirror = box.read()
    for label in ("TRASH", "SPAM"):
        box.gmail.relabel(box.named("one"), [label])
        assert names(box.read(mirror)) == ["two"]
        box.gmail.relabel(box.named("one"), remove=[label])
        assert names(box.read(mirror)) == ["one", "two"]
    box.gmail.trash(box.named("one"))
    box.remove("one")
    assert names(box.read(mirror)) == ["two"]


def test_in_and_out_between_two_looks(box: GmailBox) -> None:
    """What moved and moved back between two pulls is as it is now, not as it was on the way."""
    for name in ("back", "away", "brief"):
        box.add(name)
    mirror = box.read()
    box.gmail.trash(box.named("back"))
    box.gmail.relabel(box.named("back"), remove=["TRASH"])
    box.gmail.trash(box.named("away"))
    box.gmail.relabel(box.named("away"), remove=["TRASH"])
    box.gmail.trash(box.named("away"))
    box.gmail.delete(box.put("never-seen"))
    assert names(box.read(mirror)) == ["back", "brief"]


def test_a_draft_that_is_sent_is_one_mail(box: GmailBox) -> None:
    """Each saving of a draft is another message that goes again; what is sent is one."""
    mirror = box.read()
    for _ in range(3):
        box.gmail.delete(box.put("letter", labels=["DRAFT"]))
    box.put("letter", labels=["SENT"])
    assert [kind for kind, _ in kinds(box.pull(mirror.cursor)) if kind is Upsert] == [Upsert]
    assert names(box.read(mirror)) == ["letter"]


def test_labels_follow_the_owners(box: GmailBox) -> None:
    """A label of the owner's own that comes or goes is told of; one of Gmail's own is no news."""
    box.add("one")
    work = box.gmail.make_label("Work")
    mirror = box.read()
    box.gmail.relabel(box.named("one"), [work])
    assert [message_of(one).labels for one in box.read(mirror).held.values()] == [("Work",)]
    box.gmail.relabel(box.named("one"), ["STARRED", "CATEGORY_SOCIAL"], ["UNREAD"])
    assert live_changes(box.pull(mirror.cursor)) == []
    box.gmail.relabel(box.named("one"), remove=[work])
    assert [message_of(one).labels for one in box.read(mirror).held.values()] == [()]


def test_a_mail_that_goes_before_it_is_got(box: GmailBox) -> None:
    """Deleted, binned or sorted out between the list and the get, it is gone, and the others come."""
    for name in ("deleted", "binned", "stays"):
        box.add(name)
    box.gmail.after_list.append(lambda: box.remove("deleted"))
    box.gmail.after_list.append(lambda: None)
    box.gmail.before.extend([lambda: None] * 3 + [lambda: box.gmail.trash(box.named("binned"))])
    mirror = box.read()
    assert "deleted" not in names(mirror)
    assert names(box.read(mirror)) == ["stays"]
    assert mirror.unreadable == []


def test_what_comes_while_it_is_listed_is_not_missed(box: GmailBox) -> None:
    """The point of the history is taken before the listing, so that the next pull tells of what came behind it."""
    for number in range(6):
        box.put(f"old{number}", days=40 + number)
    box.gmail.page_size = 2
    box.gmail.after_list.extend([lambda: None] * 5 + [lambda: box.add("new"), lambda: box.remove("old0")])
    mirror = box.read()
    assert names(box.read(mirror)) == ["new", "old1", "old2", "old3", "old4", "old5"]


def test_a_token_that_has_ended(box: GmailBox) -> None:
    """Where Gmail no longer takes a page token the listing begins at its top, and nothing held is got again."""
    for number in range(90):
        box.put(f"n{number:02}", days=50 + number)
    box.gmail.page_size = 30
    box.gmail.units = 1 + 5 + 5 + 1 + 40 * 20 + 60
    mirror = Mirror()
    with pytest.raises(RateLimited):
        box.read(mirror)
    assert 30 <= len(mirror.held) < 90
    box.gmail.units = 10**9
    box.gmail.forgets_tokens = True
    box.gmail.page_size = 500
    box.read(mirror, is_held=holding(mirror))
    assert len(names(mirror)) == 90
    assert box.gmail.calls["messages.get"] == 90


def test_history_in_no_order(box: GmailBox) -> None:
    """The history was seen to be told in no order: what comes of it is the same."""
    for seed in range(20):
        chance = random.Random(seed)
        box.gmail.shuffled = chance
        box.gmail.page_size = chance.choice([2, 5, 500])
        mirror = box.read()
        for number in range(12):
            stir(box, chance, f"s{seed}-{number}")
        box.read(mirror)
        assert names(mirror) == there(box), seed


def stir(box: GmailBox, chance: random.Random, name: str) -> None:
    """Something happens to the mailbox."""
    ids = list(box.gmail.mails)
    what = chance.random() if ids else 0.0
    if what < 0.35:
        box.put(name, days=chance.random() * 900, labels=[chance.choice(["INBOX", "SENT", "DRAFT", "SPAM"])])
        return
    one = chance.choice(ids)
    if what < 0.5:
        box.gmail.delete(one)
    elif what < 0.7:
        box.gmail.relabel(one, [chance.choice(["TRASH", "SPAM", "STARRED"])])
    elif what < 0.85:
        box.gmail.relabel(one, remove=["TRASH", "SPAM", "UNREAD"])
    else:
        box.gmail.relabel(one, ["UNREAD"])


def there(box: GmailBox) -> list[str]:
    """The names of all that should be held."""
    left_out = {"DRAFT", "CHAT", "SPAM", "TRASH"}
    found = []
    for mail in box.gmail.mails.values():
        if not mail.labels & left_out:
            head = mail.raw.partition(b"Message-ID: <")[2]
            found.append(head.partition(b"@")[0].decode())
    return sorted(found)


# --- a history that is lost -------------------------------------------------------------------------------------------


def again(box: GmailBox, mirror: Mirror, **more: Any) -> None:
    """A pull as ingest makes it: where the cursor is dead, one from nothing; pages before a fault are kept."""
    try:
        mirror.take(gmail.open_source(box.access(is_held=holding(mirror), **more)).pull(mirror.cursor))
    except CursorExpired:
        mirror.cursor = None
        mirror.take(gmail.open_source(box.access(is_held=holding(mirror), **more)).pull(None))


@pytest.mark.parametrize(
    "seeds", [range(6), pytest.param(range(6, 100), marks=pytest.mark.slow, id="the rest of a hundred")]
)
@pytest.mark.parametrize("scopes", [(), HEADERS_ONLY], ids=["texts", "headers"])
def test_a_lost_history_doubles_and_loses_nothing(scopes: tuple[str, ...], seeds: Sequence[int]) -> None:
    """R7, R8: over 100 seeds, with the reading broken off anywhere: what is held is what is there, each once."""
    for seed in seeds:
        with a_gmail_box(*scopes) as box:
            box.server.inspect = no_breaches if seed % 10 else box.server.inspect
            chance = random.Random(seed)
            for number in range(chance.randrange(4, 14)):
                box.put(f"a{number}", days=chance.random() * 900)
            box.gmail.page_size = chance.choice([2, 3, 500])
            mirror = box.read()
            for round_ in range(2):
                for number in range(chance.randrange(8)):
                    stir(box, chance, f"b{round_}-{number}")
                box.gmail.expire()
                for number in range(chance.randrange(3)):
                    stir(box, chance, f"c{round_}-{number}")
                gone = set(mirror.held)
                for _ in range(chance.randrange(3)):
                    box.break_off(chance.randrange(6_000))
                    with suppress(Transient):
                        again(box, mirror)
                    box.mend()
                    alive = {
                        key
                        for key in gone
                        if key[1] in box.gmail.mails
                        and not box.gmail.mails[key[1]].labels & {"SPAM", "TRASH"}
                    }
                    assert alive <= mirror.held.keys(), seed
                again(box, mirror)
                assert names(mirror) == there(box), (seed, round_)


def test_nothing_is_retired_while_something_moves(box: GmailBox) -> None:
    """What is deleted while all is listed lets a page leave something out: then the listing is made anew."""
    for number in range(8):
        box.put(f"n{number}", days=number)
    mirror = box.read()
    box.gmail.expire()
    box.gmail.page_size, box.gmail.counts_pages = 2, True
    with pytest.raises(CursorExpired):
        box.pull(mirror.cursor)
    # Four pages of the last weeks and two looks at what is older; then, of those that may retire something, the second.
    box.gmail.after_list.extend([lambda: None] * 7 + [lambda: box.remove("n0")])
    for _ in mirror.taking(gmail.open_source(box.access(is_held=holding(mirror))).pull(None)):
        assert set(there(box)) <= set(names(mirror))
    assert names(mirror) == there(box) == [f"n{number}" for number in range(1, 8)]


def test_a_listing_that_shifts_leaves_nothing_out(box: GmailBox) -> None:
    """What slipped by, because messages before it went while pages were turned, comes when it is listed once more."""
    for number in range(60):
        box.put(f"n{number:02}", days=50 + number)
    box.gmail.page_size, box.gmail.counts_pages = 10, True
    box.gmail.units = 1 + 5 * 9 + 1 + 2 + 20 * 20
    box.gmail.after_list.extend(
        [lambda: None] * 7 + [lambda: box.remove("n01"), lambda: box.remove("n03"), lambda: box.remove("n05")]
    )
    mirror = Mirror()
    for _ in range(9):
        with suppress(RateLimited):
            box.read(mirror, is_held=holding(mirror))
            break
        box.clock.advance(timedelta(minutes=1))
    assert names(mirror) == there(box)
    assert len(mirror.held) == 57
    assert box.gmail.calls["messages.get"] <= 60


def test_a_mailbox_that_never_rests(box: GmailBox) -> None:
    """Where something goes during every listing nothing is retired by absence; the next pull tries once more."""
    for number in range(80):
        box.put(f"n{number:02}", days=number / 10)
    mirror = box.read()
    box.remove("n79")
    box.gmail.expire()
    box.gmail.page_size, box.gmail.counts_pages = 20, True
    left = iter(range(60))
    box.gmail.after_list.extend([lambda: box.remove(f"n{next(left):02}")] * 60)
    mirror.cursor = None
    box.read(mirror, is_held=holding(mirror))
    assert "n79" in names(mirror)
    assert set(there(box)) <= set(names(mirror))
    box.gmail.after_list.clear()
    box.read(mirror, is_held=holding(mirror))
    assert names(mirror) == there(box)


def test_a_mailbox_that_lists_nothing_is_not_believed(box: GmailBox, sqlite_store: Store) -> None:
    """Through ingest: an emptied listing is held back, a true one retires what is gone, and the store holds each once."""
    book = a_book(sqlite_store)
    for number in range(20):
        box.put(f"n{number}", days=number)

    def ingested() -> SourceReport:
        report = SourceReport("google", "gmail")
        is_held = fingerprints_held(book.store, book.owner, "google", "mail")
        ingest = Ingest(book.store, book.owner, book.clock, "google", "gmail", gather=500, is_live=True)
        source = gmail.open_source(box.access(is_held=is_held, workers=Eager()))
        ingest.run(source, report, [], lambda _: None)
        return report

    assert ingested().added == 20
    gets = box.gmail.calls["messages.get"]
    box.remove("n3")
    box.gmail.expire()
    box.add("n20")
    told = ingested()
    assert (told.added, told.deleted, told.unchanged) == (1, 1, 19)
    assert box.gmail.calls["messages.get"] - gets == 1
    with book.store.read() as unit:
        source = next(
            key for key, name in stream.sources(unit, book.owner).items() if name == ("google", "mail")
        )
        assert len(stream.held_keys(unit, book.owner, source)) == 20


def test_deaths_between_pages_lose_nothing(box: GmailBox) -> None:
    """R9: from any page of a pull of changes that has news, tombstones and old mail, the next goes on."""
    for number in range(60):
        box.put(f"n{number:02}", days=number * 3)
    first = Mirror()
    pages = gmail.open_source(box.access()).pull(None)
    first.take([next(pages), next(pages)])
    pages.close()  # type: ignore[attr-defined]  # it is a generator
    for number in range(0, 60, 7):
        box.remove(f"n{number:02}")
    for number in range(30):
        box.add(f"m{number:02}")
    whole = box.pull(first.cursor)
    for number in range(len(whole) + 1):
        mirror = Mirror()
        mirror.held, mirror.cursor = dict(first.held), first.cursor
        mirror.take(whole[:number])
        box.read(mirror)
        assert names(mirror) == there(box)


def test_many_tombstones(box: GmailBox) -> None:
    """Thousands that are gone come in several pages, of which the last alone moves the point on."""
    box.server.inspect = no_breaches
    ids = [box.put(f"n{number}") for number in range(30)]
    mirror = box.read()
    for number in range(2_500):
        box.gmail.delete(box.put(f"x{number}"))
    for one in ids[5:]:
        box.gmail.delete(one)
    pages = box.pull(mirror.cursor)
    gone = [sum(isinstance(one, Tombstone) for one in page.changes) for page in pages]
    assert gone == [1_000, 1_000, 525, 0]
    for number in range(len(pages)):
        half = Mirror()
        half.held, half.cursor = dict(mirror.held), mirror.cursor
        half.take(pages[:number])
        assert len(box.read(half).held) == 5


def test_refusals_within_a_batch(box: GmailBox) -> None:
    """Each part has an end of its own: tried again, gone, named with its reason; the others come as ever."""
    ids = {name: box.put(name) for name in ("later", "trouble", "gone", "broken", "token", "fine")}
    box.gmail.refuses = {
        ids["later"]: deque([refused(429, "rateLimitExceeded", "Too many concurrent requests for user.")]),
        ids["trouble"]: deque([refused(503, "backendError", "Backend Error")] * 2),
        ids["gone"]: deque([refused(404, "notFound", "Requested entity was not found.")]),
        ids["broken"]: deque([refused(400, "failedPrecondition", "Precondition check failed.")]),
        ids["token"]: deque([refused(401, "authError", "Invalid Credentials")]),
    }
    mirror = box.read()
    assert names(mirror) == ["fine", "later", "token", "trouble"]
    assert [(one.where, one.reason) for one in mirror.unreadable] == [
        (f"Gmail message {ids['broken']}", "Gmail does not hand it out (400)")
    ]


@pytest.mark.parametrize("others", [3, 60])
def test_a_mail_that_is_never_handed_out_stops_no_other(box: GmailBox, others: int) -> None:
    """One at which Gmail fails each time, while it hands out others, is told of; a whole listing brings it later."""
    for number in range(others):
        box.put(f"n{number}", days=number)
    mirror = box.read(is_held=holding(Mirror()))
    bad = box.put("bad", days=0)
    box.gmail.poison.add(bad)
    box.read(mirror, is_held=holding(mirror))
    assert [(one.where, one.reason) for one in mirror.unreadable] == [
        (f"Gmail message {bad}", "Gmail does not hand it out (it fails each time)")
    ]
    box.put("after", days=0)
    assert {"after", "n2"} <= set(names(box.read(mirror, is_held=holding(mirror))))
    assert len(mirror.unreadable) == 1
    box.gmail.poison.clear()
    mirror.cursor = None
    assert "bad" in names(box.read(mirror, is_held=holding(mirror)))


def test_some_of_many_that_are_never_handed_out(box: GmailBox) -> None:
    """In a first reading too, wherever they are."""
    ids = [box.put(f"n{number}", days=number * 3) for number in range(60)]
    box.gmail.poison |= {ids[0], ids[30], ids[59]}
    mirror = box.read()
    assert len(mirror.held) == 57
    assert len(mirror.unreadable) == 3


def test_where_most_fail_it_is_an_outage(box: GmailBox) -> None:
    """Where no other mail is handed out either none is given up: all come once it is over."""
    ids = [box.put(f"n{number}", days=number) for number in range(6)]
    for fine in (None, ids[1]):
        box.gmail.poison = {one for one in ids if one != fine}
        mirror = Mirror()
        with pytest.raises(Transient):
            box.read(mirror)
        assert mirror.unreadable == []
    box.gmail.poison.clear()
    assert len(box.read(mirror, is_held=holding(mirror)).held) == 6


def test_news_come_before_what_is_left(box: GmailBox) -> None:
    """While a first reading lasts, each pull tells of what came since the last one before it goes on."""
    for number in range(200):
        box.put(f"old{number}", days=40 + number)
    box.gmail.units = 600
    mirror = Mirror()
    for turn in range(3):
        with pytest.raises(RateLimited):
            box.read(mirror, is_held=holding(mirror))
        box.put(f"new{turn}", days=0)
        box.gmail._spendings.clear()
        pages = gmail.open_source(box.access(is_held=holding(mirror))).pull(mirror.cursor)
        page = next(pages)
        assert [name_of(one.record) for one in page.changes if isinstance(one, Upsert)] == [f"new{turn}"]
        mirror.take([page])
        pages.close()  # type: ignore[attr-defined]  # it is a generator
