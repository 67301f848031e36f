"""Servers as they are: lacking, lying, breaking off, hostile."""

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from connectors import imap
from connectors._imap_grammar import literal_size
from connectors._imap_session import said
from connectors._imap_wire import LINE_BYTES, Wire
from connectors._network import open_socket
from schemas.connector import Access, Tombstone, Unreadable, Upsert
from schemas.errors import ConnectorError, ReauthRequired, Rejected, Transient
from tests.connectors.test_imap import held, name_of, names
from tests.contract.live_source import SECRET, Mirror, a_live_access, live_changes, live_pages
from tests.fakes.imap_oddities import Box, OddServer, Off, Talk
from tests.servers.mailbox import a_letter


@pytest.fixture
def server() -> Iterator[OddServer]:
    """A server with three mails, that can nothing special."""
    with OddServer() as made:
        for name in ("one", "two", "three"):
            made.inbox.add(a_letter(name))
        yield made


def access(server: OddServer, **more: Any) -> Access:
    given = {
        "host": "127.0.0.1",
        "port": server.port,
        "security": "none",
        "allow_private": True,
        "user": "me@example.com",
    }
    return a_live_access("imap", **{**given, **more})


def read(server: OddServer, mirror: Mirror | None = None, **more: Any) -> Mirror:
    """The mirror brought up to date."""
    mirror = mirror or Mirror()
    assert imap.SPEC.open_source is not None
    return mirror.take(imap.SPEC.open_source(access(server, **more)).pull(mirror.cursor))


def fails(server: OddServer, kind: type[ConnectorError], **more: Any) -> str:
    """The words of what a pull ends in; they never hold a secret, nor an address."""
    with pytest.raises(kind) as caught:
        read(server, **more)
    words = str(caught.value)
    assert SECRET not in words
    assert "@" not in words
    assert "127.0.0.1" in words
    return words


def saying(data: bytes, *, then_off: bool = False) -> Callable[[Talk, str, str], bool]:
    """A hook that answers a command with these bytes; `%t` stands for its tag."""

    def hook(talk: Talk, tag: str, _: str) -> bool:
        talk.say(data.replace(b"%t", tag.encode()))
        if then_off:
            raise Off
        return True

    return hook


# --- lacking ----------------------------------------------------------------------------------------------------------


def test_a_server_that_can_nothing(server: OddServer) -> None:
    """RFC 3501 alone is enough: news, nothing new, and what is gone."""
    mirror = read(server)
    assert names(mirror) == ["one", "three", "two"]
    server.commands.clear()
    assert live_changes(live_pages(imap.SPEC, access(server), mirror.cursor)) == []
    assert not [one for one in server.commands if one.startswith(("EXAMINE", "UID"))]
    server.inbox.add(a_letter("four"))
    server.inbox.remove(2)
    assert names(read(server, mirror)) == ["four", "one", "three"]


def test_one_past_the_end_is_not_news(server: OddServer) -> None:
    """`n:*` names the last message also where nothing is new; it is not read again."""
    mirror = read(server)
    server.inbox.uidnext += 5
    server.commands.clear()
    assert live_changes(live_pages(imap.SPEC, access(server), mirror.cursor)) == []
    assert any("UID SEARCH UID 4:*" in one for one in server.commands)


def test_enable_without_an_answer_enables_nothing() -> None:
    """A server that names QRESYNC and does not say that it is enabled is not asked for what has vanished."""
    with OddServer("IMAP4rev1 AUTH=PLAIN ENABLE CONDSTORE QRESYNC") as server:
        server.hooks["ENABLE"] = saying(b"%t OK done\r\n")
        for number in range(6):
            server.inbox.add(a_letter(f"n{number}"))
        mirror = read(server)
        server.inbox.remove(3)
        assert names(read(server, mirror)) == ["n0", "n1", "n3", "n4", "n5"]
        assert not [one for one in server.commands if "QRESYNC (" in one.replace("(QRESYNC", "QRESYNC")]


def test_vanished_beyond_belief_is_asked_about() -> None:
    """A server that says that everything has vanished is believed only as far as its own list goes."""
    with OddServer("IMAP4rev1 AUTH=PLAIN ENABLE CONDSTORE QRESYNC") as server:
        for number in range(20):
            server.inbox.add(a_letter(f"n{number}"))
        mirror = read(server)
        server.inbox.remove(20)

        def examine(talk: Talk, _tag: str, arguments: str) -> bool:
            if "QRESYNC" in arguments:
                talk.say("* VANISHED (EARLIER) 1:20\r\n")
            return False

        server.hooks["EXAMINE"] = examine
        assert len(names(read(server, mirror))) == 19
        assert any("UID SEARCH ALL" in one for one in server.commands)


def test_a_list_that_contradicts_the_count_is_not_believed(server: OddServer) -> None:
    """Where a server counts three messages and lists none, nothing is taken away, now or ever after."""
    mirror = read(server)
    server.inbox.add(a_letter("four"))
    server.inbox.remove(1)

    def search(talk: Talk, tag: str, arguments: str) -> bool:
        if arguments == "ALL":
            talk.say(f"* SEARCH\r\n{tag} OK done\r\n")
        return arguments == "ALL"

    server.hooks["UID SEARCH"] = search
    assert names(read(server, mirror)) == ["four", "one", "three", "two"]
    del server.hooks["UID SEARCH"]
    assert names(read(server, mirror)) == ["four", "three", "two"]


def test_a_server_that_names_no_folder(server: OddServer) -> None:
    """A list of nothing is no list, and takes nothing away; nor does one that leaves out what is there."""
    server.boxes["Work"] = Box(8)
    server.boxes["Work"].add(a_letter("work"))
    mirror = read(server)

    def no_list(talk: Talk, tag: str, arguments: str) -> bool:
        if arguments == '"" "*"':
            talk.say(f"{tag} OK done\r\n")
        return arguments == '"" "*"'

    def half_list(talk: Talk, tag: str, arguments: str) -> bool:
        if arguments == '"" "*"':
            talk.say(f'* LIST () "/" "INBOX"\r\n{tag} OK done\r\n')
        return arguments == '"" "*"'

    server.hooks["LIST"] = no_list
    with pytest.raises(Transient, match="no folder"):
        read(server, mirror)
    server.hooks["LIST"] = half_list
    assert held(read(server, mirror)) == {"INBOX": ["one", "three", "two"], "Work": ["work"]}
    del server.hooks["LIST"], server.boxes["Work"]
    assert held(read(server, mirror)) == {"INBOX": ["one", "three", "two"]}


def test_folders_are_known_by_their_names_where_nothing_tells() -> None:
    """Without a word on what folders are for, names in people's languages tell; others' folders are not the owner's."""
    with OddServer("IMAP4rev1 AUTH=PLAIN NAMESPACE") as server:
        for name in (
            "Entw&APw-rfe",
            "Papierkorb",
            "Papierkorb/2024",
            "&ZeVnLIqe-",
            "Gesendet",
            "Others/eve",
            "Spam",
        ):
            server.boxes[name] = Box()
        assert imap.SPEC.survey is not None
        survey = imap.SPEC.survey(access(server))
    assert {one.name: one.role for one in survey.collections if one.is_read} == {
        "INBOX": "inbox",
        "Gesendet": "sent",
        "日本語": "",
    }


def test_gmail_is_read_by_its_one_folder() -> None:
    """All mail is one folder there; labels and threads come with it, and changed labels come again."""
    with OddServer("IMAP4rev1 AUTH=PLAIN CONDSTORE X-GM-EXT-1") as server:
        everything = server.boxes["[Gmail]/Alle Nachrichten"] = Box(9, attributes="\\All")
        server.boxes["[Gmail]/Papierkorb"] = Box(10, attributes="\\Trash")
        server.inbox.add(a_letter("twice"))
        first = everything.add(a_letter("twice"), labels='"\\\\Inbox" Clients "Gr&APwA3w-e"', thread=255)
        everything.add(a_letter("draft"), labels='"\\\\Draft"')
        mirror = read(server)
        assert held(mirror) == {"[Gmail]/Alle Nachrichten": ["twice"]}
        (one,) = mirror.held.values()
        assert one.record.labels == ("[Gmail]/Alle Nachrichten", "Clients", "Grüße")  # type: ignore[union-attr]
        assert one.record.thread_keys == ("gm:ff",)  # type: ignore[union-attr]
        everything.modseq += 1
        first.modseq, first.labels = everything.modseq, "Friends"
        read(server, mirror)
        (one,) = mirror.held.values()
        assert one.record.labels == ("[Gmail]/Alle Nachrichten", "Friends")  # type: ignore[union-attr]


def test_threads_by_object_id() -> None:
    """A server's own thread ids tie messages of this account together, and of no other."""
    with OddServer("IMAP4rev1 AUTH=PLAIN OBJECTID") as server:
        server.inbox.add(a_letter("one"), thread=4)
        (one,) = read(server).held.values()
    assert one.record.thread_keys == ("im:imap:T4",)  # type: ignore[union-attr]


# --- signing in -------------------------------------------------------------------------------------------------------


def test_a_refused_sign_in_is_tried_once(server: OddServer) -> None:
    """One try, and words that name neither secret nor address."""
    words = fails(server, ReauthRequired, secret="wrong")
    assert "kith connect imap" in words
    assert len(server.sign_ins) == 1


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ("NO [UNAVAILABLE] later", Transient),
        ("NO [LIMIT] too many", Transient),
        ("NO [INUSE] busy", Transient),
        ("NO [ALERT] Too many simultaneous connections. (Failure)", Transient),
        ("NO [AUTHENTICATIONFAILED] Invalid credentials", ReauthRequired),
        ("NO [EXPIRED] the password is too old", ReauthRequired),
        ("NO LOGIN failed.", ReauthRequired),
        ("NO [PRIVACYREQUIRED] not like this", Rejected),
        ("BAD User is authenticated but not connected.", Rejected),
    ],
)
def test_what_a_sign_in_may_be_answered(server: OddServer, answer: str, kind: type[ConnectorError]) -> None:
    """What a server says of a sign-in decides whether it is tried again, asked for anew, or given up."""
    for words in ("LOGIN", "AUTHENTICATE"):
        server.capabilities = "IMAP4rev1" + (" AUTH=PLAIN" if words == "AUTHENTICATE" else "")
        server.hooks[words] = saying(f"%t {answer}\r\n".encode())
        fails(server, kind)
    server.hooks["AUTHENTICATE"] = saying(b"* BYE not today\r\n", then_off=True)
    server.capabilities = "IMAP4rev1 AUTH=PLAIN"
    fails(server, Transient)


def test_a_token_is_sent_as_xoauth2_or_oauthbearer() -> None:
    """With `auth` xoauth2 the secret goes as a bearer token; a refusal means a new one is needed."""
    for capability in ("AUTH=XOAUTH2", "AUTH=OAUTHBEARER"):
        with OddServer(f"IMAP4rev1 {capability}") as server:
            server.inbox.add(a_letter("one"))
            assert names(read(server, auth="xoauth2")) == ["one"]
            assert f"auth=Bearer {SECRET}" in server.sign_ins[0]
            fails(server, ReauthRequired, auth="xoauth2", secret="expired")
            assert len(server.sign_ins) == 2


def test_a_password_goes_nowhere_it_is_not_taken(server: OddServer) -> None:
    """Where a server takes none without encryption none is sent, nor where encryption was asked for and is missing."""
    server.capabilities = "IMAP4rev1 LOGINDISABLED"
    fails(server, Rejected)
    server.capabilities = "IMAP4rev1"
    fails(server, Rejected, security="starttls")
    server.greeting = b"* PREAUTH welcome, whoever you are\r\n"
    fails(server, Rejected)
    assert server.sign_ins == []


def test_a_name_with_quotes_is_one_name() -> None:
    """No user name can become a command of its own."""
    with OddServer("IMAP4rev1") as server:
        read(server, user='a" LOGOUT "')
        assert server.sign_ins == [f'"a\\" LOGOUT \\"" "{SECRET}"']


def test_starttls_takes_nothing_said_before_it() -> None:
    """What was sent along with the consent to encrypt is not taken for encrypted (CVE-2011-0411)."""
    with OddServer("IMAP4rev1 STARTTLS") as server:
        server.hooks["STARTTLS"] = saying(b"%t OK begin\r\n* CAPABILITY IMAP4rev1\r\nx OK hello\r\n")
        with pytest.raises(Transient):
            read(server, security="starttls")


# --- breaking off -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "said_instead",
    [
        b"* BYE shutting down\r\n",
        b"* 1 FETCH (UID 3 BODY[HEADER] {5000}\r\nFrom: ",
        b"* 1 FETCH (UID 3 FLAGS (",
        b"* 1 FETCH (UID 3 FLAGS ()))))\r\n",
        b"* 1 FETCH (UID 3 " + b"(" * 5_000 + b"\r\n",
        b"HTTP/1.1 502 Bad Gateway\r\n\r\n<html>",
        b"\x00\xff\xfe\x80\r\n",
        b"",
        b"* 1 FETCH (UID 3 BODY[HEADER] {99999999999999}\r\n",
        b"%t NO [UNAVAILABLE] backend away\r\n",
        b"%t NO [SERVERBUG] oh\r\n",
    ],
)
@pytest.mark.parametrize("command", ["UID FETCH", "UID SEARCH", "EXAMINE", "LIST", "CAPABILITY", "STATUS"])
def test_a_server_in_trouble_is_tried_again(server: OddServer, command: str, said_instead: bytes) -> None:
    """Whatever it says instead of an answer, the pull ends as `Transient`, and the next one brings everything."""
    if command in {"CAPABILITY", "STATUS"} and said_instead.startswith(b"%t"):
        pytest.skip("a folder that will not tell is opened to see")
    server.inbox.add(a_letter("four"))
    mirror = read(server)
    server.inbox.add(a_letter("five"))
    server.hooks[command] = saying(said_instead, then_off=True)
    with pytest.raises(Transient):
        read(server, mirror)
    assert len(names(mirror)) == 4
    server.hooks.clear()
    assert len(names(read(server, mirror))) == 5


@pytest.mark.parametrize(
    "greeting", [b"* BYE overloaded\r\n", b"220 smtp.example.com ESMTP\r\n", b"\x16\x03\x01\r\n"]
)
def test_what_is_no_imap_at_all(server: OddServer, greeting: bytes) -> None:
    """A port where something else listens is told of as such."""
    server.greeting = greeting
    server.hooks["CAPABILITY"] = saying(b"", then_off=True)
    fails(server, Transient)


def test_mail_that_is_not_handed_out(server: OddServer) -> None:
    """A message that the server lists and refuses to hand out is told of in its place; the others come, once each."""
    for number in range(40):
        server.inbox.add(a_letter(f"n{number}"))

    def fetch(talk: Talk, tag: str, arguments: str) -> bool:
        if {"2", "17"} & set(_counted(arguments)) and "HEADER" in arguments:
            talk.say(f"{tag} NO some messages are broken\r\n")
            return True
        return False

    server.hooks["UID FETCH"] = fetch
    mirror = read(server)
    assert len(names(mirror)) == 41
    assert {one.where for one in mirror.unreadable} == {"INBOX, UID 2", "INBOX, UID 17"}
    assert live_changes(live_pages(imap.SPEC, access(server), mirror.cursor)) == []


def _counted(arguments: str) -> Iterator[str]:
    for piece in arguments.partition(" ")[0].split(","):
        first, _, last = piece.partition(":")
        yield from map(str, range(int(first), int(last or first) + 1))


def test_mail_left_out_without_a_word(server: OddServer) -> None:
    """A message that the server lists and then does not mention is asked for once more, and told of."""

    def fetch(talk: Talk, tag: str, arguments: str) -> bool:
        for number, mail in enumerate(server.inbox.mails, 1):
            if str(mail.uid) in set(_counted(arguments)) and mail.uid != 2:
                talk.say(talk.fetched(number, mail, arguments.partition(" ")[2]))
        talk.say(f"{tag} OK done\r\n")
        return True

    server.hooks["UID FETCH"] = fetch
    mirror = read(server)
    assert names(mirror) == ["one", "three"]
    assert [one.where for one in mirror.unreadable] == ["INBOX, UID 2"]


def test_a_folder_that_will_not_open(server: OddServer) -> None:
    """A folder that is refused, or numbers its messages anew each time, is told of; the others are read."""
    server.boxes["Locked"] = Box(5)
    server.boxes["Loose"] = Box(6)

    def examine(talk: Talk, tag: str, arguments: str) -> bool:
        if "Locked" in arguments:
            talk.say(f"{tag} NO [NOPERM] not yours\r\n")
            return True
        if "Loose" in arguments:
            talk.say(f"* 0 EXISTS\r\n* OK [UIDVALIDITY 6] x\r\n* NO [UIDNOTSTICKY] x\r\n{tag} OK done\r\n")
            return True
        return False

    server.hooks["EXAMINE"] = examine
    server.hooks["STATUS"] = saying(b"%t NO not now\r\n")
    mirror = read(server)
    assert names(mirror) == ["one", "three", "two"]
    assert {one.where for one in mirror.unreadable} == {"Locked", "Loose"}


# --- flooding ---------------------------------------------------------------------------------------------------------


def test_a_line_without_an_end(server: OddServer) -> None:
    """A line is cut off at its limit, however long the server would go on."""

    def flood(talk: Talk, _tag: str, _arguments: str) -> bool:
        for _ in range(2 * LINE_BYTES // 65_536):
            talk.say(b"* 1 FETCH " * 6_553)
        return True

    server.hooks["UID FETCH"] = flood
    assert "line without an end" in fails(server, Transient)


def test_a_header_block_without_an_end(server: OddServer) -> None:
    """A giant literal is passed over without being kept, and the message told of; the others come."""
    size = 30_000_000

    def fetch(talk: Talk, tag: str, arguments: str) -> bool:
        if "HEADER" not in arguments:
            return False
        talk.say(b"* 2 FETCH (UID 2 BODY[HEADER] {%d}\r\n" % size)
        for _ in range(size // 1_000_000):
            talk.say(b"X" * 1_000_000)
        talk.say(b")\r\n")
        for number, mail in enumerate(server.inbox.mails, 1):
            if mail.uid != 2:
                talk.say(talk.fetched(number, mail, arguments.partition(" ")[2]))
        talk.say(f"{tag} OK done\r\n")
        return True

    server.hooks["UID FETCH"] = fetch
    mirror = read(server)
    assert names(mirror) == ["one", "three"]
    assert [one.where for one in mirror.unreadable] == ["INBOX, UID 2"]


def test_a_million_folders(server: OddServer) -> None:
    """An account of more folders than anybody has is refused, not read for ever."""

    def flood(talk: Talk, tag: str, _arguments: str) -> bool:
        block = b"".join(b'* LIST () "/" "folder%d"\r\n' % number for number in range(20_000))
        for _ in range(200):
            talk.say(block)
        talk.say(f"{tag} OK done\r\n")
        return True

    server.hooks["LIST"] = flood
    begun = time.monotonic()
    with pytest.raises(Transient):
        read(server)
    assert time.monotonic() - begun < 20


def test_a_server_that_drips(server: OddServer) -> None:
    """An answer has its time, however busily it comes byte by byte."""

    def drip(talk: Talk, _tag: str, _arguments: str) -> bool:
        while True:
            talk.say(b"x")
            time.sleep(0.02)  # noqa: TID251 - it is what the server does

    server.hooks["NOOP"] = drip
    connection = open_socket("127.0.0.1", server.port, allow_private=True)
    wire = Wire(connection, "127.0.0.1", answer_within=timedelta(seconds=0.3))
    try:
        wire.line()
        wire.send(b"a NOOP\r\n")
        begun = time.monotonic()
        with pytest.raises(Transient, match="too slowly"):
            wire.line()
        assert time.monotonic() - begun < 5
    finally:
        wire.close()


def test_a_server_that_says_nothing(server: OddServer) -> None:
    """Silence has its time as well."""
    server.hooks["NOOP"] = saying(b"")
    connection = open_socket("127.0.0.1", server.port, allow_private=True)
    connection.settimeout(0.2)
    wire = Wire(connection, "127.0.0.1")
    try:
        wire.line()
        wire.send(b"a NOOP\r\n")
        with pytest.raises(Transient, match="stopped answering"):
            wire.line()
    finally:
        wire.close()


# --- words ------------------------------------------------------------------------------------------------------------


def test_a_servers_words_are_made_safe() -> None:
    """What a server says is shown short, on one line, without addresses or tricks of a terminal."""
    assert said(b"No mailbox \x1b[31mbob@example.com\r\n<eve@example.com> here " + b"x" * 500).startswith(
        "No mailbox  … … here x"
    )
    assert len(said(b"x" * 500)) == 120
    assert literal_size(b'* OK said "{5}"\r\n') is None


def test_tombstones_name_what_was_told(server: OddServer) -> None:
    """A tombstone bears the id of the message that it takes away."""
    mirror = read(server)
    gone = next(key for key, one in mirror.held.items() if name_of(one.record) == "two")
    server.inbox.remove(2)
    changes = live_changes(live_pages(imap.SPEC, access(server), mirror.cursor))
    assert changes == [Tombstone(gone[1])]
    assert not [one for one in changes if isinstance(one, Upsert | Unreadable)]
