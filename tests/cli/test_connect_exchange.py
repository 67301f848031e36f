"""From `kith connect exchange` to the first person on screen, at a server that speaks EWS."""

from collections.abc import Iterator
from datetime import timedelta
from email import message_from_bytes
from pathlib import Path

import pytest

from connectors import connectors
from tests.cli.runner import Kith
from tests.connectors.exchange import a_contact, a_letter, a_meeting, a_sent_letter, an_attendee
from tests.connectors.mail import a_mail
from tests.contract.source import NOW
from tests.fakes.exchange import ExchangeServer

USER = "alice@example.com"


@pytest.fixture
def server() -> Iterator[ExchangeServer]:
    """A mailbox with mail both ways, a meeting and a contact."""
    with ExchangeServer().serve() as made:
        asked = a_mail(
            1, Date="Sat, 21 Nov 2026 10:00:00 +0100", To=f"Alice <{USER}>", From="Ana <ana@example.com>"
        )
        made.add("inbox", a_letter(asked, received=NOW - timedelta(days=2)))
        made.add("sentitems", a_sent_letter(1))
        made.add("contacts", a_contact("Ana Okafor", emails=["ana@example.com"], title="Architect"))
        people = [
            an_attendee("Ana Okafor", "ana@example.com", "Accept"),
            an_attendee("Alice", USER, "Accept"),
        ]
        made.add("calendar", a_meeting("u1", start=NOW - timedelta(days=5), people=people))
        yield made
        assert made.breaches == []


@pytest.fixture
def kith(tmp_path: Path) -> Kith:
    return Kith(tmp_path / "home", connectors=connectors()).init()


def exchange(server: ExchangeServer, *more: str) -> tuple[str, ...]:
    return ("connect", "exchange", "--user", USER, "--url", server.url, "--allow-private", *more)


def test_a_mailbox_is_connected_and_read(kith: Kith, server: ExchangeServer) -> None:
    """Signed in, told what there is, a list made for follow-ups, all read: Ana is on screen with all that is known."""
    told = kith(*exchange(server, "--password-file", "-", "--tasks", "Kith"), given=server.password)
    assert told.status == 0, told
    for words in (
        "Calendar",
        "Sent Items",
        "Follow-ups are written to Kith.",
        "calendar, contacts, mail and tasks",
    ):
        assert words in told.out
    (ana,) = [one for one in kith.json("people")["people"] if one["emails"] == ["ana@example.com"]]
    assert (ana["name"], ana["title"]) == ("Ana Okafor", "Architect")
    assert (ana["counts"]["sent"], ana["counts"]["received"], ana["counts"]["meetings"]) == (1, 1, 1)
    assert server.folder_named("Kith")
    again = kith.json("sync", shape="sync")
    assert [one["added"] + one["changed"] for one in again["sources"]] == [0, 0, 0, 0]


def test_the_digest_goes_out_by_it(kith: Kith, server: ExchangeServer) -> None:
    """Where its owner wants that, the digest is sent from the mailbox, to them."""
    told = kith(*exchange(server, "--password-file", "-", "--digest"), given=server.password)
    assert "The weekly digest goes out by it." in told.out
    sent = kith("digest", "--send")
    assert sent.status == 0, sent
    (mail,) = map(message_from_bytes, server.sent)
    assert mail["From"] == f"Kith <{USER}>"
    assert mail["To"] == "Mara Lindholm <mara@example.com>"
    assert kith("digest", "--send").status == 0
    assert len(server.sent) == 1


def test_a_password_is_kept_locked_away(kith: Kith, server: ExchangeServer) -> None:
    """Neither the home nor what is printed holds the password."""
    told = kith(*exchange(server, "--password-file", "-"), given=server.password)
    assert server.password not in told.out + told.err
    for file in kith.home.rglob("*"):
        assert not file.is_file() or server.password.encode() not in file.read_bytes(), file


def test_a_token_signs_in(kith: Kith, server: ExchangeServer, tmp_path: Path) -> None:
    """A token from a file signs in by OAuth; when it has run out, the words say how to give another."""
    server.ways = {"bearer"}
    file = tmp_path / "token"
    file.write_text(server.token)
    assert kith(*exchange(server, "--token-file", str(file))).status == 0
    server.revoke()
    told = kith("sync")
    assert told.status == 4
    assert "--token-file" in told.out + told.err
    doctor = kith("doctor")
    assert "--auth oauth --token-file FILE" in " ".join((doctor.out + doctor.err).split())


def test_microsoft_365_is_refused(kith: Kith) -> None:
    """An address of Microsoft 365 is refused with the way to Graph, and no password is asked for it."""
    url = "https://outlook.office365.com/EWS/Exchange.asmx"
    told = kith("connect", "exchange", "--user", USER, "--url", url, "--password-file", "-", given="x")
    assert told.status == 1
    assert "kith connect microsoft" in told.err


@pytest.mark.parametrize(
    ("more", "status", "words"),
    [
        (("--auth", "kerberos"), 2, "kerberos"),
        (("--host", "mail.example.com"), 2, "--host"),
        (("--read", "notes"), 2, "notes"),
    ],
)
def test_wrong_options_are_told(
    kith: Kith, server: ExchangeServer, more: tuple[str, ...], status: int, words: str
) -> None:
    """What says nothing of such an account is refused before anybody is asked."""
    told = kith(*exchange(server, *more, "--password-file", "-"), given="x")
    assert told.status == status
    assert words in told.err
    assert server.wire.raw == []
