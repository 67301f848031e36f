"""Gmail when things go wrong: permissions, faults on the wire, and mail and answers that mean harm."""

import string
import tracemalloc
from base64 import urlsafe_b64encode
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors import gmail
from connectors._gmail_records import Choice, Letter, Letters, read_letters
from connectors._google_batch import batch_of, headers_of, replies_of
from connectors._http import Answer
from connectors._mail_jobs import decoded
from schemas.connector import Change, Skipped, Tombstone, Unreadable, Upsert
from schemas.errors import (
    ConnectorError,
    RateLimited,
    ReauthRequired,
    Rejected,
    Transient,
)
from tests.connectors.gmail import OTHER, GmailBox, a_gmail_box, a_letter, names
from tests.connectors.mail import TERMS, a_mail
from tests.connectors.test_gmail import message_of
from tests.connectors.test_gmail_costs import holding
from tests.contract.live_source import SECRET, Mirror
from tests.contract.source import read_plainly
from tests.fakes.api import Reply, Request, no_breaches
from tests.fakes.faults import PATIENCE, Fault
from tests.fakes.gmail import METADATA, READONLY, SEND
from tests.fakes.google import refused, switched_off


@pytest.fixture
def box() -> Iterator[GmailBox]:
    """A mailbox that may be read."""
    with a_gmail_box() as made:
        yield made


# --- permissions ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scopes", [(), (SEND,), ("https://www.googleapis.com/auth/calendar.readonly",)])
def test_without_permission_nothing_is_asked(box: GmailBox, scopes: tuple[str, ...]) -> None:
    """The words say which permission is missing and how to give it."""
    for act in (lambda: box.pull(scopes=list(scopes)), lambda: gmail.survey(box.access(scopes=list(scopes)))):
        with pytest.raises(ReauthRequired, match=r"read mail \(gmail\.readonly\).*kith connect google"):
            act()
    assert box.server.requests == []


def test_a_permission_that_google_does_not_see(box: GmailBox) -> None:
    """What was granted once and is not any more: Google's word counts."""
    box.add("one")
    box.scopes = frozenset({SEND})
    with pytest.raises(ReauthRequired, match="kith connect google"):
        box.pull(scopes=[READONLY])


def test_metadata_beside_a_wider_permission(box: GmailBox) -> None:
    """With `gmail.metadata` among the permissions Google refuses texts and queries, whatever else was given: headers it is."""
    box.scopes = frozenset({READONLY, METADATA})
    box.add("one")
    (one,) = box.read().held.values()
    assert message_of(one).excerpt == ""


def test_a_token_that_has_ended_is_renewed_once(box: GmailBox) -> None:
    """Another one is asked for, and with it everything goes on; if that is refused too, the owner is asked."""
    box.add("one")
    box.token = OTHER
    renewed: list[str] = []

    def renew(old: str, /) -> str:
        renewed.append(old)
        return OTHER

    assert names(Mirror().take(box.pull(renew=renew))) == ["one"]
    assert set(renewed) == {SECRET}
    with pytest.raises(ReauthRequired) as told:
        box.pull(renew=lambda _old: "a third token")
    assert "token" not in str(told.value)


def test_an_api_that_is_switched_off(box: GmailBox) -> None:
    """The words say where to switch it on; so they do of an account without a mailbox."""
    box.gmail.has_mailbox = False
    for act in (box.pull, lambda: gmail.survey(box.access())):
        with pytest.raises(Rejected, match="no Gmail"):
            act()
    box.gmail.has_mailbox = True
    one = box.put("one")
    box.gmail.refuses = {one: deque([switched_off()])}
    with pytest.raises(Rejected, match="switched off"):
        box.pull()


def test_the_day_is_used_up(box: GmailBox) -> None:
    """A daily limit is waited out until midnight at the Pacific, by which Google counts."""
    one = box.put("one")
    limit = refused(403, "dailyLimitExceeded", "Daily Limit Exceeded", domain="usageLimits")
    box.gmail.refuses = {one: deque([limit])}
    with pytest.raises(RateLimited) as told:
        box.pull()
    assert told.value.retry_after == timedelta(hours=23)  # 9:00 UTC is 1:00 there


# --- faults on the wire -----------------------------------------------------------------------------------------------

FAULTS: list[tuple[Fault, type[ConnectorError] | None]] = [
    ("die_before", Transient),
    ("lose_answer", Transient),
    ("cut", Transient),
    ("web_page", Transient),
    ("500", Transient),
    ("503", Transient),
    ("429", RateLimited),
    ("slow", None),
]


@pytest.mark.parametrize(("fault", "error"), FAULTS)
def test_faults_at_every_request(box: GmailBox, fault: Fault, error: type[ConnectorError] | None) -> None:
    """R10: whatever request meets it, the pull ends as what it is, and the next one has everything, once."""
    for number in range(30):
        box.put(f"n{number:02}", days=number * 2)
    box.read()
    requests = box.requests
    assert requests >= 7
    for place in range(requests):
        mirror = Mirror()
        with meeting(box, fault, place):
            if error is None:
                box.read(mirror)
            else:
                with pytest.raises(error) as told:
                    box.read(mirror)
                assert SECRET not in str(told.value)
                if isinstance(told.value, RateLimited):
                    assert told.value.retry_after == timedelta(seconds=PATIENCE)
        box.read(mirror, is_held=holding(mirror))
        assert len(mirror.held) == 30, place


@contextmanager
def meeting(box: GmailBox, fault: Fault, place: int) -> Iterator[None]:
    """One request meets a fault, so many others having been answered."""
    begun = box.requests
    inspect = box.server.inspect

    def count(request: Request, reply: Reply) -> Sequence[str]:
        if "host" in request.headers and box.requests - begun == place:
            box.server.faults.order(fault)
        return inspect(request, reply)

    if place == 0:
        box.server.faults.order(fault)
    box.server.inspect = count
    yield
    box.server.inspect = inspect
    box.server.faults.mend()


# --- hostile mail -----------------------------------------------------------------------------------------------------


def hostile() -> dict[str, bytes]:
    """Mails that mean harm, by names."""
    deep = b"".join(b'Content-Type: multipart/mixed; boundary="b%d"\n\n--b%d\n' % (n, n) for n in range(60))
    return {
        "injected header": a_mail(1, Subject="a\r\n\tBcc: eve@example.com", From="Eve\r <eve@example.com>"),
        "labels of its own": a_mail(2, X_Gmail_Labels="Spam", X_GM_THRID="99"),
        "boundary in the text": a_mail(
            3, body="--b\nContent-Type: text/plain\n\nMine.\n--b--\n--b\n\nNot mine.\n", Content_Type='multipart/mixed; boundary="b"'
        ),
        "no boundary": a_mail(4, body="--x\n\nlost\n--x--\n", Content_Type="multipart/mixed"),
        "nested": a_mail(5, body="x", Content_Type='multipart/mixed; boundary="z"').replace(b"\n\nx", b"\n\n--z\n" + deep),
        "a thousand parts": a_mail(6, body="--b\n\n\n" * 1_000 + "--b--\n", Content_Type='multipart/mixed; boundary="b"'),
        "broken base64": a_mail(7, body="@@@@A", Content_Transfer_Encoding="base64", Content_Type="text/plain"),
        "a charset that is none": a_mail(8, body="hi\n", Content_Type='text/plain; charset="../../etc"'),
        "a slow charset": a_mail(9, body="xn--" + "a" * 60_000, Content_Type="text/plain; charset=punycode"),
        "long names": a_mail(10, To=", ".join(f"a{n}@example.com" for n in range(5_000))),
        "controls": a_mail(11, Subject="a\x00b\x07c\u202e"),
        "no sender": a_mail(12, From=None),
        "empty": b"\n",
        "a mail in a mail": a_mail(13, body="", Content_Type='multipart/mixed; boundary="m"')
        + b"--m\nContent-Type: message/rfc822\n\nSubject: inner\n\nCould you do this?\n--m--\n",
    }  # fmt: skip


def test_hostile_mail_harms_nothing(box: GmailBox) -> None:
    """Each mail is a record or is named with a reason; the rest comes as ever, and nothing leaks from one into another."""
    box.server.inspect = no_breaches
    for raw in hostile().values():
        box.gmail.deliver(raw)
    box.add("innocent")
    mirror = box.read()
    assert len(mirror.held) + len(mirror.unreadable) == len(hostile()) + 1
    assert {one.reason for one in mirror.unreadable} == {"no sender", "no mail headers"}
    held = {message_of(one).message_id: message_of(one) for one in mirror.held.values()}
    assert held["innocent@example.com"].excerpt == "Shall we meet on Tuesday?"
    assert held["m2@example.com"].labels == ()
    assert "99" not in str(held["m2@example.com"].thread_keys[1:])
    assert "inner" not in held["m13@example.com"].excerpt
    assert held["m1@example.com"].bcc == ()
    assert len(held["m10@example.com"].to) == 500


def test_a_text_beyond_all_measure(box: GmailBox) -> None:
    """Of a mail with fourteen megabytes of text the headers come; the others of its batch come whole."""
    box.server.inspect = no_breaches
    for number in range(6):
        box.put(f"n{number}")
    box.gmail.deliver(a_letter("huge").replace(b"Shall we", b"x" * 14_000_000))
    mirror = box.read()
    assert len(mirror.held) == 7
    found = {message_of(one).message_id: message_of(one).excerpt for one in mirror.held.values()}
    assert found.pop("huge@example.com") == ""
    assert set(found.values()) == {"Shall we meet on Tuesday?"}


def an_answer(**more: Any) -> dict[str, Any]:
    """Gmail's answer about a mail."""
    headers = [
        {"name": "From", "value": "Anna <anna@example.com>"},
        {"name": "Date", "value": "Mon, 03 Mar 2025 10:00:00 +0100"},
        {"name": "Message-ID", "value": "<x@example.com>"},
    ]
    said = {
        "id": "1",
        "threadId": "1",
        "payload": {"mimeType": "text/plain", "headers": headers, **more.pop("payload", {})},
    }
    return {**said, **more}


def changes_of(body: bytes) -> list[Change]:
    """What one answer comes to."""
    return decoded(read_letters(Letters(read_plainly, TERMS, Choice(), {}, False, 0, (Letter("1", body),))))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=30),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                "id threadId labelIds payload headers name value body data parts mimeType".split()
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=30,
)


@given(json_values | st.binary(max_size=200))
def test_no_answer_makes_the_reader_fail(said: Any) -> None:
    """Whatever stands where a message should, it is a change with a reason."""
    body = said if isinstance(said, bytes) else msgspec.json.encode(said)
    for change in changes_of(body):
        assert isinstance(change, Upsert | Unreadable | Skipped | Tombstone)


@given(
    st.lists(st.tuples(st.text(string.ascii_letters + "-:\n\r \x00", max_size=20), st.text(max_size=60)), max_size=6),
    st.text(string.ascii_letters + string.digits + "-_=+/ \n", max_size=120),
    st.sampled_from(["text/plain", "text/html", "multipart/mixed", "multipart/report", "TEXT/calendar", "", "message/rfc822"]),
)  # fmt: skip
def test_no_part_makes_the_reader_fail(headers: list[tuple[str, str]], data: str, media: str) -> None:
    """Header names with line breaks, contents that are no base64, parts of any kind: the sender stays who it is."""
    fields = [{"name": name, "value": value} for name, value in headers]
    part = {"mimeType": media, "headers": fields, "body": {"data": data}}
    kind = {"name": "Content-Type", "value": f'{media}; boundary="q"'}
    said = an_answer(payload={"parts": [part, {**part, "parts": [part]}], "body": {"data": data}})
    said["payload"]["headers"] += [kind, *fields]
    for change in changes_of(msgspec.json.encode(said)):
        if isinstance(change, Upsert):
            assert message_of(change).sender.address == "anna@example.com"


def test_much_in_one_answer_takes_little_memory() -> None:
    """Twelve megabytes of HTML, nested parts and a thousand headers cost a few times their size, and no more."""
    html = urlsafe_b64encode(b"<p>x</p>" * 1_200_000).decode()
    part: dict[str, Any] = {"mimeType": "text/html", "body": {"data": html}}
    for _ in range(40):
        part = {"mimeType": "multipart/mixed", "parts": [part]}
    fields = [{"name": "X-A", "value": "b" * 100}] * 1_000
    said = an_answer(payload={"parts": [part]})
    said["payload"]["headers"] += [
        {"name": "Content-Type", "value": 'multipart/mixed; boundary="q"'},
        *fields,
    ]
    body = msgspec.json.encode(said)
    tracemalloc.start()
    changes = changes_of(body)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert isinstance(changes[0], Upsert)
    assert peak < 3 * len(body)


# --- hostile answers to batches -----------------------------------------------------------------------------------------


def an_answer_of(body: bytes, kind: str = "multipart/mixed; boundary=b") -> Answer:
    return Answer(200, {"content-type": kind}, body, "http://127.0.0.1/batch")


@given(st.binary(max_size=300), st.sampled_from(["multipart/mixed; boundary=b", 'multipart/mixed; boundary="b c"', "text/html", ""]))  # fmt: skip
def test_no_batch_makes_the_reader_fail(body: bytes, kind: str) -> None:
    """What is no answer to a batch is `Transient`; what is half of one has fewer replies."""
    with suppress(Transient):
        assert set(replies_of(an_answer_of(b"--b\r\n" + body + b"\r\n--b--", kind), 3)) <= {0, 1, 2}


def test_replies_are_told_apart_by_name_alone() -> None:
    """In any order, with a stranger among them, with one of a number that was not asked for, and one without a status."""

    def part(name: str, line: str, body: str) -> str:
        return f"--b\r\nContent-Type: application/http\r\nContent-ID: <{name}>\r\n\r\n{line}\r\nX: y\r\n\r\n{body}\r\n"

    whole = (
        part("response-1", "HTTP/1.1 404 Not Found", "gone")
        + part("response-0", "HTTP/1.1 200 OK", "fine")
        + part("response-7", "HTTP/1.1 200 OK", "stranger")
        + part("other-2", "HTTP/1.1 200 OK", "other")
        + part("response-2", "nonsense", "")
        + "--b--\r\n"
    )
    found = replies_of(an_answer_of(whole.encode()), 3)
    assert {number: (one.status, one.body) for number, one in found.items()} == {
        0: (200, b"fine"),
        1: (404, b"gone"),
    }
    assert headers_of(found[0]) == {"x": "y"}


def test_a_batch_is_the_same_each_time() -> None:
    """Nothing in it is left to chance, and no path can end its part."""
    assert batch_of(["/a", "/b"]) == batch_of(["/a", "/b"])
    kind, content = batch_of(["/a", "/b"])
    boundary = kind.partition("boundary=")[2].encode()
    assert content.count(b"--" + boundary) == 3
    assert content.endswith(b"--" + boundary + b"--\r\n")
