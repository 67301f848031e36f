"""The parts of the IMAP connector that read whatever a server sends."""

import socket
import threading
import time
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors._imap_grammar import (
    Garbled,
    literal_size,
    name_in,
    number_of,
    pairs_of,
    parsed,
    quoted,
    rest_of,
    status_of,
)
from connectors._imap_parts import Wanted, outline_of, parts_of
from connectors._imap_uids import LARGEST, UidSet
from connectors._imap_wire import Wire

_STRUCTURE = (
    b'((("TEXT" "PLAIN" ("CHARSET" "utf-8") NIL NIL "7BIT" 12 1)("TEXT" "HTML" NIL NIL NIL "BASE64" 30 2) "ALTERNATIVE" ("BOUNDARY" "i") NIL)'
    b'("MESSAGE" "RFC822" NIL NIL NIL "7BIT" 99 (NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL) ("TEXT" "PLAIN" NIL NIL NIL "7BIT" 1 1) 4)'
    b'("TEXT" "PLAIN" ("NAME" "a.txt") NIL NIL "8BIT" 5 1 NIL ("ATTACHMENT" ("FILENAME" "a.txt")) NIL) "MIXED" ("BOUNDARY" "o") NIL NIL)'
)
_UIDS = st.sets(st.integers(1, 400))
_ATOMS = (
    st.binary(min_size=1)
    .map(lambda raw: raw.hex().encode() or b"x")
    .filter(lambda one: one.upper() != b"NIL")
)
_VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | _ATOMS | st.binary().map(lambda raw: ("literal", raw)) | st.text(alphabet='ab"\\ ()').map(str.encode).map(lambda raw: ("quoted", raw)),
    lambda inner: st.lists(inner, max_size=5),
    max_leaves=20,
)  # fmt: skip


def _written(value: Any) -> bytes:
    if value is None:
        return b"NIL"
    if isinstance(value, list):
        return b"(" + b" ".join(map(_written, value)) + b")"
    if isinstance(value, tuple):
        kind, raw = value
        if kind == "literal":
            return b"{%d}\r\n%b" % (len(raw), raw)
        return b'"%b"' % raw.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
    return bytes(value)


def _meant(value: Any) -> Any:
    if isinstance(value, list):
        return [_meant(one) for one in value]
    return value[1] if isinstance(value, tuple) else value


@given(st.lists(_VALUES, min_size=1, max_size=6), st.integers(1, 40))
def test_what_is_written_is_read(values: list[Any], step: int) -> None:
    """Any values, with literals of any bytes among them, come back as they are, however the bytes are cut on their way."""
    data = b"* " + b" ".join(map(_written, values)) + b"\r\n* NEXT\r\n"
    ours, theirs = socket.socketpair()
    with ours, theirs:
        wire = Wire(ours, "imap.example.com")

        def send() -> None:
            for begin in range(0, len(data), step):
                theirs.sendall(data[begin : begin + step])

        thread = threading.Thread(target=send)
        thread.start()
        pieces = rest_of(wire, wire.line(), 1_000_000)
        assert parsed(pieces) == [b"*", *map(_meant, values)]
        assert wire.line() == b"* NEXT\r\n"
        assert wire.is_empty()
        thread.join()


@given(st.lists(st.binary(max_size=200), max_size=5))
def test_nothing_breaks_the_reader(pieces: list[bytes]) -> None:
    """Whatever bytes come, they are values or they are garbled."""
    for piece in pieces:
        status_of(piece)
        literal_size(piece + b"\r\n")
        name_in(piece)
        number_of(piece)
    try:
        values = parsed(pieces)
    except Garbled:
        return
    pairs_of(values)
    outline_of(parts_of(values))
    wanted = Wanted({"content-type": 'multipart/mixed; boundary="b"'}, "personal", 1_000_000)
    wanted.structure(values)
    while wanted.next() is not None:
        wanted.take(b"")
    wanted.body()


@pytest.mark.parametrize(
    "piece",
    [
        b'"' * 300_000,
        b"\\" * 300_000,
        b"(" * 90 + b" " * 300_000,
        b'"\\' * 150_000,
        b"{1" * 150_000,
        b"a " * 150_000,
    ],
)
def test_reading_takes_linear_time(piece: bytes) -> None:
    """No input makes the reader slow."""
    begun = time.process_time()
    with suppress(Garbled):
        parsed([piece])
    status_of(piece)
    literal_size(piece + b"}\r\n")
    assert time.process_time() - begun < 6


@given(_UIDS, _UIDS)
def test_sets_of_uids_are_sets(left: set[int], right: set[int]) -> None:
    """As ranges or as numbers, the same comes of them."""
    a, b = UidSet.of(left), UidSet.of(right)
    assert set(a | b) == left | right
    assert set(a - b) == left - right
    assert set(a & b) == left & right
    assert len(a) == len(left)
    assert bool(a) == bool(left)
    assert list(a) == sorted(left)
    assert UidSet.parse(str(a)) == a
    assert all((uid in a) == (uid in left) for uid in range(402))
    assert set(a.within(50, 200)) == {uid for uid in left if 50 <= uid <= 200}
    assert a.largest() == max(left, default=0)
    batches = [list(batch) for batch in a.batches(7)]
    assert [uid for batch in batches for uid in reversed(batch)] == sorted(left, reverse=True)
    assert all(len(batch) <= 7 for batch in batches)


@pytest.mark.parametrize("text", ["x", "0", ":1", "1,,2", "-1", f"1:{LARGEST + 1}", "1:*", "1 2", "²"])
def test_what_is_no_set_is_refused(text: str) -> None:
    """A set that cannot be is no set."""
    with pytest.raises(ValueError, match="UID"):
        UidSet.parse(text)


def test_a_set_of_all_there_can_be_costs_nothing() -> None:
    """Ranges are never counted out."""
    everything = UidSet.parse(f"1:{LARGEST}")
    assert len(everything - UidSet.of([5, 7])) == LARGEST - 2
    assert next(everything.batches(3)) == UidSet.of([LARGEST, LARGEST - 1, LARGEST - 2])


@given(st.text(alphabet=st.characters(min_codepoint=32, exclude_categories=["Cs"]), min_size=1, max_size=40))
def test_a_folders_name_survives_the_way(name: str) -> None:
    """Any name written as an argument is read as the same name, and stays one argument."""
    written = quoted(name)
    assert written.isascii()
    assert [name_in(value) for value in parsed([written.encode()])] == [name]


def test_parts_are_numbered_as_servers_number_them() -> None:
    """RFC 9051 6.4.5: the numbers count within their multipart; a message within is one part."""
    structure = parsed([_STRUCTURE])[0]
    parts = parts_of(structure)
    assert parts is not None
    assert [(part.section, part.media, part.charset, part.is_attached) for part in parts] == [
        ("1.1", "text/plain", "utf-8", False),
        ("1.2", "text/html", "", False),
        ("2", "message/rfc822", "", False),
        ("3", "text/plain", "", True),
    ]
