"""Writes the benchmark's corpus: any number of mails with the shape of a busy professional's archive, fast.

What is kept constant for every size: the shares of kinds, the sizes (log-normal, median 7 KB), the lengths of
threads, the delays of answers, five years. Activity per person follows a power law (Zipf, exponent 0.9) over
`people`; by `people_for` their number grows with the square root of the number of messages.

The corpus is cut into shards of `SHARD` messages, each from its own seed, so that the bytes do not depend on the
number of processes. Texts mix sentences of the sample network with sentences of invented words whose frequencies
follow Zipf's law, so that an indexer has realistic work; nothing here is meant to be read.
"""

import math
import os
from base64 import b64encode
from bisect import bisect
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import lru_cache
from itertools import accumulate
from pathlib import Path
from random import Random

from msgspec import Struct

from deploy.sample.scenes import NOTES, SCENES, SLOTS

END = datetime(2026, 11, 1, tzinfo=UTC)
"""The newest possible date; the corpus lies in the years before."""
OWNER_NAME = "Robin Adeyemi-Falk"
OWNER_ADDRESSES = ("robin@example.com", "robin.falk@harrow-lane.example")
ZONE = "Europe/Berlin"
SHARD = 2_000
MEDIAN_BYTES = 7_000
_AIM = 6_200
"""The aim of the log-normal; headers and the shortest texts lift the median to `MEDIAN_BYTES`."""
_SIGMA = 0.75
_BIGGEST = 400_000
_HUMAN = 0.58
_ATTACHES_FROM = 24_000
_WORDS = 7_000
_SENTENCES = 12_000
_SYLLABLES = ["ba", "be", "bi", "bo", "bra", "bre", "ca", "ce", "co", "cre", "da", "de", "di", "do", "dra", "el", "en", "er", "fa", "fi", "fo", "fra", "ga", "ge", "gi", "go", "gra", "ha", "he", "hi", "ho", "in", "ja", "jo", "ka", "ke", "ki", "ko", "la", "le", "li", "lo", "lu", "ma", "me", "mi", "mo", "mu", "na", "ne", "ni", "no", "nu", "or", "pa", "pe", "pi", "po", "pra", "ra", "re", "ri", "ro", "ru", "sa", "se", "si", "so", "sta", "ste", "sto", "su", "ta", "te", "ti", "to", "tra", "tre", "tu", "ul", "va", "ve", "vi", "vo", "wa", "we", "wi", "za", "ze", "zi", "zo"]  # fmt: skip
_GIVEN = ["Amara", "Anders", "Anja", "Antoine", "Asha", "Aylin", "Beatrix", "Bilal", "Bruno", "Carmen", "Chen", "Chiara", "Clara", "Daniyar", "Darya", "Diego", "Edda", "Ekow", "Elias", "Emre", "Esther", "Farid", "Femke", "Finn", "Giulia", "Goran", "Hana", "Hedda", "Ibrahim", "Ines", "Ivo", "Jaana", "Jakob", "Jia", "Joana", "Jorge", "Kaito", "Karla", "Kasia", "Kwame", "Lars", "Leonie", "Linh", "Lior", "Louise", "Luan", "Magda", "Malik", "Mariam", "Mateo", "Mira", "Moritz", "Naila", "Nils", "Noa", "Olena", "Omari", "Oskar", "Paola", "Pavel", "Quentin", "Rania", "Renata", "Rowan", "Sanna", "Selim", "Senna", "Shira", "Silvia", "Sindre", "Tamar", "Teodora", "Theo", "Tove", "Umut", "Vera", "Wanjiru", "Xavier", "Yara", "Yusuf", "Zofia", "Jürgen", "Renée", "Søren", "Łukasz", "Zoë", "Inés", "Çağla", "Åsa"]  # fmt: skip
_FAMILY_ENDS = (
    "sen",
    "ova",
    "ner",
    "wicz",
    "ez",
    "mann",
    "ini",
    "oğlu",
    "aro",
    "sson",
    "ley",
    "ton",
    "eira",
    "ides",
    "ko",
)
_COMMON = ["the", "to", "and", "a", "of", "in", "is", "it", "for", "you", "on", "that", "with", "we", "this", "be", "I", "are", "as", "at", "have", "not", "or", "from", "by", "will", "an", "if", "can", "our", "your", "but", "they", "was", "which", "all", "there", "has", "one", "more", "would", "about", "so", "what", "their", "when", "out", "up", "time", "them", "us", "only", "new", "some", "could", "her", "his", "meeting", "week", "project", "please", "team", "report", "client", "plan", "today", "question", "number", "working", "draft", "next", "month", "version", "budget", "schedule", "order", "contract", "review", "first", "last", "people", "service", "office", "change", "possible", "point", "data", "list", "needs", "group", "part"]  # fmt: skip
_ASKS = (
    "Could you send me the latest figures by Thursday?",
    "Do you have time for a short call next week?",
    "Would you mind checking the second paragraph?",
    "Can we move the meeting to Wednesday at 14:00?",
    "What do you think of the new outline?",
    "Please let me know whether the dates work for you.",
    "Who should sign for your side?",
)
_PROMISES = (
    "I'll send you the slides by Friday.",
    "I will get back to you with the numbers tomorrow.",
    "I'll check with the team and let you know next week.",
    "Let me send the corrected version this afternoon.",
)
_THANKS = (
    "Thank you so much, that helps a lot.",
    "Thanks, all clear.",
    "Perfect, many thanks for the quick answer.",
    "I would like to introduce you to my colleague in Ghent, who does the same work there.",
)
_MACHINES = (
    ("newsletter", "Longform Review", "letters@longform.example"),
    ("newsletter", "Market Notes", "notes@marketnotes.example"),
    ("newsletter", "Grocer Weekly", "offers@grocer.example"),
    ("newsletter", "Travel Club", "club@travel.example"),
    ("newsletter", "Tooling Digest", "digest@tooling.example"),
    ("notice", "Tracker", "notifications@tracker.example"),
    ("notice", "Build", "no-reply@build.example"),
    ("notice", "Bank", "noreply@bank.example"),
    ("notice", "Parcel", "tracking@parcel.example"),
    ("notice", "Calendar", "calendar-notification@calendar.example"),
    ("list", "Design Talk", "talk@lists.design.example"),
    ("list", "City Cyclists", "all@lists.cyclists.example"),
    ("list", "Open Data", "open-data@lists.data.example"),
)


class Settings(Struct, frozen=True):
    """What a corpus is made from; equal settings give equal bytes."""

    messages: int = 100_000
    people: int = 1_500
    years: int = 5
    seed: int = 1


class _Stock(Struct, frozen=True):
    """Everything that shards draw from, made once in each process."""

    people: tuple[tuple[str, str, str, int, float], ...]
    shares: tuple[float, ...]
    sentences: tuple[str, ...]
    subjects: tuple[str, ...]
    noise: str


class _Mail(Struct, frozen=True):
    """One mail before it is bytes, kept while its thread goes on."""

    at: datetime
    message_id: str
    references: tuple[str, ...]
    sender: tuple[str, str]
    to: tuple[str, str]
    subject: str
    text: str
    cc: str = ""


def people_for(messages: int) -> int:
    """How many people an archive of that size has: 1,500 at 100,000 messages, by the square root."""
    return max(20, round(1_500 * math.sqrt(messages / 100_000)))


def busiest(people: int, seed: int = 1) -> str:
    """The address of the person with the most messages."""
    return _stock(people, seed).people[0][1]


def write_maildir(
    folder: Path,
    messages: int = 100_000,
    people: int = 1_500,
    years: int = 5,
    seed: int = 1,
    processes: int | None = None,
) -> Path:
    """Write a Maildir (`cur`, `new`, `tmp`) with one file a message and return the folder."""
    settings = Settings(messages, people, years, seed)
    for name in ("cur", "new", "tmp"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    shards = range(math.ceil(messages / SHARD))
    count = processes or os.cpu_count() or 1
    if count == 1 or len(shards) == 1:
        for shard in shards:
            _write_files(settings, shard, str(folder / "cur"))
        return folder
    with ProcessPoolExecutor(count) as pool:
        list(pool.map(_write_files, [settings] * len(shards), shards, [str(folder / "cur")] * len(shards)))
    return folder


def write_mbox(
    path: Path, messages: int = 100_000, people: int = 1_500, years: int = 5, seed: int = 1
) -> Path:
    """Write the very same messages as one mbox in Takeout's manner and return the path."""
    settings = Settings(messages, people, years, seed)
    with path.open("wb") as out:
        for shard in range(math.ceil(messages / SHARD)):
            for place, raw in enumerate(shard_messages(settings, shard)):
                number = 1_600_000_000_000_000_000 + shard * SHARD + place
                out.write(b"From %d@xxx Mon Oct 16 01:29:30 +0000 2023\n" % number)
                out.write(raw.replace(b"\nFrom ", b"\n>From "))
                out.write(b"\n")
    return path


def _write_files(settings: Settings, shard: int, cur: str) -> None:
    for place, raw in enumerate(shard_messages(settings, shard)):
        number = shard * SHARD + place
        descriptor = os.open(
            f"{cur}/{1_600_000_000 + number}.M{number}P1.host.example:2,S",
            os.O_WRONLY | os.O_CREAT | os.O_TRUNC,
            0o600,
        )
        try:
            os.write(descriptor, raw)
        finally:
            os.close(descriptor)


def shard_messages(settings: Settings, shard: int) -> Iterator[bytes]:
    """The messages of one shard, in order, LF line ends."""
    left = min(SHARD, settings.messages - shard * SHARD)
    rng = Random(f"bulk/{settings.seed}/{shard}")  # noqa: S311  # reproducible fiction, no secret
    stock = _stock(settings.people, settings.seed)
    span = timedelta(days=365.25 * settings.years)
    while left > 0:
        begun = END - span * rng.random()
        thread = (
            _thread(rng, stock, begun)
            if rng.random() < _HUMAN / (_HUMAN + (1 - _HUMAN) * 2.6)
            else _machine(rng, stock, begun)
        )
        for raw in thread:
            yield raw
            left -= 1
            if left == 0:
                return


@lru_cache(maxsize=2)
def _stock(people: int, seed: int) -> _Stock:
    rng = Random(f"stock/{seed}")  # noqa: S311  # reproducible fiction, no secret
    own = {word for scene in SCENES for line in scene.lines for word in line.split() if word.isalpha()}
    words = [*_COMMON, *sorted(own)]
    rng.shuffle(words)
    words = _COMMON + [word for word in words if word not in set(_COMMON)]
    seen = set(words)
    while len(words) < _WORDS:
        word = "".join(rng.choice(_SYLLABLES) for _ in range(rng.choice((2, 3, 3, 4))))
        if word not in seen:
            seen.add(word)
            words.append(word)
    frequencies = list(accumulate(1 / (rank + 2.7) for rank in range(len(words))))
    sentences = [_sentence(rng, words, frequencies) for _ in range(_SENTENCES)]
    fillings = {name: choices[0] for name, choices in SLOTS.items()} | {"first": "Robin"}
    real = [line[2:].format(**fillings) for scene in SCENES for line in scene.lines]
    real += [text.format(**fillings) for _, _, text in NOTES]
    plain = [
        piece.strip() + "."
        for text in real
        for piece in text.split(". ")
        if "?" not in piece and len(piece) > 20
    ]
    sentences += [piece.replace("..", ".") for piece in plain] * 6
    rng.shuffle(sentences)
    subjects = [
        " ".join(rng.choices(words, cum_weights=frequencies, k=rng.randrange(2, 6))).capitalize() for _ in range(4_000)
    ]  # fmt: skip
    noise = b64encode(rng.randbytes(600_000)).decode()
    figures = []
    for number in range(people):
        family = (rng.choice(_SYLLABLES) + rng.choice(_SYLLABLES)).capitalize() + rng.choice(_FAMILY_ENDS)
        name = f"{rng.choice(_GIVEN)} {family}"
        company = "".join(rng.choice(_SYLLABLES) for _ in range(3))
        local = name.lower().encode("ascii", "ignore").decode().replace(" ", ".")
        figures.append(
            (
                name,
                f"{local}{number}@{company}.example",
                company.capitalize(),
                rng.choice((0, 0, 60, 60, 120, -300, -480, 330, 540)),
                rng.lognormvariate(2.3, 0.9),
            )
        )
    shares = tuple(accumulate(1 / (rank + 1) ** 0.9 for rank in range(people)))
    return _Stock(tuple(figures), shares, tuple(sentences), tuple(subjects), noise)


def _sentence(rng: Random, words: list[str], frequencies: list[float]) -> str:
    chosen = rng.choices(words, cum_weights=frequencies, k=rng.randrange(6, 19))
    if len(chosen) > 10:
        chosen[len(chosen) // 2] += ","
    if rng.random() < 0.12:
        chosen.append(str(rng.randrange(2, 20_000)))
    return " ".join(chosen).capitalize() + "."


def _thread(rng: Random, stock: _Stock, at: datetime) -> Iterator[bytes]:
    """A conversation with one person, now and then with a second in Cc: one to some ten messages."""
    person = stock.people[min(bisect(stock.shares, rng.random() * stock.shares[-1]), len(stock.people) - 1)]
    name, address, company, offset, pace = person
    own = (OWNER_NAME, OWNER_ADDRESSES[rng.random() < 0.7])
    length = min(1 + int(rng.expovariate(0.55)), 14)
    subject = rng.choice(stock.subjects)
    cc = ""
    if rng.random() < 0.15:
        other = rng.choice(stock.people)
        cc = f"{_display(other[0])} <{other[1]}>"
    is_mine = rng.random() < 0.45
    before: _Mail | None = None
    for _ in range(length):
        if at >= END:
            return
        sender, to = (own, (name, address)) if is_mine else ((name, address), own)
        zone = 60 if is_mine else offset
        target = min(int(rng.lognormvariate(math.log(_AIM), _SIGMA)), _BIGGEST)
        mail, raw = _human(rng, stock, at, sender, to, subject, before, cc, target, zone, company)
        yield raw
        before = mail
        is_mine = not is_mine if rng.random() < 0.9 else is_mine
        at += timedelta(hours=max(0.05, rng.lognormvariate(math.log(max(pace, 0.5)), 1.0)))


def _display(name: str) -> str:
    if name.isascii():
        return name
    return f"=?UTF-8?B?{b64encode(name.encode()).decode()}?="


def _human(
    rng: Random, stock: _Stock, at: datetime, sender: tuple[str, str], to: tuple[str, str], subject: str,
    before: _Mail | None, cc: str, target: int, zone: int, company: str,
) -> tuple[_Mail, bytes]:  # fmt: skip
    token = f"{rng.getrandbits(128):032x}"
    domain = sender[1].partition("@")[2]
    message_id = f"<{token}@mail.{domain}>"
    references = (*before.references, before.message_id) if before is not None else ()
    is_mine = sender[1] in OWNER_ADDRESSES
    head = [] if is_mine else [_trace(rng, stock, at, domain, to[1], token)]
    head.append("MIME-Version: 1.0\n")
    if references:
        head.append(
            f"References: {chr(10).join((' ' if n else '') + one for n, one in enumerate(references))}\nIn-Reply-To: {references[-1]}\n"
        )
    title = subject if before is None else f"Re: {subject}"
    head.append(
        f"From: {_display(sender[0])} <{sender[1]}>\nDate: {_date(at, zone)}\nMessage-ID: {message_id}\nSubject: {title}\nTo: {_display(to[0])} <{to[1]}>\n"
    )
    if cc:
        head.append(f"Cc: {cc}\n")
    size = sum(map(len, head))
    attaches = target > _ATTACHES_FROM
    room = max(
        300, ((8_000 if attaches else target) - size) * 10 // 23
    )  # the words stand twice, in text and in HTML
    own, quoted = _words(rng, stock, before, room, sender[0], company)
    plain = own + quoted
    html = f'<div dir="ltr">{_to_html(own)}</div>'
    if quoted:
        html += f'<br><div class="gmail_quote"><blockquote class="gmail_quote" style="margin:0px 0px 0px 0.8ex;border-left:1px solid rgb(204,204,204);padding-left:1ex">{_to_html(quoted)}</blockquote></div>'
    boundary = f"000000000000{token[:16]}"
    if rng.random() < 0.12 and not attaches:
        head.append('Content-Type: text/plain; charset="UTF-8"\nContent-Transfer-Encoding: 8bit\n\n')
        body = plain
    else:
        body = (
            f'--{boundary}\nContent-Type: text/plain; charset="UTF-8"\nContent-Transfer-Encoding: 8bit\n\n{plain}\n'
            f'--{boundary}\nContent-Type: text/html; charset="UTF-8"\nContent-Transfer-Encoding: 8bit\n\n{html}\n--{boundary}--\n'
        )
        kind = f'Content-Type: multipart/alternative; boundary="{boundary}"\n'
        if attaches:
            outer = f"mixed{token[16:]}"
            attached = _attachment(rng, stock, target - size - len(body))
            body = f"--{outer}\n{kind}\n{body}\n--{outer}\n{attached}\n--{outer}--\n"
            kind = f'Content-Type: multipart/mixed; boundary="{outer}"\n'
        head.append(kind + "\n")
    mail = _Mail(at, message_id, references[-12:], sender, to, subject, own, cc)
    return mail, ("".join(head) + body).encode()


def _words(
    rng: Random, stock: _Stock, before: _Mail | None, room: int, name: str, company: str
) -> tuple[str, str]:
    """The writer's own words with greeting and signature, and the quotation below them."""
    quoted = ""
    if before is not None:
        local = format_datetime(before.at)[:22]
        lines = before.text.split("\n")
        quoted = f"\nOn {local} {before.sender[0]} <{before.sender[1]}> wrote:\n" + "".join(
            f"> {line}\n" for line in lines
        )
        room = max(160, room - len(quoted))
    pieces: list[str] = []
    chance = rng.random()
    if chance < 0.22:
        pieces.append(rng.choice(_ASKS))
    elif chance < 0.32:
        pieces.append(rng.choice(_PROMISES))
    elif chance < 0.42:
        pieces.append(rng.choice(_THANKS))
    length = 0
    start = rng.randrange(len(stock.sentences))
    while length < room:
        sentence = stock.sentences[start % len(stock.sentences)]
        start += rng.randrange(1, 40)
        pieces.append(sentence)
        length += len(sentence) + 1
    if len(pieces) > 3:
        spot = rng.randrange(len(pieces))
        pieces[0], pieces[spot] = pieces[spot], pieces[0]
    paragraphs = "\n\n".join(" ".join(pieces[at : at + 4]) for at in range(0, len(pieces), 4))
    first = name.split(maxsplit=1)[0]
    return (
        f"Hi,\n\n{paragraphs}\n\nBest,\n{first}\n\n-- \n{name}\n{company} | +49 30 23125 {rng.randrange(100, 999)}\n",
        quoted,
    )


def _to_html(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\n", "<br>\n")


def _attachment(rng: Random, stock: _Stock, size: int) -> str:
    start = rng.randrange(len(stock.noise) // 4) * 76 % (len(stock.noise) // 2)
    size = max(size, 400)
    raw = (stock.noise[start:] + stock.noise)[: size - size // 76]
    lines = "\n".join(raw[at : at + 76] for at in range(0, len(raw) // 4 * 4, 76))
    kind = rng.choice(
        (
            "application/pdf",
            "image/jpeg",
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        )
    )
    return f'Content-Type: {kind}; name="file{start}"\nContent-Disposition: attachment; filename="file{start}"\nContent-Transfer-Encoding: base64\n\n{lines}\n'


def _date(at: datetime, zone: int) -> str:
    local = at + timedelta(minutes=zone)
    sign = "+" if zone >= 0 else "-"
    return f"{format_datetime(local)[:-6]} {sign}{abs(zone) // 60:02d}{abs(zone) % 60:02d}"


def _blob(rng: Random, stock: _Stock, lines: int) -> str:
    start = rng.randrange(len(stock.noise) - 800)
    return "\n         ".join(stock.noise[start + 66 * n : start + 66 * n + 66] for n in range(lines))


def _trace(rng: Random, stock: _Stock, at: datetime, domain: str, to: str, token: str) -> str:
    """The header block that three servers leave on a mail of today: Received, ARC, DKIM, SPF, and vendors' own."""
    stamp = format_datetime(at + timedelta(seconds=rng.randrange(2, 40)))
    ip = f"192.0.2.{rng.randrange(1, 255)}"
    seconds = int(at.timestamp())
    return (
        f"Delivered-To: {to}\n"
        f"Received: by 2002:a05:{token[:4]}:{token[4:8]} with SMTP id {token[8:18]}csp{token[18:25]};\n        {stamp}\n"
        f"X-Google-Smtp-Source: {_blob(rng, stock, 1)}\n"
        f"X-Received: by 2002:a17:{token[1:5]}:{token[5:9]} with SMTP id {token[9:30]};\n        {stamp}\n"
        f"ARC-Seal: i=1; a=rsa-sha256; t={seconds}; cv=none;\n        d=mx.example.com; s=arc-20240605;\n        b={_blob(rng, stock, 5)}\n"
        f"ARC-Message-Signature: i=1; a=rsa-sha256; c=relaxed/relaxed; d=mx.example.com; s=arc-20240605;\n"
        f"        h=to:subject:message-id:date:from:in-reply-to:references:mime-version\n         :dkim-signature;\n        bh={_blob(rng, stock, 1)[:44]};\n        b={_blob(rng, stock, 5)}\n"
        f"ARC-Authentication-Results: i=1; mx.example.com;\n       dkim=pass header.i=@{domain} header.s=s1 header.b={token[:8]};\n       spf=pass (mx.example.com: domain of x@{domain} designates {ip} as permitted sender) smtp.mailfrom=x@{domain};\n       dmarc=pass (p=QUARANTINE sp=QUARANTINE dis=NONE) header.from={domain}\n"
        f"Return-Path: <bounce-{token[:6]}@{domain}>\n"
        f"Received: from out.{domain} (out.{domain}. [{ip}])\n        by mx.example.com with ESMTPS id {token[6:26]}\n        (version=TLS1_3 cipher=TLS_AES_256_GCM_SHA384 bits=256/256);\n        {stamp}\n"
        f"Received-SPF: pass (mx.example.com: domain of x@{domain} designates {ip} as permitted sender) client-ip={ip};\n"
        f"Authentication-Results: mx.example.com;\n       dkim=pass header.i=@{domain} header.s=s1 header.b={token[:8]};\n       spf=pass smtp.mailfrom=x@{domain};\n       dmarc=pass header.from={domain}\n"
        f"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;\n        d={domain}; s=s1; t={seconds}; x={seconds + 604800};\n        h=to:subject:message-id:date:from:in-reply-to:references:mime-version;\n        bh={_blob(rng, stock, 1)[:44]};\n        b={_blob(rng, stock, 5)}\n"
        f"X-Gm-Message-State: {_blob(rng, stock, 3)}\n"
    )


def _machine(rng: Random, stock: _Stock, at: datetime) -> Iterator[bytes]:
    """One mail of a newsletter, a notifier, a list or an automatic answer."""
    if rng.random() < 0.05:
        name, address, company, offset, _ = rng.choice(stock.people)
        _, raw = _human(
            rng,
            stock,
            at,
            (name, address),
            (OWNER_NAME, OWNER_ADDRESSES[1]),
            "Out of office",
            None,
            "",
            5_000,
            offset,
            company,
        )
        yield b"Auto-Submitted: auto-replied\nX-Auto-Response-Suppress: All\nPrecedence: auto_reply\n" + raw
        return
    kind, name, address = rng.choice(_MACHINES)
    token = f"{rng.getrandbits(128):032x}"
    domain = address.partition("@")[2]
    own = OWNER_ADDRESSES[rng.random() < 0.5]
    target = min(
        int(rng.lognormvariate(math.log(_AIM * (1.6 if kind == "newsletter" else 0.9)), _SIGMA)),
        _BIGGEST,
    )
    sender, to = f"{name} <{address}>", own
    marks = ""
    if kind == "newsletter":
        marks = f"List-Id: {name} <news.{domain}>\nList-Unsubscribe: <https://{domain}/u/{token}>\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\nPrecedence: bulk\nFeedback-ID: {token[:6]}:{domain}\n"
    elif kind == "notice":
        marks = "Auto-Submitted: auto-generated\nX-Auto-Response-Suppress: All\n"
    else:
        person = rng.choice(stock.people)
        sender, to = f"{_display(person[0])} <{person[1]}>", address
        marks = f"List-Id: {name} <{address.replace('@', '.')}>\nList-Post: <mailto:{address}>\nPrecedence: list\nSender: {address}\n"
    subject = rng.choice(stock.subjects)
    head = f"{_trace(rng, stock, at, domain, own, token)}{marks}MIME-Version: 1.0\nFrom: {sender}\nDate: {_date(at, 0)}\nMessage-ID: <{token}@{domain}>\nSubject: {'[' + name + '] ' if kind == 'list' else ''}{subject}\nTo: {to}\n"
    room = max(300, target - len(head))
    pieces: list[str] = []
    length, start = 0, rng.randrange(len(stock.sentences))
    while length < room * (0.3 if kind == "newsletter" else 0.44):
        sentence = stock.sentences[start % len(stock.sentences)]
        start += rng.randrange(1, 40)
        pieces.append(sentence)
        length += len(sentence) + (60 if kind == "newsletter" else 1)
    boundary = f"b1_{token[:20]}"
    plain = "\n".join(pieces)
    rows = "\n".join(
        f'<tr><td style="font:15px Arial;padding:8px"><p>{piece}</p></td></tr>' for piece in pieces
    )
    html = f'<html><body><table width="600">{rows}</table><img src="https://{domain}/o/{token}.gif" width="1" height="1"></body></html>'
    yield (
        f'{head}Content-Type: multipart/alternative; boundary="{boundary}"\n\n'
        f'--{boundary}\nContent-Type: text/plain; charset="UTF-8"\nContent-Transfer-Encoding: 8bit\n\n{plain}\n'
        f'--{boundary}\nContent-Type: text/html; charset="UTF-8"\nContent-Transfer-Encoding: 8bit\n\n{html}\n--{boundary}--\n'
    ).encode()
