"""Which mail format the first bytes of a file show, and what to do about those that cannot be read."""

import re

_MAIL_FIELD = re.compile(
    rb"^(?:from|to|cc|subject|date|received|return-path|message-id|mime-version|delivered-to|reply-to|content-type"
    rb"|x-gm-thrid|x-gmail-labels|x-mozilla-status)[ \t]*:",
    re.IGNORECASE | re.MULTILINE,
)
_DAY = (
    rb"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? +(?:[A-Z][a-z]{2} +\d{1,2}|\d{1,2} +[A-Z][a-z]{2}) [^\n]{0,60}?\d{4}"
)
SEPARATOR = re.compile(
    rb"From (?:[^\n]{0,300}?\b" + _DAY + rb"[^\n]{0,60}|[ \t]*)\r?\n(?=[!-9;-~]{1,76}[ \t]*:|>From )",
)
"""A `From ` line of the proper shape with a header line after it: who, then a date in asctime's manner or Takeout's.

Thunderbird also writes the two words without anything after them (observed 2024).
"""


def mail_fields(head: bytes) -> int:
    """How many different mail headers a text begins with; 0 when its first lines are not headers at all."""
    block = head.lstrip(b"\xef\xbb\xbf\r\n")[:16_384].replace(b"\r\n", b"\n").partition(b"\n\n")[0]
    first = block.partition(b"\n")[0]
    if not re.match(rb"[!-9;-~]{1,76}[ \t]*:|>?From ", first):
        return 0
    return len({name.lower() for name in _MAIL_FIELD.findall(block)})


def is_mbox(head: bytes) -> bool:
    """Whether a file begins with a message's separator line."""
    return SEPARATOR.match(head.lstrip(b"\xef\xbb\xbf\r\n")) is not None


def refusal(name: str, head: bytes) -> str:
    """Why a file cannot be any mail file, and what to do; empty when it may be one."""
    advice = ""
    if not head.strip():
        advice = "it is empty; export it again"
    elif head.startswith(b"!BDN"):
        advice = (
            "it is an Outlook data file (PST or OST); export the folders as mbox from Outlook or Thunderbird,"
            " or connect the account itself"
        )
    elif head.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        advice = (
            "it is an Outlook message file (MSG); save the messages as .eml, or connect the account itself"
        )
    elif head.startswith((b"PK\x03\x04", b"\x1f\x8b", b"BZh", b"7z\xbc\xaf", b"\xfd7zXZ")):
        advice = "it is an archive; unpack it and import the mail files within"
    elif head.lstrip()[:15].lower().startswith((b"<!doctype html", b"<html")):
        advice = "it is a web page, most likely an error shown instead of the download; download it again"
    return f"{name} cannot be read as mail: {advice}." if advice else ""
