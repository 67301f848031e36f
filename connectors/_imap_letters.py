"""Messages fetched from the selected folder, newest first: headers by the hundred, then the texts of those that need one.

The next headers are asked for before the last texts are read, so that the server works while they are parsed here. A
message that the server will not hand out is told of in its place; the others come.
"""

from collections.abc import Iterator

from connectors._imap_grammar import Value, literal_size, name_in, number_of, pairs_of, parsed, without_size
from connectors._imap_parts import STRUCTURE, TEXT_BYTES, Wanted
from connectors._imap_records import Letter
from connectors._imap_session import Refused, Session
from connectors._imap_uids import UidSet
from connectors._mime import HEADER_BYTES, nature_by_head
from schemas.errors import Transient

BATCH = 300
_KEPT_BYTES = 16_777_216
"""What is kept of one batch; the rest of it is asked for again, in small pieces."""
_SMALL = 10
_LONGEST_LITERAL = 1_073_741_824
_TEXTS_BYTES = 6_291_456
_NOT_NOW = frozenset({"UNAVAILABLE", "LIMIT", "INUSE", "SERVERBUG"})
_WITHHELD = "the server lists it but does not hand it out"
_TOO_LARGE = "the headers are larger than 4 MB; no mail program writes that"


class _Arrived:
    """What has come of one message so far."""

    __slots__ = ("is_too_large", "items")

    def __init__(self) -> None:
        self.items: dict[bytes, Value] = {}
        self.is_too_large = False


class Letters:
    """Reads messages of one session, whatever folder is selected."""

    def __init__(self, session: Session, account: str, *, headers_only: bool) -> None:
        self._session = session
        self._account = account
        self._headers_only = headers_only
        self._arrived: dict[int, _Arrived] = {}
        self._kept = 0
        items = ["UID", "FLAGS", "INTERNALDATE", "RFC822.SIZE"]
        if session.can("X-GM-EXT-1"):
            items += ["X-GM-THRID", "X-GM-LABELS"]
        elif session.can("OBJECTID"):
            items.append("THREADID")
        if session.can("CONDSTORE") or session.can("QRESYNC"):
            items.append("MODSEQ")
        self._items = " ".join([*items, "BODY.PEEK[HEADER]"])

    def read(self, uids: UidSet) -> Iterator[tuple[UidSet, list[Letter]]]:
        """The messages with these UIDs, some hundred at a time, the greatest first.

        With each piece comes the set of UIDs it accounts for; what is not in its letters is gone from the server.
        """
        waiting = uids.batches(BATCH)
        again: list[UidSet] = []
        batch = next(waiting, None)
        asked = self._ask_heads(batch) if batch is not None else b""
        while batch is not None:
            found, missing = self._heads(batch, asked)
            again += missing
            following = again.pop() if again else next(waiting, None)
            left = batch
            for one in missing:
                left -= one
            pieces = self._pieces(found) or [[]]
            for piece in pieces:
                texts = self._send_texts(piece)
                if piece is pieces[-1] and following is not None:
                    asked = self._ask_heads(following)
                self._take_texts(piece, texts)
                letters = [self._letter(uid, arrived, wanted) for uid, arrived, wanted in piece]
                yield left if piece is pieces[-1] else UidSet.of(uid for uid, _, _ in piece), letters
            batch = following

    # --- headers ------------------------------------------------------------------------------------------------------

    def _ask_heads(self, batch: UidSet) -> bytes:
        self._expect(batch)
        return self._session.send(f"UID FETCH {batch} ({self._items})")

    def _expect(self, batch: UidSet) -> None:
        for uid in batch:
            self._arrived[uid] = _Arrived()

    def _heads(self, batch: UidSet, tag: bytes) -> tuple[list[tuple[int, _Arrived]], list[UidSet]]:
        """What came of a batch, the greatest UID first; and what is to be asked for again, in smaller pieces."""
        self._kept = 0
        is_refused = False
        try:
            self._session.finish(tag, self._keep)
        except Refused as refused:
            if refused.word == "BAD" or refused.code in _NOT_NOW:
                raise self._session.trouble(refused, "to hand out mail") from refused
            is_refused = True
        arrived = [(uid, self._arrived.pop(uid)) for uid in reversed(list(batch))]
        missing = UidSet.of(uid for uid, one in arrived if not _is_whole(one))
        found = [(uid, one) for uid, one in arrived if _is_whole(one) or len(batch) == 1]
        if not missing:
            return found, []
        if not is_refused:
            missing = self._listed(missing)
        if len(batch) == 1:
            # Nothing came of it alone: it is gone, or there is no way to have it.
            return (found if missing else []), []
        return found, list(missing.batches(max(1, min(_SMALL, len(missing) // 2))))

    def _listed(self, uids: UidSet) -> UidSet:
        """Those of these UIDs that are there."""
        try:
            return self._session.search(f"UID {uids}") & uids
        except Refused as refused:
            raise self._session.trouble(refused, "to say what mail there is") from refused

    def _keep(self, line: bytes) -> None:
        """Take one FETCH response apart; what is too large to be kept is passed over."""
        wire = self._session.wire
        pieces: list[bytes] = []
        is_too_large = False
        while (size := literal_size(line)) is not None:
            if size > _LONGEST_LITERAL:
                raise Transient(
                    f"{self._session.host} announces a message of absurd size. Kith tries again later."
                )
            if size > HEADER_BYTES:
                wire.skip(size)
                is_too_large = True
                literal = b""
            elif self._kept + size > _KEPT_BYTES:
                wire.skip(size)
                return self._pass_over(wire.line())
            else:
                self._kept += size
                literal = wire.take(size)
            pieces += [without_size(line), literal]
            line = wire.line()
        pieces.append(line)
        values = parsed(pieces)
        if len(values) < 4 or values[2] not in {b"FETCH", b"Fetch", b"fetch"}:
            return None
        items = pairs_of(values[3])
        arrived = self._arrived.get(number_of(items.get(b"UID")))
        if arrived is not None:
            arrived.items.update(items)
            arrived.is_too_large = arrived.is_too_large or is_too_large
        return None

    def _pass_over(self, line: bytes) -> None:
        while (size := literal_size(line)) is not None:
            self._session.wire.skip(min(size, _LONGEST_LITERAL))
            line = self._session.wire.line()

    # --- texts --------------------------------------------------------------------------------------------------------

    def _pieces(self, found: list[tuple[int, _Arrived]]) -> list[list[tuple[int, _Arrived, Wanted]]]:
        """The messages with what is wanted of each, in pieces whose texts fit into memory together."""
        pieces: list[list[tuple[int, _Arrived, Wanted]]] = []
        size = 0
        for uid, arrived in found:
            wanted = self._wanted(arrived)
            part = wanted.next()
            more = min(part.size, TEXT_BYTES) if part is not None else 0
            if not pieces or size + more > _TEXTS_BYTES:
                pieces.append([])
                size = 0
            size += more
            pieces[-1].append((uid, arrived, wanted))
        return pieces

    def _wanted(self, arrived: _Arrived) -> Wanted:
        head = arrived.items.get(b"BODY[HEADER]")
        if not isinstance(head, bytes) or arrived.is_too_large:
            return Wanted({}, None, 0)
        fields, nature = nature_by_head(head, b"")
        if b"\\Draft" in _words(arrived.items.get(b"FLAGS")):
            nature = None
        size = max(0, number_of(arrived.items.get(b"RFC822.SIZE")) - len(head))
        return Wanted(fields, nature, size, headers_only=self._headers_only)

    def _send_texts(self, piece: list[tuple[int, _Arrived, Wanted]]) -> list[tuple[bytes, str, list[int]]]:
        """Ask for the next part of each message that wants one, those of one number together."""
        by_item: dict[str, list[int]] = {}
        for uid, arrived, wanted in piece:
            part = wanted.next()
            if part is not None:
                by_item.setdefault(part.item(), []).append(uid)
                self._arrived[uid] = arrived
        return [
            (self._session.send(f"UID FETCH {UidSet.of(uids)} (UID {item})"), item, uids)
            for item, uids in by_item.items()
        ]

    def _take_texts(
        self, piece: list[tuple[int, _Arrived, Wanted]], asked: list[tuple[bytes, str, list[int]]]
    ) -> None:
        self._kept = 0
        wanting = {uid: wanted for uid, _, wanted in piece}
        while asked:
            for tag, item, uids in asked:
                try:
                    self._session.finish(tag, self._keep)
                except Refused as refused:
                    if refused.code in _NOT_NOW:
                        raise self._session.trouble(refused, "to hand out mail") from refused
                for uid in uids:
                    self._take(wanting[uid], self._arrived.pop(uid), item)
            asked = self._send_texts(piece)

    def _take(self, wanted: Wanted, arrived: _Arrived, item: str) -> None:
        """What came of an item; what is not handed out counts as empty: who wrote to whom is known all the same."""
        if item == STRUCTURE:
            outline = wanted.structure(arrived.items.pop(b"BODYSTRUCTURE", None))
            if outline and nature_by_head(arrived.items[b"BODY[HEADER]"], outline)[1] != "personal":
                wanted.forget()
            return
        name = item.replace(".PEEK", "").partition("<")[0].encode()
        data = arrived.items.pop(name + b"<0>", None) or arrived.items.pop(name, None)
        wanted.take(data if isinstance(data, bytes) else b"")

    def _letter(self, uid: int, arrived: _Arrived, wanted: Wanted) -> Letter:
        if arrived.is_too_large:
            return Letter(uid, fault=_TOO_LARGE)
        if not _is_whole(arrived):
            return Letter(uid, fault=_WITHHELD)
        items = arrived.items
        labels = tuple(name_in(one) for one in _words(items.get(b"X-GM-LABELS")))
        keys: list[str] = []
        gmail = number_of(items.get(b"X-GM-THRID"))
        if gmail:
            keys.append(f"gm:{gmail:x}")
        thread = items.get(b"THREADID")
        if isinstance(thread, list) and thread and isinstance(thread[0], bytes):
            # A thread's name is one server's own (RFC 8474 5.3).
            keys.append(f"im:{self._account}:{_word(thread[0])[:255]}")
        modseq = items.get(b"MODSEQ")
        received = items.get(b"INTERNALDATE")
        return Letter(
            uid,
            items[b"BODY[HEADER]"],
            wanted.body(),
            tuple(_word(flag) for flag in _words(items.get(b"FLAGS"))),
            labels,
            tuple(keys),
            number_of(modseq[0]) if isinstance(modseq, list) and modseq else 0,
            _word(received).strip() if isinstance(received, bytes) else "",
        )

    def changed_since(self, modseq: int) -> UidSet:
        """The UIDs of messages whose flags or labels have changed since (RFC 7162 3.1.4.1).

        Raises:
            Refused: the server said NO or BAD.
        """
        answer = self._session.ask(f"UID FETCH 1:* (UID) (CHANGEDSINCE {modseq})")
        return UidSet.of(
            uid
            for one in answer.data
            if len(one) > 3 and one[2] == b"FETCH" and (uid := number_of(pairs_of(one[3]).get(b"UID")))
        )


def _is_whole(arrived: _Arrived) -> bool:
    return arrived.is_too_large or isinstance(arrived.items.get(b"BODY[HEADER]"), bytes)


def _words(value: Value) -> list[bytes]:
    return [one for one in value if isinstance(one, bytes)] if isinstance(value, list) else []


def _word(value: bytes) -> str:
    return value.decode("utf-8", "replace")
