"""A small IMAP server on a real socket that can be told to be odd: to lie, to lack, to break off, to flood.

It keeps folders of messages, and answers what the connector may ask (RFC 3501 with the extensions that it is told to
have); a command that it does not know, or an argument that the protocol does not allow, is answered BAD. What it should
do otherwise is given by hooks: a function for a command, that may answer in its own way or leave it to the server.
"""

import re
import socket
import threading
from base64 import b64decode
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Self

from tests.contract.live_source import SECRET


class Off(Exception):
    """The server closes the connection."""


@dataclass
class Mail:
    """A message as the server keeps it."""

    uid: int
    raw: bytes
    flags: str = ""
    labels: str = ""
    thread: int = 0
    modseq: int = 1


@dataclass
class Box:
    """A folder."""

    uidvalidity: int = 7
    mails: list[Mail] = field(default_factory=list)
    attributes: str = "\\HasNoChildren"
    uidnext: int = 1
    modseq: int = 1

    def add(self, raw: bytes, flags: str = "", labels: str = "", thread: int = 0) -> Mail:
        """Put a message in."""
        self.modseq += 1
        mail = Mail(
            self.uidnext,
            raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"),
            flags,
            labels,
            thread,
            self.modseq,
        )
        self.uidnext += 1
        self.mails.append(mail)
        return mail

    def remove(self, uid: int) -> None:
        """Expunge a message."""
        self.modseq += 1
        self.mails = [one for one in self.mails if one.uid != uid]


Hook = Callable[["Talk", str, str], bool]
"""Given the talk, the tag and the arguments of a command: whether it was answered."""


class OddServer:
    """Listens on a free port until it is closed."""

    def __init__(self, capabilities: str = "IMAP4rev1 AUTH=PLAIN") -> None:
        self.capabilities = capabilities
        self.boxes: dict[str, Box] = {"INBOX": Box()}
        self.hooks: dict[str, Hook] = {}
        self.greeting = b"* OK ready\r\n"
        self.commands: list[str] = []
        """Every command as it came, without its tag."""
        self.sign_ins: list[str] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def inbox(self) -> Box:
        """The INBOX."""
        return self.boxes["INBOX"]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()
        for one in self._open:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._open.append(connection)
            threading.Thread(target=Talk(self, connection).run, daemon=True).start()


class Talk:
    """One connection."""

    def __init__(self, server: OddServer, connection: socket.socket) -> None:
        self.server = server
        self.connection = connection
        self.box: Box | None = None
        self._lines = connection.makefile("rb")

    def say(self, data: bytes | str) -> None:
        """Send these bytes."""
        self.connection.sendall(data.encode() if isinstance(data, str) else data)

    def run(self) -> None:
        """Talk until one side has enough."""
        with suppress(OSError, Off, ValueError):
            self.say(self.server.greeting)
            while line := self._lines.readline():
                tag, _, rest = line.decode().rstrip("\r\n").partition(" ")
                self.server.commands.append(rest)
                word, _, arguments = rest.partition(" ")
                name = f"UID {arguments.partition(' ')[0]}".upper() if word.upper() == "UID" else word.upper()
                if word.upper() == "UID":
                    arguments = arguments.partition(" ")[2]
                hook = self.server.hooks.get(name)
                if hook is not None and hook(self, tag, arguments):
                    continue
                answer = getattr(self, "do_" + name.replace(" ", "_").lower(), None)
                if answer is None:
                    self.say(f"{tag} BAD what is {name}?\r\n")
                else:
                    answer(tag, arguments)
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)
        self.connection.close()

    def next_line(self) -> bytes:
        """What the client says next, in the midst of a command."""
        return self._lines.readline().rstrip(b"\r\n")

    # --- commands -----------------------------------------------------------------------------------------------------

    def do_capability(self, tag: str, _: str) -> None:
        self.say(f"* CAPABILITY {self.server.capabilities}\r\n{tag} OK done\r\n")

    def do_id(self, tag: str, _: str) -> None:
        self.say(f"* ID NIL\r\n{tag} OK done\r\n")

    def do_enable(self, tag: str, names: str) -> None:
        self.say(f"* ENABLED {names}\r\n{tag} OK done\r\n")

    def do_noop(self, tag: str, _: str) -> None:
        self.say(f"{tag} OK done\r\n")

    def do_logout(self, tag: str, _: str) -> None:
        self.say(f"* BYE good bye\r\n{tag} OK done\r\n")
        raise Off

    def do_login(self, tag: str, arguments: str) -> None:
        self._judge(tag, arguments, arguments.endswith(f'"{SECRET}"'))

    def do_authenticate(self, tag: str, arguments: str) -> None:
        self.say("+ \r\n")
        said = b64decode(self.next_line()).decode()
        if "OAUTH" in arguments.upper() or "XOAUTH2" in arguments.upper():
            is_right = f"auth=Bearer {SECRET}\x01" in said
            if not is_right:
                self.say("+ eyJzdGF0dXMiOiI0MDAifQ==\r\n")
                self.next_line()
        else:
            is_right = said.endswith(f"\x00{SECRET}")
        self._judge(tag, f"{arguments} {said}", is_right)

    def _judge(self, tag: str, said: str, is_right: bool) -> None:
        self.server.sign_ins.append(said)
        words = "OK signed in" if is_right else "NO [AUTHENTICATIONFAILED] for someone@example.com: no"
        self.say(f"{tag} {words}\r\n")

    def do_namespace(self, tag: str, _: str) -> None:
        self.say(f'* NAMESPACE (("" "/")) (("Others/" "/")) NIL\r\n{tag} OK done\r\n')

    def do_list(self, tag: str, arguments: str) -> None:
        pattern = arguments.partition(" ")[2].strip('"')
        for name, box in self.server.boxes.items():
            if pattern in {"*", name}:
                self.say(f'* LIST ({box.attributes}) "/" "{name}"\r\n')
        self.say(f"{tag} OK done\r\n")

    def do_status(self, tag: str, arguments: str) -> None:
        name, _, items = arguments.partition('" ')
        box = self.server.boxes.get(name.strip('"'))
        if box is None:
            self.say(f"{tag} NO [NONEXISTENT] no such folder\r\n")
            return
        told = f"MESSAGES {len(box.mails)} UIDNEXT {box.uidnext} UIDVALIDITY {box.uidvalidity}"
        if "HIGHESTMODSEQ" in items:
            told += f" HIGHESTMODSEQ {box.modseq}"
        self.say(f'* STATUS {name}" ({told})\r\n{tag} OK done\r\n')

    def do_examine(self, tag: str, arguments: str) -> None:
        self.box = self.server.boxes.get(arguments.partition('"')[2].partition('"')[0])
        if self.box is None:
            self.say(f"{tag} NO [NONEXISTENT] no such folder\r\n")
            return
        self.say(
            f"* {len(self.box.mails)} EXISTS\r\n* 0 RECENT\r\n* FLAGS (\\Seen)\r\n"
            f"* OK [UIDVALIDITY {self.box.uidvalidity}] lasting\r\n* OK [UIDNEXT {self.box.uidnext}] next\r\n"
        )
        if "CONDSTORE" in self.server.capabilities:
            self.say(f"* OK [HIGHESTMODSEQ {self.box.modseq}] state\r\n")
        self.say(f"{tag} OK [READ-ONLY] opened\r\n")

    def do_uid_search(self, tag: str, arguments: str) -> None:
        found = [mail.uid for mail in self._opened()]
        match = re.match(r"UID (\S+)$", arguments)
        if match:
            # `n:*` names the last message whatever n is (RFC 3501 6.4.8).
            found = [uid for uid in found if uid in _uids(match[1], max(found, default=0))]
        elif arguments != "ALL" and not arguments.startswith("SINCE "):
            self.say(f"{tag} BAD search\r\n")
            return
        self.say(f"* SEARCH {' '.join(map(str, found))}".rstrip() + f"\r\n{tag} OK done\r\n")

    def do_uid_fetch(self, tag: str, arguments: str) -> None:
        uids, _, items = arguments.partition(" ")
        since = re.search(r"\(CHANGEDSINCE (\d+)\)", items)
        wanted = _uids(uids, max((mail.uid for mail in self._opened()), default=0))
        for number, mail in enumerate(self._opened(), 1):
            if mail.uid in wanted and (since is None or mail.modseq > int(since[1])):
                self.say(self.fetched(number, mail, items))
        self.say(f"{tag} OK done\r\n")

    def do_fetch(self, tag: str, arguments: str) -> None:
        for number, mail in enumerate(self._opened(), 1):
            self.say(self.fetched(number, mail, arguments))
        self.say(f"{tag} OK done\r\n")

    def fetched(self, number: int, mail: Mail, items: str) -> bytes:
        """One FETCH response."""
        head, _, body = mail.raw.partition(b"\r\n\r\n")
        told = [f"UID {mail.uid}".encode()]
        for name, value in (
            ("FLAGS", f"({mail.flags})"),
            ("INTERNALDATE", '"20-Nov-2026 12:00:00 +0000"'),
            ("RFC822.SIZE", str(len(mail.raw))),
            ("X-GM-LABELS", f"({mail.labels})"),
            ("X-GM-THRID", str(mail.thread)),
            ("THREADID", f"(T{mail.thread})"),
            ("MODSEQ", f"({mail.modseq})"),
            ("BODYSTRUCTURE", '("TEXT" "PLAIN" ("CHARSET" "utf-8") NIL NIL "7BIT" 10 1)'),
        ):
            if re.search(rf"(?<![\w-]){name}\b", items):
                told.append(f"{name} {value}".encode())
        if "BODY.PEEK[HEADER]" in items:
            told.append(b"BODY[HEADER] {%d}\r\n%b\r\n\r\n" % (len(head) + 4, head))
        part = re.search(r"BODY\.PEEK\[(TEXT|1)\]<0\.(\d+)>", items)
        if part:
            cut = body[: int(part[2])]
            told.append(b"BODY[%b]<0> {%d}\r\n%b" % (part[1].encode(), len(cut), cut))
        return b"* %d FETCH (%b)\r\n" % (number, b" ".join(told))

    def _opened(self) -> list[Mail]:
        return self.box.mails if self.box else []


def _uids(text: str, largest: int) -> set[int]:
    found: set[int] = set()
    for piece in text.split(","):
        first, _, last = piece.partition(":")
        ends = [largest if end == "*" else int(end) for end in (first, last or first)]
        found |= set(range(min(ends), max(ends) + 1))
    return found
