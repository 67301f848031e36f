import base64
import quopri
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from unicodedata import category

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from connectors._mail_addresses import RECIPIENTS, mailboxes
from connectors._mail_body import own_text
from connectors._mail_labels import read_labels
from connectors._mail_text import decode_words
from connectors._mime import Terms, fingerprint_of, identify, message_from_bytes, normalise
from schemas.connector import Skipped, Unreadable, Upsert
from schemas.records import Mailbox, Signal
from tests.connectors.mail import TERMS, a_mail, a_mixed_mail, left_out, read, record_of
from tests.contract.source import NOW, read_plainly

# --- when ------------------------------------------------------------------------------------------------------


def at(**headers: Any) -> datetime:
    return record_of(a_mail(**headers)).at


def test_the_date_header_tells_when() -> None:
    """Date is the time, in UTC, with its writer's offset kept."""
    record = record_of(a_mail(Date="Mon, 3 Mar 2025 10:00:00 +0530"))
    assert (record.at, record.utc_offset) == (datetime(2025, 3, 3, 4, 30, tzinfo=UTC), 330)


@pytest.mark.parametrize(
    ("date", "expected"),
    [
        ("Mon, 3 Mar 2025 10:00:00 -0000", (10, None)),
        ("Mon, 3 Mar 2025 10:00 +0100", (9, 60)),
        ("3 Mar 2025 10:00:00 EST", (15, -300)),
        ("Mon, 03 Mar 2025 10:00:00 +0000 (UTC)", (10, 0)),
        ("Mon,  3 Mar 25 10:00:00 GMT", (10, 0)),
        ("Mon Mar  3 10:00:00 2025", (10, 0)),
        ("2025-03-03T10:00:00+01:00", (9, 60)),
        ("Mon, 03-Mar-2025 10:00:60 +0000", (10, 0)),
    ],
)
def test_dates_of_many_writers(date: str, expected: tuple[int, int | None]) -> None:
    """Obsolete, foreign and sloppy dates are read."""
    record = record_of(a_mail(Date=date))
    assert (record.at.hour, record.utc_offset) == expected
    assert record.at.date().isoformat() == "2025-03-03"


RECEIVED = "from a.example.com by b.home.test; Tue, 4 Mar 2025 08:00:00 +0000"


@pytest.mark.parametrize(
    "date",
    [
        None,
        "soon",
        "Thu, 1 Jan 1970 00:00:00 +0000",
        "Wed, 4 Mar 2099 08:00:00 +0000",
        "Sat, 1 Feb 2025 07:00:00 GMT",
    ],
)
def test_an_incredible_date_gives_way_to_received(date: str | None) -> None:
    """A Date that is missing, unreadable, before 1980, in the future or 30 days off yields to the topmost Received."""
    assert at(Date=date, Received=RECEIVED) == datetime(2025, 3, 4, 8, tzinfo=UTC)


def test_a_date_near_received_stands() -> None:
    """A Date within 30 days of the topmost Received is believed."""
    assert at(Date="Sun, 2 Feb 2025 09:00:00 GMT", Received=RECEIVED) == datetime(2025, 2, 2, 9, tzinfo=UTC)


def test_only_a_day_ahead_is_believed() -> None:
    """A Date up to a day ahead of the clock stands; one further ahead is none."""
    assert at(Date=format_datetime(NOW + timedelta(hours=23))) == NOW + timedelta(hours=23)
    assert left_out(a_mail(Date=format_datetime(NOW + timedelta(hours=25)))) == "no usable date"


def test_no_date_at_all_is_refused() -> None:
    """Without Date and Received there is no time, so the message is refused."""
    change = message_from_bytes(a_mail(Date=None), read_plainly, TERMS, "box, 7")
    assert change == Unreadable("box, 7", "no usable date")


def test_older_than_since_is_left_out() -> None:
    """What is older than the day asked for is left out, and counted by that reason."""
    terms = Terms(NOW, datetime(2026, 1, 1, tzinfo=UTC))
    assert message_from_bytes(a_mail(), read_plainly, terms) == Skipped("before --since")


# --- who -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("Anna Berg <Anna@Example.COM>", [("anna@example.com", "Anna Berg")]),
        (
            '"Berg, Anna" <a@example.com>, b@example.com',
            [("a@example.com", "Berg, Anna"), ("b@example.com", "")],
        ),
        (
            "=?utf-8?q?J=C3=B6rg?= =?utf-8?q?_M=C3=BCller?= <j@example.com>",
            [("j@example.com", "Jörg Müller")],
        ),
        ('"=?utf-8?B?SsO2cmc=?=" <j@example.com>', [("j@example.com", "Jörg")]),
        ("a@example.com (Anna Berg)", [("a@example.com", "Anna Berg")]),
        ("Anna Berg a@example.com", [("a@example.com", "Anna Berg")]),
        ("'Anna' <a@example.com>", [("a@example.com", "Anna")]),
        ('"a@example.com" <a@example.com>', [("a@example.com", "")]),
        ("Team: a@example.com, B <b@example.com>;", [("a@example.com", ""), ("b@example.com", "B")]),
        ("undisclosed-recipients:;", []),
        ("a@xn--mller-kva.example.", [("a@müller.example", "")]),
        ("Anna\x00 \u202eBerg <a@example.com>", [("a@example.com", "Anna Berg")]),
        ('"Anna \\"Ann\\" Berg" <a@example.com>', [("a@example.com", 'Anna "Ann" Berg')]),
        ("<a@example.com>,, ;", [("a@example.com", "")]),
        ("mailto:a@example.com", [("a@example.com", "")]),
        ("Anna (in (nested) comment) <a@example.com>", [("a@example.com", "Anna")]),
        ("田中 <t@example.com>", [("t@example.com", "田中")]),
        ("nobody", []),
    ],
)
def test_addresses_of_many_writers(header: str, expected: list[tuple[str, str]]) -> None:
    """Groups, comments, encoded words in quotes, missing brackets, IDNA: all become mailboxes."""
    assert mailboxes(header) == tuple(Mailbox(address, name) for address, name in expected)


def test_a_name_is_cut() -> None:
    """A name longer than any is cut at 200 characters."""
    assert len(mailboxes(f"{'x' * 5000} <a@example.com>")[0].name) == 200


def test_a_sender_without_a_domain_is_still_one() -> None:
    """MAILER-DAEMON without a domain is a sender, and a machine."""
    record = record_of(a_mail(From="MAILER-DAEMON (Mail System)"))
    assert (record.sender.address, record.nature) == ("mailer-daemon", "automatic")


def test_sender_stands_in_for_from() -> None:
    """Without From the Sender header counts; without any of them the message is refused."""
    assert record_of(a_mail(From=None, Sender="a@example.com")).sender == Mailbox("a@example.com")
    assert left_out(a_mail(From=None)) == "no sender"


@pytest.mark.parametrize(
    "headers",
    [
        {"From": "'Anna Berg' via Team <team@lists.test>", "X_Original_From": "Anna Berg <anna@example.com>"},
        {"From": "Anna Berg via Team <team@lists.test>", "Reply_To": "anna@example.com"},
        {
            "From": "Anna Berg <team@lists.test>",
            "To": "team@lists.test",
            "Reply_To": "Anna Berg <anna@example.com>",
        },
    ],
)
def test_a_list_that_rewrote_from_hides_no_author(headers: dict[str, Any]) -> None:
    """The author of a post is found behind a From that the list rewrote."""
    record = record_of(a_mail(List_Id="<team.lists.test>", List_Post="<mailto:team@lists.test>", **headers))
    assert (record.nature, record.sender) == ("list", Mailbox("anna@example.com", "Anna Berg"))


def test_reply_to_the_list_changes_no_author() -> None:
    """Where Reply-To is the list itself, From is the author."""
    record = record_of(a_mail(List_Id="<team.lists.test>", To="team@lists.test", Reply_To="team@lists.test"))
    assert record.sender.address == "anna@example.com"


# --- which -----------------------------------------------------------------------------------------------------


def test_a_missing_id_is_derived() -> None:
    """A message without an id gets one that depends on its facts alone."""
    first = record_of(a_mail(Message_ID=None))
    assert first.message_id.endswith("@no-message-id.invalid")
    assert first.message_id == record_of(a_mail(Message_ID=None, X_Other="1")).message_id
    assert first.message_id != record_of(a_mail(Message_ID=None, Subject="Other")).message_id


@pytest.mark.parametrize(
    "written", ["<a@b.test>", "\n <a@b.test>", "a@b.test", " < a@b.test > ", "<a@b.test> (x)"]
)
def test_an_id_has_no_brackets(written: str) -> None:
    """However it is written, an id is bare, and the quick look at a message finds the same one."""
    raw = a_mail(Message_ID=written)
    assert record_of(raw).message_id == "a@b.test"
    assert identify(raw) == (read(raw).id, read(raw).fingerprint)


def test_references_end_with_the_answered_message() -> None:
    """References come first, In-Reply-To last, prose and repeats are passed over."""
    record = record_of(
        a_mail(
            References="<a@x.test> <b@x.test>\n <a@x.test>",
            In_Reply_To='<c@x.test> from "Anna" on Monday',
        )
    )
    assert record.references == ("a@x.test", "b@x.test", "c@x.test")


def test_thread_keys_of_providers() -> None:
    """Gmail's thread number and Outlook's GUID name the thread."""
    index = base64.b64encode(bytes(range(22)) + b"12345").decode()
    record = record_of(a_mail(X_GM_THRID="1779877655104347968", Thread_Index=index))
    assert record.thread_keys == ("gm:18b3654c10265f40", "ti:060708090a0b0c0d0e0f101112131415")


def test_the_container_leaves_no_mark() -> None:
    """Line ends, mbox quoting, status headers and blank lines at the end change neither record nor fingerprint."""
    raw = a_mail(body="One\nFrom here\n")
    stored = b"From x Mon Mar  3 10:00:00 2025\n" + a_mail(
        body=">From here\n\n\n", Status="RO", Content_Length="9"
    )
    stored = stored.replace(b"\n>From", b"\nOne\n>From")
    assert read(stored.replace(b"\n", b"\r\n")) == read(raw)


def test_another_body_is_another_fingerprint() -> None:
    """A fingerprint tells two texts apart."""
    assert identify(a_mail(body="a"))[1] != identify(a_mail(body="b"))[1]


def test_the_better_copy_has_the_greater_stamp() -> None:
    """A human's own mail beats its re-send by a list; a copy with the provider's thread beats one without."""
    plain = read(a_mail())
    assert plain.stamp > read(a_mail(List_Id="<x.test>")).stamp
    assert read(a_mail(X_GM_THRID="17")).stamp > plain.stamp
    assert read(a_mail(Bcc="c@example.com")).stamp > plain.stamp


# --- what kind -------------------------------------------------------------------------------------------------

REPORT = 'multipart/report; report-type={}; boundary="r"'
INVITE = 'multipart/alternative; boundary="r"'
INVITE_BODY = "--r\nContent-Type: text/plain\n\nJoin\n--r\nContent-Type: text/calendar; charset=utf-8;\n method=REQUEST\n\nBEGIN:VCALENDAR\n--r--\n"


@pytest.mark.parametrize(
    ("nature", "reason", "headers"),
    [
        ("personal", "", {}),
        ("personal", "", {"X_Auto_Response_Suppress": "DR, OOF, AutoReply"}),
        ("personal", "", {"X_Mailer": "Mailchimp", "X_SES_Outgoing": "2025"}),
        ("personal", "", {"From": "Info <info@tiny.example>"}),
        ("personal", "", {"From": "support@tiny.example"}),
        ("personal", "", {"From": "Bill Ing <billing@tiny.example>"}),
        ("personal", "", {"From": "norea.plyton@example.com"}),
        ("personal", "", {"Feedback_ID": "i123:Fastmail"}),
        ("personal", "", {"Feedback_ID": "1.eu:AmazonSES", "In_Reply_To": "<x@y.test>"}),
        ("personal", "", {"Auto_Submitted": "no"}),
        ("personal", "", {"Precedence": "normal"}),
        ("personal", "", {"Subject": "Out of office next week"}),
        ("personal", "", {"Subject": "Urlaub: wer kommt mit?"}),
        ("personal", "", {"Subject": "Re: Automatic reply: see you"}),
        ("personal", "", {"Return_Path": "<anna@example.com>"}),
        ("list", "List-ID header", {"List_Id": "<dev.lists.test>", "List_Unsubscribe": "<mailto:x@lists.test>"}),
        ("list", "Mailing-List header", {"Mailing_List": "list x"}),
        ("list", "Precedence: list", {"Precedence": "list"}),
        ("bulk", "List-Unsubscribe header", {"List_Unsubscribe": "<https://x.test>"}),
        ("bulk", "List-Unsubscribe-Post header", {"List_Unsubscribe_Post": "One-Click", "List_Id": "x"}),
        ("bulk", "Precedence: bulk", {"Precedence": "Bulk"}),
        ("bulk", "X-CSA-Complaints header", {"X_CSA_Complaints": "x@y.test"}),
        ("bulk", "List-Post: NO", {"List_Post": "NO", "List_Id": "<x.test>"}),
        ("automatic", "Auto-Submitted: auto-generated", {"Auto_Submitted": "auto-generated"}),
        ("automatic", "Feedback-ID header", {"Feedback_ID": "1.eu:AmazonSES"}),
        ("automatic", "sender no-reply", {"From": "Shop <no-reply@shop.example>"}),
        ("automatic", "sender shop.noreply+a", {"From": "shop.noreply+a@shop.example"}),
        ("automatic", "sender notifications", {"From": "notifications@git.example"}),
        ("automatic", "Sender header names an address that takes no replies",
         {"Sender": "Anna (via Drive) <drive-shares-noreply@docs.example>"}),
        ("automatic", "Sender header names an address that takes no replies",
         {"Sender": "calendar-notification@calendar.example"}),
        ("personal", "", {"Sender": "Sabine Vor <assistant@example.com>"}),
        ("personal", "", {"Sender": "Noreen Plyton <noreen@example.com>"}),
        ("personal", "", {"Sender": "(((<<>>,;:@"}),
        ("list", "List-ID header", {"Sender": "bounces@lists.test", "List_Id": "<dev.lists.test>"}),
        ("auto_reply", "Auto-Submitted: auto-replied", {"Auto_Submitted": "auto-replied (vacation)"}),
        ("auto_reply", "X-Autoreply header", {"X_Autoreply": "yes"}),
        ("auto_reply", "subject of an automatic answer", {"Subject": "Automatic reply: Lunch"}),
        ("auto_reply", "subject of an automatic answer", {"Subject": "Automatische Antwort: Lunch"}),
        ("auto_reply", "subject of an automatic answer", {"Subject": "=?utf-8?q?R=C3=A9ponse_automatique?= : Lunch"}),
        ("auto_reply", "subject of an automatic answer", {"Subject": "自動応答: Lunch"}),
        ("auto_reply", "subject of an absence notice, sent by a program",
         {"Subject": "Abwesenheit", "Return_Path": "<>"}),
        ("bounce", "Return-Path: <>", {"Return_Path": "<>"}),
        ("bounce", "delivery report (report-type delivery-status)", {"Content_Type": REPORT.format("delivery-status")}),
        ("receipt", "read receipt (report-type disposition-notification)",
         {"Content_Type": REPORT.format("disposition-notification")}),
        ("automatic", "Content-Type: multipart/report", {"Content_Type": REPORT.format("feedback-report")}),
        ("invitation", "calendar part with a scheduling method",
         {"Content_Type": INVITE, "body": INVITE_BODY, "List_Unsubscribe": "<https://x.test>"}),
        ("personal", "", {"Content_Type": INVITE, "body": INVITE_BODY.replace("REQUEST", "PUBLISH")}),
        ("personal", "", {"body": "Content-Type: text/calendar; method=REQUEST"}),
    ],
)  # fmt: skip
def test_nature_by_headers(nature: str, reason: str, headers: dict[str, Any]) -> None:
    """Machines are told by what only machines write; one weak header makes no human a machine."""
    record = record_of(a_mail(**headers))
    assert (record.nature, record.nature_reason) == (nature, reason)


def test_an_automatic_answer_says_so() -> None:
    """An automatic answer is a signal of its own."""
    record = record_of(a_mail(Subject="Automatic reply: Lunch"))
    assert record.signals == (Signal(kind="auto_reply", text="Automatic reply: Lunch"),)


def test_a_bounce_names_who_is_gone() -> None:
    """Recipients of status 5.1.x are named; a full mailbox (5.2.2) is not gone."""
    body = (
        "--r\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.test\n\n"
        "Final-Recipient: rfc822; Bob@Example.com\nAction: failed\nStatus: 5.1.1\n\n"
        "Final-Recipient: rfc822; full@example.com\nStatus: 5.2.2\n\n--r--\n"
    )
    record = record_of(a_mail(body=body, Content_Type=REPORT.format("delivery-status")))
    assert record.failed == ("bob@example.com",)


# --- labels ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("Inbox,Important,Work", ("", ("Work",))),
        ("Gesendet,Kategorie: Werbung", ("", ())),
        ("Messages envoyés,Client/Été", ("", ("Client/Été",))),
        ("Borradores", ("draft", ())),
        ("下書き", ("draft", ())),
        ("Correo no deseado", ("spam", ())),
        ("Prullenbak", ("trash", ())),
        ("Czat", ("chat", ())),
        ('Inbox,"Smith, Jones",x', ("", ("Smith, Jones", "x"))),
    ],
)
def test_labels_of_many_languages(header: str, expected: tuple[str, tuple[str, ...]]) -> None:
    """System labels are known in the languages Takeout writes; the rest are the owner's own."""
    assert read_labels(header) == expected


# --- texts -----------------------------------------------------------------------------------------------------

TEXTS = [
    (a_mixed_mail("Grüße aus Köln", "<p>Grüße aus <b>Köln</b></p>"), "Grüße aus Köln"),
    (a_mixed_mail(" \n", "<p>Only HTML</p>"), "<p>Only HTML</p>"),
    (a_mixed_mail("Please view in your browser.", "<p>Real</p>"), "<p>Real</p>"),
    (a_mail(Content_Type="text/plain; charset=utf-8", Content_Transfer_Encoding="base64",
            body=base64.b64encode("Grüße".encode()).decode()), "Grüße"),
    (a_mail(Content_Type="text/plain; charset=nonsense", body="Grüße"), "Grüße"),
    (a_mail(Content_Type="text/plain; charset=idna", body="plain"), "plain"),
    (a_mail(body="PLACE").replace(b"PLACE", b"caf\xe9 \x80"), "café €"),
    (a_mail(Content_Type='text/plain; charset="iso-2022-jp"', body="PLACE").replace(b"PLACE", "日本".encode("iso-2022-jp")), "日本"),
    (a_mail(Content_Type="multipart/mixed", body="--x\n\nlost"), ""),
    (a_mail(Content_Type="multipart/mixed; boundary=x", body="--x\nContent-Type: text/plain\n\ncut off"), "cut off"),
    (a_mail(Content_Type="application/pdf", body="%PDF"), ""),
    (a_mail(Content_Type="multipart/mixed; boundary=x",
            body="--x\nContent-Type: message/rfc822\n\nFrom: x@y.test\n\nforwarded\n--x--\n"), ""),
    (a_mail(Content_Type="multipart/mixed; boundary=x",
            body="--x\nContent-Type: text/plain\nContent-Disposition: attachment\n\nfile\n--x\nContent-Type: text/plain\n\nmine\n--x--\n"), "mine"),
]  # fmt: skip


@pytest.mark.parametrize(("raw", "excerpt"), TEXTS)
@pytest.mark.parametrize("by_stdlib", [False, True])
def test_texts_are_found(raw: bytes, excerpt: str, by_stdlib: bool) -> None:
    """The writer's text is found and decoded, with the Rust parser and without."""
    record = read(raw, by_stdlib=by_stdlib).record
    assert getattr(record, "excerpt", None) == excerpt


def test_bodies_of_machines_are_not_read() -> None:
    """The text stage sees what humans wrote to humans, and nothing else."""
    assert record_of(a_mail(body="Secret", List_Unsubscribe="<https://x.test>")).excerpt == ""


def test_no_text_is_kept_when_none_is_wanted() -> None:
    """Signals are read, the excerpt is not kept."""
    change = message_from_bytes(a_mail(body="Words"), read_plainly, Terms(NOW, keep_text="none"))
    assert isinstance(change, Upsert)
    assert getattr(change.record, "excerpt", None) == ""


def test_a_text_is_cut_between_characters() -> None:
    """A long text is cut without making a letter of half a letter."""
    text, _ = own_text("text/plain; charset=utf-8", "", "", ("x" + "ü" * 60_000).encode())
    assert set(text) == {"x", "ü"}


def test_8_bit_headers_are_read_line_by_line() -> None:
    """Headers in two charsets are both read."""
    raw = a_mail(Subject="ONE", X_Two="TWO").replace(b"ONE", "Grüße".encode()).replace(b"TWO", b"\xfc")
    assert record_of(raw).subject == "Grüße"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("=?utf-8?B?w7w=?= =?utf-8?B?w7w=?=", "üü"),
        ("=?utf-8?B?w?= =?utf-8?B?7w=?=", None),
        ("=?bad-charset?Q?a=FC?= x", "aü x"),
        ("a =?utf-8?q?b_c?= d", "a b c d"),
        ("=?utf-8?q?unfinished", "=?utf-8?q?unfinished"),
        ("=?iso-8859-1*de?q?=FC?=", "ü"),
    ],
)
def test_encoded_words(text: str, expected: str | None) -> None:
    """Encoded words are decoded, broken ones too, and never raise."""
    assert expected is None or decode_words(text) == expected
    assert decode_words(text).isprintable()


# --- hostile ---------------------------------------------------------------------------------------------------


def _nested(depth: int) -> bytes:
    opened = b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (level, level) for level in range(depth)
    )
    return a_mail().partition(b"\n\n")[0] + b"\n" + opened + b"Content-Type: text/plain\n\nhi\n"


def _with(name: str, value: str) -> bytes:
    headers: dict[str, Any] = {name: value}
    return a_mail(**headers)


HOSTILE = {
    "3,000-deep multipart": _nested(3000),
    "3,000-deep messages": a_mail(Content_Type="message/rfc822", body="Content-Type: message/rfc822\n\n" * 3000),
    "100k parts": _with("Content_Type", "multipart/mixed; boundary=b") + b"--b\n\nx\n" * 100_000,
    "5 MB header": _with("X_Long", "x" * 5_000_000),
    "3 MB subject": _with("Subject", "=?utf-8?q?x?= " * 220_000),
    "1M small headers": b"a:\n" * 1_000_000 + a_mail(),
    "200k references": _with("References", " ".join(f"<{n}@x.t>" for n in range(200_000))),
    "20k encoded words": _with("Subject", "=?utf-8?b?w7w=?= " * 20_000),
    "50k recipients": _with("To", ", ".join(f"Name {n} <u{n}@example.com>" for n in range(50_000))),
    "nested comments": _with("To", "(" * 60_000 + "a@example.com" + ")" * 60_000),
    "open quotes": _with("To", '"\\' * 30_000 + "<" * 30_000),
    "spaces": _with("From", "a " + " " * 60_000 + "@ b"),
    "no at": _with("To", "x" * 60_000),
    "one domain": _with("To", "a@" + "x." * 30_000),
    "bad charsets": _with("Content_Type", "text/plain; charset=" + "x" * 50_000),
    "NULs": a_mail(body="\x00" * 300_000, Subject="a\x00b"),
    "missing boundary": _with("Content_Type", "multipart/mixed; boundary=nowhere") + b"x" * 100_000,
    "mixed line ends": a_mail().replace(b"\n", b"\r\n", 3) + b"\r\r\n\n\r" * 100_000,
    "dashes": _with("Content_Type", "multipart/mixed; boundary=-") + b"-" * 262_144,
    "many boundaries": _with("Content_Type", "multipart/mixed; boundary=b") + b"--b\nContent-Type: multipart/mixed; boundary=b\n\n" * 5_000,
    "spaces in a date": _with("Date", " " * 60_000 + "Mon, 3 Mar 2025 10:00:00 +0100"),
    "long date": _with("Date", "Mon, " + "3 " * 60_000),
    "calendar parts": _with("Content_Type", "multipart/mixed; boundary=b") + b"content-type: text/calendar\n " * 9_000,
    "base64 strangers": _with("Content_Transfer_Encoding", "base64") + b"!A" * 200_000,
    "stub": a_mixed_mail("view " * 13_000, "<p>x</p>"),
    "bounce probes": _with("Content_Type", REPORT.format("delivery-status"))
    + b"Status: 5.1.1\n" + (b"Final-Recipient: " + b"@a" * 150 + b" x\n") * 800,
    "subject probes": _with("Subject", "abwesenheits" + "w" * 4_000),
    "labels": _with("X_Gmail_Labels", '"a,' * 60_000),
}  # fmt: skip


_ENCODE: dict[str, Callable[[str], bytes]] = {
    "7bit": lambda text: text.encode("ascii", "replace"),
    "8BIT": lambda text: text.encode("utf-8"),
    "quoted-printable": lambda text: quopri.encodestring(text.encode("utf-8")),
    "base64": lambda text: base64.encodebytes(text.encode("utf-8")),
}


@given(
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=300),
    st.sampled_from(sorted(_ENCODE)),
    st.sampled_from(["b1", "b'2", "--=_3", "0000c3c9"]),
    st.sampled_from(
        ["", "Content-Disposition: inline\n", "Content-Disposition: attachment\n", "X-A: b\n\tc\n"]
    ),
    st.sampled_from(["", "This is a multi-part message.\n\n", "\n"]),
)
def test_the_short_way_reads_what_a_parser_reads(
    text: str, encoding: str, boundary: str, more: str, before: str
) -> None:
    """Of a multipart that begins with its text, the same text is read whether it is parsed or not."""
    head = f"Content-Type: text/plain; charset=utf-8\n{more}Content-Transfer-Encoding: {encoding}\n\n"
    html = f"\n--{boundary}\nContent-Type: text/html; charset=utf-8\n\n<p>Hello</p>\n--{boundary}--\n"
    body = f"{before}--{boundary}\n{head}".encode() + _ENCODE[encoding](text) + html.encode()
    declared = f'multipart/alternative; boundary="{boundary}"'
    assert own_text(declared, "", "", body) == own_text(declared, "", "", body, by_stdlib=True)


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("by_stdlib", [False, True])
def test_hostile_messages_take_no_time(name: str, by_stdlib: bool) -> None:
    """Each is answered for within seconds."""
    began = time.process_time()
    change = message_from_bytes(HOSTILE[name], read_plainly, TERMS, "here", by_stdlib=by_stdlib)
    assert time.process_time() - began < 6
    assert isinstance(change, Upsert | Unreadable)


def test_hostile_messages_take_no_memory() -> None:
    """All of them together, in one process, stay under 200 MB, the interpreter included."""
    program = (
        "import resource\n"
        "from tests.connectors.test_mime import HOSTILE, TERMS, message_from_bytes, read_plainly\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "for raw in HOSTILE.values():\n"
        "    message_from_bytes(raw, read_plainly, TERMS, 'here')\n"
        "    message_from_bytes(raw, read_plainly, TERMS, 'here', by_stdlib=True)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    unit = 1024 if sys.platform != "darwin" else 1
    assert int(done.stdout) * unit < 200_000_000


def test_hostile_headers_are_bounded() -> None:
    """Of too many recipients and references the first (and the last) are kept; too large a header is refused."""
    record = record_of(HOSTILE["50k recipients"])
    assert len(record.to) == RECIPIENTS
    references = record_of(HOSTILE["200k references"]).references
    assert (len(references), references[0], references[-1]) == (200, "0@x.t", "199999@x.t")
    assert "4 MB" in left_out(HOSTILE["5 MB header"])


# --- properties ------------------------------------------------------------------------------------------------

HEADERS = st.sampled_from(
    ["From", "To", "Cc", "Date", "Subject", "Message-ID", "References", "Content-Type", "Received", "Return-Path",
     "List-Id", "X-Gmail-Labels", "Thread-Index", "X-GM-THRID", "Content-Transfer-Encoding", "Auto-Submitted"]
)  # fmt: skip
VALUES = st.one_of(
    st.text(max_size=60).map(lambda text: text.encode("utf-8", "replace")),
    st.binary(max_size=60),
    st.sampled_from([b"multipart/mixed; boundary=b", b"text/calendar; method=REQUEST", b"base64", b"=?x?b?w?=",
                     b"Mon, 3 Mar 2025 10:00:00 +0100", b"a@b.test", b"<>", b"=?utf-8?q?=C3?= <a@b.test>"]),
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(HEADERS, VALUES), max_size=12), st.binary(max_size=300), st.booleans())
@example([], b"", False)
def test_no_bytes_raise(fields: list[tuple[str, bytes]], body: bytes, by_stdlib: bool) -> None:
    """Whatever the bytes, there is an answer, and the quick look agrees with it."""
    raw = b"".join(name.encode() + b": " + value + b"\n" for name, value in fields) + b"\n" + body
    change = message_from_bytes(raw, read_plainly, TERMS, "here", by_stdlib=by_stdlib)
    assert isinstance(change, Upsert | Skipped | Unreadable)
    if isinstance(change, Upsert):
        assert identify(raw) == (change.id, change.fingerprint)
        assert (
            message_from_bytes(raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"), read_plainly, TERMS)
            == change
        )


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200))
def test_addresses_are_their_own_form(text: str) -> None:
    """Reading an address that was read changes nothing."""
    for box in mailboxes(text):
        assert not any(category(char) in {"Cc", "Cs"} for char in box.name)
        if '"' not in box.address and box.address == box.address.strip("'"):
            assert [again.address for again in mailboxes(box.address)] in ([box.address], [])


@given(st.binary(max_size=400).map(lambda raw: raw.replace(b"\r", b"")))
def test_a_normal_form_is_its_own(raw: bytes) -> None:
    """A message in its normal form keeps its fingerprint."""
    normal = normalise(b"Subject: x\n" + raw)
    again = normalise(normal.head + b"\n" + normal.body)
    assert again == normal
    assert fingerprint_of(again) == fingerprint_of(normal)
