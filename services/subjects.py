"""What a subject says besides its words: that it answers, or passes on, as mail programs write it in their languages."""

import re

_REPLY = "re|aw|sv|vs|antw|antwort|odp|ynt|res|ref|rif|réf|回复|答复|回覆"
_FORWARD = "fw|fwd|wg|tr|rv|enc|doorst|vb|vl|转发|轉寄"
_COUNT = r"(?:\[\d{1,3}\])?\s?[::]"
_PREFIX = re.compile(rf"\s*(?:{_REPLY}|{_FORWARD}){_COUNT}", re.IGNORECASE)
_REPLIED = re.compile(rf"\s*(?:{_REPLY}){_COUNT}", re.IGNORECASE)
_FORWARDED = re.compile(rf"\s*(?:{_FORWARD}){_COUNT}", re.IGNORECASE)
_READ_AT_MOST = 1_000
_SHORTEST = 3
_NOTHING = frozenset(
    {
        "(no subject)",
        "no subject",
        "(kein betreff)",
        "kein betreff",
        "(sans objet)",
        "sans objet",
        "(sin asunto)",
        "sin asunto",
        "(nessun oggetto)",
        "nessun oggetto",
    }
)


def is_forward(subject: str) -> bool:
    """Whether the subject begins like a forwarded message's."""
    return _FORWARDED.match(subject[:40]) is not None


def is_reply(subject: str) -> bool:
    """Whether the subject begins like an answer's."""
    return _REPLIED.match(subject[:40]) is not None


def bare(subject: str) -> str:
    """The subject without its chain of `Re:`, `AW:`, `Fwd:`."""
    line = subject[:_READ_AT_MOST]
    while found := _PREFIX.match(line):
        line = line[found.end() :]
    return line.strip()


def matter(subject: str) -> str:
    """What a question and its answers are both called: without case, and without `Re:` however often.

    Empty for what says too little to tell one matter from another.
    """
    line = " ".join(subject[:_READ_AT_MOST].split())
    while found := _REPLIED.match(line):
        line = line[found.end() :]
    line = line.strip().casefold()
    return "" if len(line) < _SHORTEST or line in _NOTHING else line
