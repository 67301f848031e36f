"""Writes letters as mail programs would (RFC 5322, RFC 2045-2049) and as Google Takeout files them.

It never decides what is written, and asks neither the time nor chance: ids derive from the letter's own facts.
"""

import quopri
import textwrap
from base64 import b64encode, encodebytes
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from email.header import Header
from email.utils import format_datetime, formataddr
from hashlib import blake2b
from html import escape
from typing import Literal

from msgspec import Struct, field

from deploy.sample.people import Client, Language

Box = tuple[str, str]
"""A display name and an address."""
Shape = Literal["usual", "html", "invitation", "bounce"]

_WIDTH = 76
_DAYS: dict[Language, tuple[str, ...]] = {
    "en": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
    "de": ("Mo.", "Di.", "Mi.", "Do.", "Fr.", "Sa.", "So."),
    "fr": ("lun.", "mar.", "mer.", "jeu.", "ven.", "sam.", "dim."),
    "es": ("lun", "mar", "mié", "jue", "vie", "sáb", "dom"),
}
_MONTHS: dict[Language, tuple[str, ...]] = {
    "en": ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
    "de": ("Jan.", "Feb.", "März", "Apr.", "Mai", "Juni", "Juli", "Aug.", "Sept.", "Okt.", "Nov.", "Dez."),
    "fr": ("janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.", "déc."),
    "es": ("ene", "feb", "mar", "abr", "may", "jun", "jul", "ago", "sept", "oct", "nov", "dic"),
}
_BLOCK: dict[Language, tuple[str, str, str, str]] = {
    "en": ("From:", "Sent:", "To:", "Subject:"),
    "de": ("Von:", "Gesendet:", "An:", "Betreff:"),
    "fr": ("De :", "Envoyé :", "À :", "Objet :"),
    "es": ("De:", "Enviado:", "Para:", "Asunto:"),
}
_PHONE: dict[Language, str] = {
    "en": "Sent from my iPhone",
    "de": "Von meinem iPhone gesendet",
    "fr": "Envoyé de mon iPhone",
    "es": "Enviado desde mi iPhone",
}
_PREFIXES = ("re:", "aw:", "fwd:", "wg:", "tr:", "rv:", "sv:")


class Letter(Struct, frozen=True, kw_only=True):
    """One mail to be written.

    `text` is the writer's own words with greeting and closing; `signature` stands below `-- ` or the closing.
    `at` is aware, in the writer's zone. `answers` is the letter quoted below. `calendar` is an iTIP object.
    """

    at: datetime
    sender: Box
    to: tuple[Box, ...]
    cc: tuple[Box, ...] = ()
    subject: str
    text: str
    signature: str = ""
    language: Language = "en"
    client: Client = "gmail"
    answers: "Letter | None" = None
    shape: Shape = "usual"
    labels: tuple[str, ...] = ("Inbox", "Opened", "Category Personal")
    headers: tuple[tuple[str, str], ...] = ()
    delivered_to: str = ""
    html: str = ""
    calendar: str = ""
    method: str = "REQUEST"
    attachments: tuple[tuple[str, str, bytes], ...] = field(default_factory=tuple)

    @property
    def digest(self) -> str:
        """Hexadecimal digits that no other letter of the archive has."""
        facts = f"{self.at.isoformat()}|{self.sender[1]}|{self.subject}|{self.to}|{len(self.text)}"
        return blake2b(facts.encode(), digest_size=16).hexdigest()

    @property
    def message_id(self) -> str:
        """The Message-ID with brackets, in the manner of the writer's program."""
        digest = self.digest
        domain = self.sender[1].partition("@")[2]
        if self.client == "gmail":
            return (
                f"<CA{b64encode(bytes.fromhex(digest)).decode().strip('=').replace('/', '_')}@mail.{domain}>"
            )
        if self.client == "outlook":
            return f"<AM9P{digest[:12].upper()}{digest[12:26].upper()}@AM9PR04MB{digest[26:30]}.eurprd04.prod.{domain}>"
        if self.client in {"apple", "phone"}:
            d = digest.upper()
            return f"<{d[:8]}-{d[8:12]}-4{d[13:16]}-{d[16:20]}-{d[20:32]}@{domain}>"
        return f"<{digest[:8]}-{digest[8:12]}-{digest[12:16]}-{digest[16:28]}@{domain}>"

    @property
    def ancestry(self) -> tuple[str, ...]:
        """The Message-IDs this one stems from, oldest first (RFC 5322 3.6.4)."""
        return () if self.answers is None else (*self.answers.ancestry, self.answers.message_id)

    @property
    def root(self) -> "Letter":
        """The letter that began the thread."""
        return self if self.answers is None else self.answers.root


def reply_subject(subject: str, client: Client, language: Language) -> str:
    """The subject of an answer: prefixed once, in the manner of the program."""
    if subject.lower().startswith(_PREFIXES):
        return subject
    if client == "outlook":
        return ("AW: " if language == "de" else "RE: ") + subject
    return f"Re: {subject}"


def wire(letter: Letter) -> bytes:
    """The message as bytes with LF line ends and no envelope line."""
    head = [*_trace(letter), *_envelope(letter)]
    content_type, encoding, body = _body(letter)
    head.append(("Content-Type", content_type))
    if encoding:
        head.append(("Content-Transfer-Encoding", encoding))
    lines = [f"{name}: {value}\n" for name, value in head]
    return "".join(lines).encode("ascii") + b"\n" + body


def takeout(letters: Iterable[Letter]) -> Iterator[bytes]:
    """The letters as Google Takeout's mbox holds them: numbered envelope line, thread id, labels, `>From`.

    The first 64 bits of the digest serve as Gmail's message id; its thread id is that of the thread's first letter.
    """
    for letter in letters:
        stamp = letter.at.astimezone(tz=None) if letter.at.tzinfo is None else letter.at
        utc = stamp - (stamp.utcoffset() or timedelta())
        number = _gmail_id(letter)
        yield f"From {number}@xxx {_asctime(utc)}\n".encode()
        yield f"X-GM-THRID: {_gmail_id(letter.root)}\n".encode()
        labels = ",".join(letter.labels)
        yield f"X-Gmail-Labels: {_header_text(labels)}\n".encode()
        raw = wire(letter)
        yield b"\n".join(b">" + line if line.startswith(b"From ") else line for line in raw.split(b"\n"))
        yield b"\n" if raw.endswith(b"\n") else b"\n\n"


def _gmail_id(letter: Letter) -> int:
    """Gmail's ids rise with time: milliseconds above, a little of the digest below."""
    return (int(letter.at.timestamp() * 1000) << 20) | int(letter.digest[:5], 16)


def _asctime(utc: datetime) -> str:
    day, month = _DAYS["en"][utc.weekday()], _MONTHS["en"][utc.month - 1]
    return f"{day} {month} {utc.day:02d} {utc:%H:%M:%S} +0000 {utc.year}"


def _header_text(text: str) -> str:
    if text.isascii():
        return text
    return Header(text, "utf-8", maxlinelen=74).encode(linesep="\n")


def _boxes(boxes: tuple[Box, ...]) -> str:
    return ",\n ".join(formataddr(box) for box in boxes)


def _trace(letter: Letter) -> list[tuple[str, str]]:
    """What the servers on the way add, newest first."""
    if "Sent" in letter.labels or "Drafts" in letter.labels:
        return []
    digest, domain = letter.digest, letter.sender[1].partition("@")[2]
    utc = letter.at - (letter.at.utcoffset() or timedelta())
    arrived = format_datetime(letter.at + timedelta(seconds=3 + int(digest[0], 16)))
    key = b64encode(bytes.fromhex(digest * 4)).decode()
    return_path = "<>" if letter.shape == "bounce" else f"<{letter.sender[1]}>"
    return [
        ("Delivered-To", letter.delivered_to or letter.to[0][1]),
        (
            "Received",
            f"by 2002:a05:{digest[:4]}:{digest[4:8]} with SMTP id {digest[8:20]}csp{int(digest[20:25], 16)};\n        {arrived}",
        ),
        ("Return-Path", return_path),
        (
            "Received",
            f"from out.{domain} (out.{domain}. [192.0.2.{int(digest[:2], 16)}])\n        by mx.example.com with ESMTPS id {digest[4:24]}\n        (version=TLS1_3 cipher=TLS_AES_256_GCM_SHA384 bits=256/256);\n        {arrived}",
        ),
        (
            "Authentication-Results",
            f"mx.example.com; dkim=pass header.i=@{domain} header.s=s1;\n       spf=pass smtp.mailfrom={letter.sender[1]}; dmarc=pass header.from={domain}",
        ),
        (
            "DKIM-Signature",
            f"v=1; a=rsa-sha256; c=relaxed/relaxed; d={domain}; s=s1;\n        t={int(utc.timestamp())}; h=to:subject:message-id:date:from;\n        bh={key[:44]};\n        b={key[:70]}\n         {key[10:80]}",
        ),
    ]


def _envelope(letter: Letter) -> list[tuple[str, str]]:
    head = [("MIME-Version", "1.0"), *letter.headers]
    if letter.ancestry:
        head += [("References", "\n ".join(letter.ancestry)), ("In-Reply-To", letter.ancestry[-1])]
    agent = {
        "apple": ("X-Mailer", "Apple Mail (2.3826.200.121)"),
        "phone": ("X-Mailer", "iPhone Mail (22B83)"),
        "thunderbird": ("User-Agent", "Mozilla Thunderbird"),
        "outlook": ("X-MS-Has-Attach", ""),
    }.get(letter.client)
    if agent is not None and letter.shape == "usual":
        head.append(agent)
    if letter.client == "outlook" and letter.shape == "usual":
        guid = bytes.fromhex(letter.root.digest)
        index = b"\x01\xdb" + guid[:4] + guid + b"\x00\x01\x02\x03\x04" * len(letter.ancestry)
        head += [
            ("Thread-Topic", _header_text(letter.root.subject)),
            ("Thread-Index", b64encode(index[:60]).decode()),
        ]
    head += [
        ("From", formataddr(letter.sender)),
        ("Date", format_datetime(letter.at)),
        ("Message-ID", letter.message_id),
        ("Subject", _header_text(letter.subject)),
        ("To", _boxes(letter.to) or "undisclosed-recipients:;"),
    ]
    if letter.cc:
        head.append(("Cc", _boxes(letter.cc)))
    return head


def _body(letter: Letter) -> tuple[str, str, bytes]:
    if letter.shape == "bounce":
        return _report(letter)
    if letter.shape == "html":
        kind, encoding, body = _part("text/html", letter.html or _html(letter))
        return kind, encoding, body
    if letter.shape == "invitation":
        parts = [
            _part("text/plain", letter.text),
            _part("text/html", f"<div>{_paragraphs(letter.text)}</div>"),
            _part(f"text/calendar; method={letter.method}", letter.calendar),
        ]
        boundary = f"000000000000{letter.digest[:16]}"
        return f'multipart/alternative; boundary="{boundary}"', "", _multipart(boundary, parts)
    plain = _part("text/plain", full_text(letter), flowed=letter.client == "apple")
    if letter.client in {"thunderbird", "apple", "phone"} and not letter.html:
        inner = plain
    else:
        boundary = f"000000000000{letter.digest[:16]}"
        html = _part("text/html", letter.html or _html(letter))
        inner = (f'multipart/alternative; boundary="{boundary}"', "", _multipart(boundary, [plain, html]))
    if not letter.attachments:
        return inner
    boundary = f"=-mixed-{letter.digest[16:32]}"
    parts = [inner]
    for name, kind, content in letter.attachments:
        parts.append(
            (
                f'{kind}; name="{name}"\nContent-Disposition: attachment; filename="{name}"',
                "base64",
                encodebytes(content),
            )
        )
    return f'multipart/mixed; boundary="{boundary}"', "", _multipart(boundary, parts)


def _part(kind: str, text: str, flowed: bool = False) -> tuple[str, str, bytes]:
    text = text.replace("\r\n", "\n")  # the archive has LF line ends throughout, as Takeout writes them
    raw = text.encode()
    extra = "; format=flowed" if flowed else ""
    longest = max((len(line) for line in raw.split(b"\n")), default=0)
    if text.isascii() and longest < 990:
        return f'{kind}; charset="us-ascii"{extra}', "7bit", raw
    return f'{kind}; charset="UTF-8"{extra}', "quoted-printable", quopri.encodestring(raw)


def _multipart(boundary: str, parts: list[tuple[str, str, bytes]]) -> bytes:
    pieces = []
    for kind, encoding, body in parts:
        head = f"--{boundary}\nContent-Type: {kind}\n"
        if encoding:
            head += f"Content-Transfer-Encoding: {encoding}\n"
        pieces.append(head.encode() + b"\n" + body.rstrip(b"\n") + b"\n")
    pieces.append(f"--{boundary}--\n".encode())
    return b"\n".join(pieces)


def _report(letter: Letter) -> tuple[str, str, bytes]:
    """A delivery status notification (RFC 3464); `calendar` holds its machine-readable part."""
    boundary = f"000000000000{letter.digest[:16]}"
    parts = [_part("text/plain", letter.text), ("message/delivery-status", "", letter.calendar.encode())]
    return (
        f'multipart/report; boundary="{boundary}";\n report-type=delivery-status',
        "",
        _multipart(boundary, parts),
    )


def full_text(letter: Letter) -> str:
    """The plain text as sent: own words, signature, and what is quoted below."""
    wraps = letter.client != "outlook"
    own = _wrapped(letter.text) if wraps else letter.text
    pieces = [own]
    if letter.client == "phone":
        pieces.append(f"\n{_PHONE[letter.language]}")
    elif letter.signature and letter.client == "outlook":
        pieces.append(f"\n{letter.signature}")
    elif letter.signature:
        pieces.append(f"\n-- \n{letter.signature}")
    if letter.answers is not None:
        pieces.append("\n" + _quoted(letter, letter.answers))
    return "\n".join(pieces) + "\n"


def _quoted(letter: Letter, older: Letter) -> str:
    below = full_text(older)
    local = older.at.astimezone(letter.at.tzinfo)
    if letter.client == "outlook":
        block = _BLOCK[letter.language]
        to = "; ".join(f"{name} <{address}>" for name, address in older.to)
        sent = f"{local.day} {_MONTHS[letter.language][local.month - 1]} {local.year} {local:%H:%M}"
        lines = (f"{older.sender[0]} <{older.sender[1]}>", sent, to, older.subject)
        rule = "_" * 32 if letter.language == "en" else ""
        return "\n".join(
            [rule, *(f"{word} {value}" for word, value in zip(block, lines, strict=True)), "", below]
        )
    quoted = "\n".join(f"> {line}".rstrip() if line else ">" for line in below.rstrip("\n").split("\n"))
    return f"{attribution(letter, older)}\n{quoted}"


def attribution(letter: Letter, older: Letter) -> str:
    """The line that introduces a quotation, in the program's and the writer's language."""
    local = older.at.astimezone(letter.at.tzinfo)
    name, address = older.sender
    language = letter.language
    day, month = _DAYS[language][local.weekday()], _MONTHS[language][local.month - 1]
    clock = f"{local:%H:%M}"
    if letter.client == "gmail":
        hour = f"{local.hour % 12 or 12}:{local.minute:02d} {'AM' if local.hour < 12 else 'PM'}"
        return {
            "en": f"On {day}, {month} {local.day}, {local.year} at {hour} {name} <{address}>\nwrote:\n",
            "de": f"Am {day}, {local.day}. {month} {local.year} um {clock} Uhr schrieb {name} <\n{address}>:\n",
            "fr": f"Le {day} {local.day} {month} {local.year} à {clock}, {name} <{address}>\na écrit :\n",
            "es": f"El {day}, {local.day} {month} {local.year} a las {clock}, {name} (<{address}>)\nescribió:\n",
        }[language]
    if letter.client == "thunderbird":
        return {
            "en": f"On {local:%d/%m/%Y %H:%M}, {name} wrote:",
            "de": f"Am {local:%d.%m.%y} um {clock} schrieb {name}:",
            "fr": f"Le {local:%d/%m/%Y} à {clock}, {name} a écrit :",
            "es": f"El {local:%d/%m/%Y} a las {clock}, {name} escribió:",
        }[language]
    return {
        "en": f"On {local.day} {month} {local.year}, at {clock}, {name} <{address}> wrote:\n",
        "de": f"Am {local:%d.%m.%Y} um {clock} schrieb {name} <{address}>:\n",
        "fr": f"Le {local.day} {month} {local.year} à {clock}, {name} <{address}> a écrit :\n",
        "es": f"El {local.day} {month} {local.year}, a las {clock}, {name} <{address}> escribió:\n",
    }[language]


def _wrapped(text: str) -> str:
    return "\n".join(
        textwrap.fill(line, _WIDTH, break_long_words=False, break_on_hyphens=False)
        if len(line) > _WIDTH
        else line
        for line in text.split("\n")
    )


def _paragraphs(text: str) -> str:
    return "<br>\n".join(escape(line, quote=False) for line in text.split("\n"))


def _html(letter: Letter) -> str:
    own = _paragraphs(letter.text)
    signature = _paragraphs(letter.signature)
    older = letter.answers
    if letter.client == "outlook":
        body = "\n".join(
            f'<p class="MsoNormal">{escape(line, quote=False) or "&nbsp;"}</p>'
            for line in letter.text.split("\n")
        )
        if letter.signature:
            body += f'\n<p class="MsoNormal"><span style="color:#5A5A5A">{signature}</span></p>'
        if older is not None:
            block = _quoted(letter, older).lstrip("_\n")
            body += f'\n<div style="border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0cm 0cm 0cm">\n<p class="MsoNormal">{_paragraphs(block)}</p></div>'
        return f'<html xmlns:o="urn:schemas-microsoft-com:office:office"><body lang="{letter.language}"><div class="WordSection1">\n{body}\n</div></body></html>'
    body = f'<div dir="ltr">{own}'
    if signature:
        body += f'<br clear="all"><span class="gmail_signature_prefix">-- </span><br><div dir="ltr" class="gmail_signature">{signature}</div>'
    body += "</div>"
    if older is not None:
        line = _paragraphs(attribution(letter, older).strip())
        body += f'<br><div class="gmail_quote"><div dir="ltr" class="gmail_attr">{line}<br></div><blockquote class="gmail_quote" style="margin:0px 0px 0px 0.8ex;border-left:1px solid rgb(204,204,204);padding-left:1ex">{_paragraphs(full_text(older))}</blockquote></div>'
    return body
