"""A mail taken apart as Gmail's API hands it out (`MessagePart`), by the standard library.

https://developers.google.com/workspace/gmail/api/reference/rest/v1/users.messages#messagepart (read 2026-11). What is
written nowhere can be had both ways: whether texts are turned into UTF-8, and whether a delivery report is taken apart.
"""

from base64 import urlsafe_b64encode
from collections.abc import Collection
from email import message_from_bytes
from email.message import Message
from typing import Any

from tests.fakes.api import Json


def payload_of(raw: bytes, *, transcodes: bool = False, opens_reports: bool = False) -> Json:
    """The payload of `format=full`."""
    return _part(message_from_bytes(raw), "", transcodes=transcodes, opens_reports=opens_reports)


def headers_of(raw: bytes, names: Collection[str] = ()) -> list[Json]:
    """The header fields of `format=metadata`: those that are named, or all."""
    wanted = {name.lower() for name in names}
    return [one for one in _headers(message_from_bytes(raw)) if not wanted or one["name"].lower() in wanted]


def _part(part: Message, number: str, *, transcodes: bool, opens_reports: bool) -> Json:
    made: Json = {
        "partId": number,
        "mimeType": part.get_content_type(),
        "filename": str(part.get_filename() or ""),
        "headers": _headers(part),
        "body": {"size": 0},
    }
    held: Any = part.get_payload()
    kind = part.get_content_type()
    is_report = kind == "message/delivery-status"
    if part.is_multipart() and not (is_report and not opens_reports):
        made["parts"] = [
            _part(
                one,
                f"{number}.{index}" if number else str(index),
                transcodes=transcodes,
                opens_reports=opens_reports,
            )
            for index, one in enumerate(held)
        ]
        return made
    if is_report:
        data = "\n".join(str(one) for one in held).encode()
    else:
        content = part.get_payload(decode=True)
        data = content if isinstance(content, bytes) else b""
    made["body"]["size"] = len(data)
    if not is_report and (made["filename"] or not kind.startswith("text/")):
        if data:
            made["body"]["attachmentId"] = f"ANGjdJ{number or 'x'}{len(data)}"
        return made
    if transcodes and kind.startswith("text/"):
        data = _utf8(data, str(part.get_content_charset() or ""))
    if data:
        made["body"]["data"] = urlsafe_b64encode(data).decode()
    return made


def _headers(part: Message) -> list[Json]:
    return [{"name": name, "value": _unfolded(value)} for name, value in part.raw_items()]


def _unfolded(value: object) -> str:
    lines = str(value).splitlines()
    joined = "".join([*lines[:1], *(f" {line.lstrip()}" for line in lines[1:])])
    return joined.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _utf8(data: bytes, charset: str) -> bytes:
    try:
        return data.decode(charset or "utf-8").encode()
    except (LookupError, UnicodeDecodeError):
        return data.decode("cp1252", "replace").encode()
