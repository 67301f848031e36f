"""A message as Gmail takes it apart (`MessagePart`), put together again as far as a record needs it.

https://developers.google.com/workspace/gmail/api/reference/rest/v1/users.messages, read 2026-11. Of a part Gmail gives
the headers as they came and the content with its transfer encoding undone; whether it turns text into UTF-8 as well is
written nowhere, so the bytes decide. The same code then reads the result as reads any mail file. What is attached, or
lies in a mail within the mail, is left out.
"""

import binascii
from collections.abc import Iterator

from msgspec import Struct

from connectors._mail_body import BOUNDARY_VALUE, charset_of, is_stub, plain_part
from connectors._mime import BODY_BYTES

_PARTS = 200
_DEPTH = 30
_BOUNDARY = "=_kith-parts"
_OWN = frozenset({"x-gmail-labels", "x-gm-thrid", "content-transfer-encoding"})
"""What a header block must not say: the API tells labels and threads, whatever a sender wrote; nothing is encoded."""
_URL_SAFE = bytes.maketrans(b"-_", b"+/")


class Header(Struct, frozen=True):
    """A header field; its value may hold encoded words."""

    name: str = ""
    value: str = ""


class Body(Struct, frozen=True):
    """What a part holds, base64url; empty where it is kept apart as an attachment."""

    data: str = ""


class Part(Struct, frozen=True, rename="camel"):
    """A part, the message as a whole being the first."""

    mime_type: str = ""
    filename: str = ""
    headers: tuple[Header, ...] = ()
    body: Body = Body()
    parts: tuple["Part", ...] = ()


def raw_of(payload: Part) -> bytes:
    """The message: its header block, and in place of its body what may matter of it."""
    content_type = _field(payload, "content-type")
    media = _media(content_type)
    lines = [_line(one) for one in payload.headers if one.name.lower() not in _OWN]
    if not media.startswith("multipart/"):
        data = _data(payload)
        declared = _with_charset(content_type or "text/plain", media, data)
        if declared is not None:
            lines = [line for line in lines if line[:13].lower() != "content-type:"]
            lines.append(f"Content-Type: {declared}\n")
        return _joined(lines, data)
    found = BOUNDARY_VALUE.search(content_type[:1000])
    boundary = found[1] if found is not None else _BOUNDARY
    if found is None:
        lines = [line for line in lines if line[:13].lower() != "content-type:"]
        lines.append(f'Content-Type: {content_type.rstrip("; ")[:900]}; boundary="{boundary}"\n')
    opening = b"--" + boundary.encode("ascii") + b"\n"
    pieces = [opening + piece + b"\n" for piece in _pieces(payload, is_report=media == "multipart/report")]
    return _joined(lines, b"".join(pieces) + opening[:-1] + b"--\n" if pieces else b"")


def _line(field: Header) -> str:
    return f"{field.name}: {_one_line(field.value)}\n"


def _one_line(value: str) -> str:
    """The value as it may stand in a header block: whatever it holds, it begins no other field."""
    return value.replace("\r", " ").replace("\n", " ") if "\n" in value or "\r" in value else value


def _joined(lines: list[str], body: bytes) -> bytes:
    return "".join(lines).encode("utf-8", "replace") + b"\n" + body


def _pieces(payload: Part, *, is_report: bool) -> Iterator[bytes]:
    """The texts that a writer's own could be, the headers of calendar parts, and of a report what it reports."""
    leaves = list(_leaves(payload))
    texts = [one for one in leaves if one.body.data and not _is_attached(one)]
    is_needed = True
    for one in texts:
        if _kind(one) == "text/plain" and is_needed:
            data = _data(one)
            charset, text = _text_of(one, data)
            yield _headed(f'text/plain; charset="{charset}"' if charset else "text/plain", data)
            is_needed = is_stub(text)
    if is_needed:
        html = next((one for one in texts if _kind(one) == "text/html"), None)
        if html is not None:
            data = _data(html)
            declared = _with_charset(_field(html, "content-type") or "text/html", "text/html", data)
            yield _headed(declared or _one_line(_field(html, "content-type")) or "text/html", data)
    for one in leaves:
        if _kind(one) == "text/calendar":
            yield _headed(_one_line(_field(one, "content-type")) or "text/calendar", b"")
        elif is_report and (_kind(one) == "message/delivery-status"):
            yield _headed("message/delivery-status", _reported(one))


def _leaves(payload: Part) -> Iterator[Part]:
    """The parts without parts, in order; those of a message within the message are its own."""
    stack = [(payload, 0)]
    seen = 0
    while stack and seen < _PARTS:
        part, depth = stack.pop()
        seen += 1
        if part.parts and not _kind(part).startswith("message/"):
            if depth < _DEPTH:
                stack += [(one, depth + 1) for one in reversed(part.parts)]
        else:
            yield part


def _reported(part: Part) -> bytes:
    """The fields of a delivery report (RFC 3464 2.1), as content or, where Gmail took it apart, as headers of parts."""
    blocks = [_data(part).replace(b"\r\n", b"\n")]
    blocks += [
        "".join(map(_line, one.headers)).encode("utf-8", "replace") + _data(one).replace(b"\r\n", b"\n")
        for one in part.parts[:_PARTS]
    ]
    return b"\n\n".join(block for block in blocks if block)


def _headed(content_type: str, data: bytes) -> bytes:
    return f"Content-Type: {content_type}\n\n".encode("utf-8", "replace") + data


def _kind(part: Part) -> str:
    return part.mime_type.lower()


def _is_attached(part: Part) -> bool:
    return _field(part, "content-disposition").lower().lstrip().startswith("attachment")


def _field(part: Part, name: str) -> str:
    return next((one.value for one in part.headers if one.name.lower() == name), "")


def _media(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


def _data(part: Part) -> bytes:
    """The content, as much of it as is ever looked at, with bare LF."""
    text = part.body.data[: BODY_BYTES * 4 // 3]
    encoded = text.encode("ascii", "replace").translate(_URL_SAFE).rstrip(b"=")
    encoded = encoded[: len(encoded) - 1] if len(encoded) % 4 == 1 else encoded
    try:
        data = binascii.a2b_base64(encoded + b"=" * (-len(encoded) % 4))
    except (binascii.Error, ValueError):
        return b""
    return data.replace(b"\r\n", b"\n") if b"\r" in data else data


def _charset_of(data: bytes, declared: str) -> str:
    """What a text is written in: UTF-8 where its bytes are, else what it says."""
    if data.isascii():
        return declared
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(data) - 4 or len(data) < BODY_BYTES - 4:
            return declared
    return "utf-8"


def _text_of(part: Part, data: bytes) -> tuple[str, str]:
    charset = _charset_of(data, _declared(_field(part, "content-type")))
    return charset, plain_part(charset, "", data)


def _with_charset(content_type: str, media: str, data: bytes) -> str | None:
    """A Content-Type that says what a text is written in; None where the one that it has may stay."""
    if not media.startswith("text/") and media:
        return None
    declared = _declared(content_type)
    charset = _charset_of(data, declared)
    return None if charset == declared else f'{media or "text/plain"}; charset="{charset}"'


def _declared(content_type: str) -> str:
    """The charset as it is declared, fit to stand in a header."""
    return charset_of(content_type[:1000])
