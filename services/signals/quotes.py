"""Cuts a mail's text down to its writer's own lines: no quotes, attributions, forwarded mail or signature.

It never raises, works line by line in linear time, and keeps answers written between quotes.
"""

import re

from msgspec import Struct

from services.signals.language import rule
from services.signals.phrases import (
    ATTRIBUTION_OPENERS,
    BANNER_WORDS,
    BANNERS,
    BEGIN_FORWARD,
    CLOSINGS,
    DEVICE_LINES,
    DISCLAIMER_WORDS,
    DISCLAIMERS,
    FORWARD_WORDS,
    HEADER_NAMES,
    WROTE,
)

_LONGEST_ATTRIBUTION = 400
_HEADER_LINES = 8
_SIGNATURE_LINES = 12
_DEVICE_LINES = 4
_DISCLAIMED = 1_000
_BANNER_LINES = 8
_LONGEST_BANNER = 600
_BANNER_OPENS = 240
"""So soon a banner says what it is."""
_POSTSCRIPT = re.compile(r"(?:p\.? ?s\.?|n\.? ?b\.?)(?:[ :.-]|$)", re.IGNORECASE)
_MARKS_IN_SIGNATURE = re.compile(
    r"\+?\d[\d ().\-/]{6,20}\d|https?://|www\.|linkedin\.com|\w@\w|^(?:tel|phone|mobile|fax|m|t|p|e)[.:] ",
    re.IGNORECASE,
)
# Gmail's Japanese attribution has no verb, only a date and the writer with an address.
_ADDRESS_END = re.compile(r"@[\w.-]{1,255}>[:：]$")
_YEAR = re.compile(r"\b20\d\d\b|年")
_BEGIN_FORWARD = re.compile(BEGIN_FORWARD, re.IGNORECASE)
_DATED = re.compile(r"\d|@")
_DEVICE = re.compile(DEVICE_LINES, re.IGNORECASE)
_DISCLAIMER = re.compile(DISCLAIMERS, re.IGNORECASE)
_WROTE = rule(WROTE)
_BANNER = rule(BANNERS)
_OPENER = re.compile(ATTRIBUTION_OPENERS, re.IGNORECASE)
_HEADER = re.compile(rf"[*_]{{0,2}}({HEADER_NAMES})[*_]{{0,2}} ?[:：]", re.IGNORECASE)
_CLOSING = re.compile(rf"(?:{CLOSINGS})(?:[ ,.!–-]*|, [\w .'-]{{1,40}})$", re.IGNORECASE)
_FORWARD = re.compile(FORWARD_WORDS, re.IGNORECASE)


class Own(Struct, frozen=True):
    """A writer's own lines in order (a blank string parts paragraphs), and the lines of their signature."""

    lines: tuple[str, ...]
    signature: tuple[str, ...]
    is_forward: bool = False


def own_words(text: str) -> Own:
    """Part the writer's own lines from everything else in a text."""
    lines = _without_last_quote(text).splitlines()
    if any(map(text[:_BANNER_OPENS].__contains__, BANNER_WORDS)):
        lines = _without_banner(lines)
    own: list[str] = []
    signature: list[str] = []
    segment: list[str] = []
    in_signature = False
    is_forward = False
    for number, line in enumerate(lines):
        stripped = line.strip()
        if not stripped:
            (signature if in_signature else segment).append("")
            continue
        first = stripped[0]
        if first in {">", "＞"}:
            if segment:
                _drop_attribution(segment)
                own += _without_signature(segment, signature)
                own.append("")
                segment = []
            in_signature = False
            continue
        if first in "-_—–=*" and (verdict := _ruler(stripped)):
            if verdict == "signature":
                in_signature = True
                continue
            if verdict == "quote":
                is_forward = not any(segment) and not any(own)
                break
            if any(lines[number + 1 : number + 3]) and _is_header_run(lines, number + 1):
                break
        if ":" in stripped[:30] and _HEADER.match(stripped) and _is_header_run(lines, number):
            break
        if stripped[-1] in ":：" and len(stripped) < 60 and _BEGIN_FORWARD.match(stripped):
            is_forward = not any(segment) and not any(own)
            break
        if stripped[-1] in ":：" and (start := _attribution_start(segment, stripped)) is not None:
            if not _is_quoted_after(lines, number + 1):
                del segment[start:]
                break
            del segment[start:]
            continue
        (signature if in_signature else segment).append(line)
    own += _without_signature(segment, signature)
    return Own(tuple(own), tuple(line.strip() for line in signature if line.strip()), is_forward)


def _without_last_quote(text: str) -> str:
    """The text without all but the beginning of a quote with nothing behind it: how most replies end."""
    start = text.find("\n>")
    if start < 0:
        return text
    quote = text[start:].rstrip()
    return text[: start + 2] if quote.count("\n") == quote.count("\n>") else text


def _without_banner(lines: list[str]) -> list[str]:
    """The lines without a first paragraph in which an organisation warns of mail from without, if more follows it."""
    start = next((at for at, line in enumerate(lines) if line.strip()), len(lines))
    end = next(
        (at for at in range(start, min(len(lines), start + _BANNER_LINES)) if not lines[at].strip()), None
    )
    if end is None:
        return lines
    said = " ".join(lines[start:end]).lower()
    return lines[end:] if len(said) <= _LONGEST_BANNER and _BANNER.search(said) else lines


def _ruler(stripped: str) -> str:
    """What a line of dashes means: `signature`, `quote` when it announces another's mail, `rule`, or nothing."""
    if stripped in {"--", "—", "-- ", "–-", "—-"}:
        return "signature"
    inner = stripped.strip("-_—–=* ")
    if not inner:
        return "rule" if len(stripped) >= 5 else ""
    if len(inner) <= 80 and stripped[:2] in {"--", "__", "==", "**", "- "} and _FORWARD.search(inner):
        return "quote"
    return ""


def _is_header_run(lines: list[str], start: int) -> bool:
    """Whether From, Sent, To, Subject or their like stand here together (RFC 5322 3.6, as clients print them)."""
    seen: set[str] = set()
    for line in lines[start : start + _HEADER_LINES]:
        match = _HEADER.match(line.strip())
        if match:
            seen.add(match[1].lower())
            if len(seen) >= 3:
                return True
    return False


def _attribution_start(segment: list[str], last: str) -> int | None:
    """Where in the segment an attribution that ends with the line `last` begins, or None."""
    if (
        not _WROTE.search(last[-120:].lower())
        and "@" not in last
        and not (segment and _WROTE.search(segment[-1][-120:].lower()))
    ):
        return None
    joined = last
    for back in range(4):
        if len(joined) > _LONGEST_ATTRIBUTION:
            return None
        if (
            (_WROTE.search(joined.lower()) or (_ADDRESS_END.search(last) and _YEAR.search(joined)))
            and _DATED.search(joined)
            and (_OPENER.match(joined) or "@" in joined[-120:])
        ):
            return _widened(segment, len(segment) - back, joined)
        if back == len(segment) or not segment[-1 - back].strip():
            return None
        joined = f"{segment[-1 - back].strip()} {joined}"
    return None


def _widened(segment: list[str], start: int, joined: str) -> int:
    # "On 3 March 2026 at 10:00\nAna <a@example.com> wrote:" fits from its second line on; the first belongs to it.
    if (joined[0] == "<" or not _OPENER.match(joined)) and start > 0:
        before = segment[start - 1].strip()
        if _OPENER.match(before) and _DATED.search(before) and len(before) < 120 and before[-1:] not in ".!?":
            return start - 1
    return start


def _is_quoted_after(lines: list[str], start: int) -> bool:
    for line in lines[start : start + 4]:
        stripped = line.strip()
        if stripped:
            return stripped[0] in ">＞"
    return False


def _drop_attribution(segment: list[str]) -> None:
    """Drop "Ana wrote:" in any wrapping when quoted lines follow directly."""
    end = len(segment)
    while end and not segment[end - 1].strip():
        end -= 1
    if end and len(segment[end - 1]) <= 160 and segment[end - 1].rstrip()[-1:] in ":：":
        start = _attribution_start(segment[: end - 1], segment[end - 1].strip())
        if start is None and _WROTE.search(segment[end - 1].lower()):
            start = end - 1
        if start is not None:
            del segment[start:]


def _without_signature(segment: list[str], signature: list[str]) -> list[str]:
    """The segment without device lines, disclaimers, and the closing with all that stands under it."""
    if not segment:
        return []
    kept = _without_disclaimer(segment)
    for at in range(max(0, len(kept) - _DEVICE_LINES), len(kept)):
        if len(kept[at]) < 100 and _DEVICE.match(kept[at].strip()):
            kept[at] = ""
    while kept and not kept[-1].strip():
        kept.pop()
    start = _signature_start(kept)
    if start is None or not any(line.strip() for line in kept[:start]):
        # "Thanks, Ana" alone is not a signature: it is all that was said.
        return kept if start is None else kept[: start + 1]
    below = kept[start:]
    for at, line in enumerate(below):
        if at and _POSTSCRIPT.match(line.strip()):
            signature += below[:at]
            return [*kept[:start], "", *below[at:]]
    signature += below
    return kept[:start]


def _without_disclaimer(segment: list[str]) -> list[str]:
    # A disclaimer goes on to the end, and one of its words is never far from there.
    end = "\n".join(segment)[-_DISCLAIMED:].lower()
    if any(map(end.__contains__, DISCLAIMER_WORDS)):
        for at, line in enumerate(segment):
            if len(line) > 12 and _DISCLAIMER.search(line.strip()[:160]):
                return segment[:at]
    return segment[:]


def _signature_start(lines: list[str]) -> int | None:
    count = 0
    for at in range(len(lines) - 1, -1, -1):
        stripped = lines[at].strip()
        if not stripped:
            continue
        count += 1
        if count > _SIGNATURE_LINES:
            break
        if len(stripped) <= 60 and stripped[-1] not in "?:" and _CLOSING.match(stripped):
            return at
    return _contact_block_start(lines)


def _contact_block_start(lines: list[str]) -> int | None:
    """The last block, when it is short lines with a phone, a link or an address among them, and not the whole."""
    start = len(lines)
    has_mark = False
    while start and (stripped := lines[start - 1].strip()):
        if (
            len(stripped) > 75
            or len(lines) - start >= _SIGNATURE_LINES
            or stripped[-1] in "?!:"
            or stripped[0] in "-*•"
        ):
            return None
        has_mark = has_mark or _MARKS_IN_SIGNATURE.search(stripped) is not None
        start -= 1
    block = lines[start:]
    is_terse = sum(len(line.split()) for line in block) <= 7 * len(block)
    return start if start and has_mark and len(block) >= 2 and is_terse else None
