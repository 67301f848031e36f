"""Makes words about a home fit for a stranger's eyes: what is the owner's own becomes a placeholder.

The same thing has the same placeholder wherever it stands, so that what is said can still be followed; nothing leads
from a placeholder back to the thing. What nobody thought of falls to the patterns, and at last to those of the logs.
"""

import re
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlsplit

from deploy.logs import ADDRESS, MASK, Redactor

_HERE = frozenset({"localhost", "127.0.0.1", "0.0.0.0"})  # noqa: S104  # nothing is bound, it is read
_URL = re.compile(r"(?i)\b[a-z][a-z0-9+.-]{1,20}://[^\s\"'<>]{0,2000}")
_ACCOUNT = re.compile(r"\b([a-z]{2,20})-[0-9a-f]{8}\b")
_HOST = re.compile(r"(?i)(?<![\w.-])(?:[a-z0-9_-]{1,63}\.){1,9}[a-z][a-z0-9-]{1,62}(?![\w-])")
_IP = re.compile(
    r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.])|\[?(?:[0-9a-fA-F]{0,4}:){3,7}[0-9a-fA-F]{0,4}\]?"
)
_FILE = re.compile(r"(?i)\.(?:db|key|toml|md|py|json|kith|so|pem|txt)$")
_PATH = re.compile(r"(?<![\w>/.])(?:~?/(?!/)|(?<!:)//)[^\s\"'<>,;:()]{1,4000}")
_QUOTED = re.compile(r"(?<!\w)(?:'(?:[^'\\]|\\.){0,2000}'|\"(?:[^\"\\]|\\.){0,2000}\"|“[^”]{0,2000}”)(?!\w)")
_Placed = Callable[["re.Match[str]"], str]


class Disguise:
    """Placeholders of one bundle; those of accounts are named for their kind, as in `<imap-1>`."""

    def __init__(self) -> None:
        """Nothing is known by name yet: what is known at all is known by its pattern."""
        self._known: dict[str, str] = {}
        self._given: dict[tuple[str, str], str] = {}
        self._count: dict[str, int] = {}
        self._redactor = Redactor()

    def knows(self, sort: str, words: Iterable[str]) -> None:
        """Hide these words wherever they stand, each as one of its sort (`host`, `label` and so on)."""
        for word in words:
            word = word.strip()  # noqa: PLW2901  # as it stands in a sentence
            if len(word) > 1:
                self._known.setdefault(word.lower(), self._placeholder(sort, word))

    def calls(self, word: str, placeholder: str) -> None:
        """Hide a word behind a placeholder of one's own choice."""
        if len(word) > 1:
            self._known[word.lower()] = placeholder

    def text(self, text: str) -> str:
        """A text in which nothing of the owner's stands."""
        text = _URL.sub(self._url, text)
        if self._known:
            text = self._words().sub(lambda found: self._known[found.group().lower()], text)
        steps: tuple[tuple[re.Pattern[str], _Placed], ...] = (
            (ADDRESS, lambda found: self._placeholder("address", found.group())),
            (_ACCOUNT, lambda found: self._placeholder(found.group(1), found.group())),
            (_PATH, lambda found: self._placeholder("path", found.group())),
            (_HOST, self._host),
            (_IP, self._host),
            (_QUOTED, lambda _found: MASK),
        )
        for pattern, placed in steps:
            text = pattern.sub(placed, text)
        return self._redactor.scrubbed(text)

    def value(self, value: Any) -> Any:
        """A JSON value in which each text is disguised; its keys are Kith's own words and stay."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {key: self.value(one) for key, one in value.items()}
        if isinstance(value, list):
            return [self.value(one) for one in value]
        return value

    def _words(self) -> "re.Pattern[str]":
        longest_first = sorted(self._known, key=len, reverse=True)
        # A label such as Work is part of other words; where words are not parted by spaces, it is hidden within them.
        parts = "|".join(map(re.escape, longest_first))
        return re.compile(rf"(?<![A-Za-z0-9])(?:{parts})(?![A-Za-z0-9])", re.IGNORECASE)

    def _url(self, found: "re.Match[str]") -> str:
        scheme, _, rest = found.group().partition("://")
        try:
            place = urlsplit(f"//{rest}")
            host, port = place.hostname or "", f":{place.port}" if place.port else ""
        except ValueError:
            host, port = "?", ""
        return f"{scheme}://{self._named(host)}{port}{'/…' if '/' in rest else ''}"

    def _host(self, found: "re.Match[str]") -> str:
        return found.group() if _FILE.search(found.group()) else self._named(found.group())

    def _named(self, host: str) -> str:
        if not host or host.lower() in _HERE:
            return host
        return self._known.get(host.lower()) or self._placeholder("host", host)

    def _placeholder(self, sort: str, word: str) -> str:
        key = (sort, word.lower())
        if key not in self._given:
            self._count[sort] = self._count.get(sort, 0) + 1
            self._given[key] = f"<{sort}-{self._count[sort]}>"
        return self._given[key]
