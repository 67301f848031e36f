"""The digest as a mail to be sent: the same to the byte when it is made again, and never taken for a letter."""

from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

import pytest

from schemas.errors import ConfigError
from schemas.records import Mailbox
from services.digest import Links
from services.digest.posting import message_id, post
from services.links import LinkSigner, digest_links
from services.store.unit import Store
from tests.connectors.mail import record_of
from tests.digest import weeks
from tests.services.builders import MARA, a_book, take

LINKS = digest_links(LinkSigner(["k" * 43]), "https://kith.example.com", 7, weeks.full_week(), is_mailed=True)


def posted(**changes: Any) -> bytes:
    given: dict[str, Any] = {
        "owner": 7,
        "sender": Mailbox(MARA, "Kith"),
        "to": Mailbox(MARA, "Mara Lindholm"),
        "instance": "k3f9a",
        "date": weeks.MONDAY,
        "links": LINKS,
    }
    return post(changes.pop("digest", weeks.full_week()), **{**given, **changes})


def read(raw: bytes) -> EmailMessage:
    return message_from_bytes(raw, policy=default)


def test_equal_inputs_give_equal_bytes() -> None:
    """Made again after a crash the mail is the same, so that a second copy can be told."""
    assert posted() == posted()
    assert posted(owner=8) != posted()


def test_headers_say_what_it_is() -> None:
    """An automatic mail of a list of one: no answer is asked for, and unsubscribing is one click."""
    mail = read(posted())
    assert mail["Message-ID"] == f"<{message_id(7, '2026-W48', 'k3f9a', MARA)}>"
    assert mail["Message-ID"].startswith("<kith-")
    assert mail["Message-ID"].endswith("@example.com>")
    assert "digest.kith.example.com" in mail["List-Id"]
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["X-Auto-Response-Suppress"] == "All"
    assert mail["X-Kith-Instance"] == "k3f9a"
    assert mail["List-Unsubscribe"] == f"<{LINKS.unsubscribe}>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert (mail["To"], mail["Date"]) == ("Mara Lindholm <mara@example.com>", mail["Date"])
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]


def test_each_owner_week_and_installation_has_its_own_id() -> None:
    """Message-IDs differ by each of them, and name no owner."""
    ids = {
        message_id(owner, week, instance, MARA)
        for owner in (1, 2, 12)
        for week in ("2026-W48", "2026-W49")
        for instance in ("k1", "k2", "2k1")
    }
    assert len(ids) == 18
    assert not any("mara" in one for one in ids)


@pytest.mark.parametrize("text", ["a\r\nBcc: all@evil.example", "k\n\nbody", "é\u2028", "<x>", ""])
def test_no_instance_ends_a_header(text: str) -> None:
    """Whatever an installation is called, it adds no header and no line (S19)."""
    mail = read(posted(instance=text))
    assert mail["Bcc"] is None
    assert mail["X-Kith-Instance"].isalnum() or mail["X-Kith-Instance"] == ""
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]


def test_no_address_ends_a_header() -> None:
    """An address that could not stand in a header makes no mail."""
    with pytest.raises(ConfigError):
        posted(to=Mailbox("mara@example.com\r\nBcc: all@evil.example"))
    with pytest.raises(ConfigError):
        posted(sender=Mailbox("mara@example.com>, all@evil.example"))


def test_lines_are_short_enough_to_send() -> None:
    """No line is longer than 998 bytes (RFC 5322 2.1.1), and each ends with CRLF, links and all."""
    for digest in (weeks.full_week(), weeks.crowded(), weeks.hostile(), weeks.non_latin()):
        raw = posted(digest=digest)
        assert max(map(len, raw.split(b"\r\n"))) <= 998
        assert b"\n" not in raw.replace(b"\r\n", b"")
        assert b"\r" not in raw.replace(b"\r\n", b"")


def test_kith_reads_none_of_its_own_mail(sqlite_store: Store) -> None:
    """A digest that comes in with the mail is a list's, or a machine's if its list was cut; it is no contact (16.2)."""
    raw = posted()
    without_list = b"\r\n".join(
        line
        for line in raw.split(b"\r\n")
        if not line.lower().startswith((b"list-", b"auto-submitted", b" <https://kith"))
    )
    whole, cut = record_of(raw), record_of(without_list)
    assert (whole.nature, whole.nature_reason) == ("bulk", "List-Unsubscribe-Post header")
    assert (cut.nature, cut.nature_reason) == ("automatic", "X-Kith-Instance header")
    local = record_of(posted(links=Links()))
    assert (local.nature, local.nature_reason) == ("list", "List-ID header")
    book = a_book(sqlite_store)
    take(book, [whole, cut, local])
    assert book.situation().people == {}
    assert book.followups() == []
