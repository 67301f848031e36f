"""A browser without a screen: opens a page, ticks and presses as its owner would, and stops where it is sent on.

As a program it is the browser of a test (`BROWSER`): it signs in as `VISITOR_WHO`, without `VISITOR_UNTICK` (parted by
spaces), says `VISITOR_ANSWER`, follows to where it is sent, and writes the last page to `VISITOR_PAGE`.
"""

import http.client
import os
import sys
from collections.abc import Mapping, Sequence
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlencode, urljoin, urlsplit

from msgspec import Struct


class Seen(Struct):
    """An answer as it came; `location` is where it sends on."""

    status: int
    text: str
    location: str = ""
    headers: Mapping[str, str] = {}


class _Form(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.action: str | None = None
        self.fields: list[tuple[str, str]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form":
            self.action = given.get("action") or ""
        elif tag == "input" and given.get("name"):
            is_off = given.get("type") in {"checkbox", "radio"} and "checked" not in given
            if not is_off:
                self.fields.append((given["name"] or "", given.get("value") or ""))


def fetch(url: str, fields: Sequence[tuple[str, str]] | None = None, **headers: str) -> Seen:
    """One request, redirects not followed; with fields, a form is sent."""
    at = urlsplit(url)
    connection = http.client.HTTPConnection(at.hostname or "", at.port, timeout=20)
    target = (at.path or "/") + (f"?{at.query}" if at.query else "")
    try:
        if fields is None:
            connection.request("GET", target, headers=headers)
        else:
            kind = {"Content-Type": "application/x-www-form-urlencoded"}
            connection.request("POST", target, urlencode(fields), kind | headers)
        answer = connection.getresponse()
        told = {name.lower(): value for name, value in answer.getheaders()}
        return Seen(answer.status, answer.read().decode(), told.get("location", ""), told)
    finally:
        connection.close()


def consented(url: str, who: str = "", untick: Sequence[str] = (), answer: str = "allow", **more: str) -> str:
    """Sign in at a vendor's page and answer it; where that sends the browser on."""
    page = fetch(url)
    if page.location:
        return page.location
    form = _Form(page.text)
    assert form.action is not None, page.text
    fields = [
        (name, value)
        for name, value in form.fields
        if not (name == "scope" and untick and value.endswith(tuple(untick))) and not (name == "who" and who)
    ]
    fields += [("who", who)] if who else []
    sent = fetch(urljoin(url, form.action), [*fields, ("answer", answer), *more.items()])
    return sent.location or sent.text


def main(url: str) -> None:
    """Sign in, and look at the page at the end."""
    said = os.environ
    back = consented(
        url,
        said.get("VISITOR_WHO", ""),
        said.get("VISITOR_UNTICK", "").split(),
        said.get("VISITOR_ANSWER", "allow"),
    )
    page = fetch(back).text if back.startswith("http") else back
    if said.get("VISITOR_PAGE"):
        Path(said["VISITOR_PAGE"]).write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
