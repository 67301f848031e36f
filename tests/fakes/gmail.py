"""Gmail's API v1 with a mailbox behind it: messages, labels, a history that ends, page tokens, and a quota of units.

https://developers.google.com/workspace/gmail/api/reference/rest and /reference/quota (read 2026-11). It refuses what Gmail
refuses: queries and texts where the token may see metadata alone (beside whatever else), page tokens of another query,
points of the history that have ended, and all that goes beyond the units of a minute.
"""

import random
import re
from base64 import urlsafe_b64decode
from binascii import Error as Base64Error
from collections import Counter, deque
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.utils import getaddresses

from msgspec import Struct

from schemas.clock import Clock
from tests.fakes.api import Json, Reply, Request
from tests.fakes.gmail_mime import headers_of, payload_of
from tests.fakes.gmail_watch import Watching
from tests.fakes.google import masked, refused, scope_refusal, user_rate
from tests.fakes.google_schema import method_of

AUTH = "https://www.googleapis.com/auth/"
READONLY, METADATA, SEND = f"{AUTH}gmail.readonly", f"{AUTH}gmail.metadata", f"{AUTH}gmail.send"
COSTS = {
    "getProfile": 1, "labels.list": 1, "messages.list": 5, "messages.get": 20, "history.list": 2, "messages.send": 100,
    "watch": 100, "stop": 50,
}  # fmt: skip
SYSTEM = (
    "INBOX SENT DRAFT SPAM TRASH UNREAD STARRED IMPORTANT CHAT CATEGORY_PERSONAL CATEGORY_SOCIAL CATEGORY_PROMOTIONS "
    "CATEGORY_UPDATES CATEGORY_FORUMS"
).split()  # fmt: skip
_REMOVED = {"SPAM", "TRASH"}
_ME = "/gmail/v1/users/me/"
_WORD = re.compile(r"(-?)([a-z0-9_]+):(\S+)")
_PAGE = 100
_MOST = 500


class Mail(Struct):
    """One message of the mailbox."""

    id: str
    thread: str
    raw: bytes
    at: datetime
    labels: set[str]
    changed: int = 0


class Happening(Struct, frozen=True):
    """One record of the history: its id, its kind (`messagesAdded` …), the message with its labels then, labels."""

    id: int
    kind: str
    message: str
    thread: str
    labels_then: tuple[str, ...]
    labels: tuple[str, ...] = ()


class Gmail:
    """The API of one mailbox; everything but `serves` and `answer` is for tests."""

    def __init__(self, clock: Clock, address: str = "mara@example.com", units: int = 10**9) -> None:
        self.clock = clock
        self.address = address
        self.units = units
        """What a user may spend in a minute."""
        self.mails: dict[str, Mail] = {}
        self.labels: dict[str, str] = {name: name for name in SYSTEM}
        self.history: list[Happening] = []
        self.oldest = 1
        """The first point of the history that is still known."""
        self.spent = 0
        self.calls: Counter[str] = Counter()
        self.page_size = _MOST
        """However many are asked for, a page has no more."""
        self.at_once = 10**9
        """So many messages a batch may get; the rest are too many at once."""
        self.before: deque[Callable[[], None]] = deque()
        """What happens to the mailbox before each of the next calls but those within batches' first."""
        self.after_list: deque[Callable[[], None]] = deque()
        self.refuses: dict[str, deque[Reply]] = {}
        """What is answered instead to the next gets of a message."""
        self.poison: set[str] = set()
        """Messages at which Gmail fails whenever one is asked for."""
        self.has_mailbox = True
        self.transcodes = False
        self.opens_reports = False
        self.replaces_ids = False
        self.forgets_tokens = False
        self.counts_pages = False
        """Page tokens count what was listed, so that what goes meanwhile lets the next page leave something out."""
        self.shuffled: random.Random | None = None
        """The history in no order at all, as it was seen."""
        self.watching = Watching(clock, address)
        self._point = 1_000
        self._number = 0
        self._spendings: deque[tuple[datetime, int]] = deque()
        self._gets = 0

    # --- the mailbox ----------------------------------------------------------------------------------------------

    def deliver(
        self,
        raw: bytes,
        labels: Sequence[str] = ("INBOX", "UNREAD"),
        *,
        at: datetime | None = None,
        thread: str = "",
    ) -> str:
        """A mail comes, or is put there; its id."""
        self._number += 1
        one = f"{0x19A0_0000_0000_0000 + self._number * 0x1_0001:016x}"
        mail = Mail(one, thread or one, raw.replace(b"\r\n", b"\n"), at or self.clock.now(), set(labels))
        self.mails[one] = mail
        self._note("messagesAdded", mail)
        return one

    def delete(self, one: str) -> None:
        """A message is deleted for good."""
        mail = self.mails.pop(one)
        self._note("messagesDeleted", mail)

    def relabel(self, one: str, add: Sequence[str] = (), remove: Sequence[str] = ()) -> None:
        """A message's labels change."""
        mail = self.mails[one]
        gained = tuple(label for label in add if label not in mail.labels)
        lost = tuple(label for label in remove if label in mail.labels)
        mail.labels.update(gained)
        mail.labels.difference_update(lost)
        if gained:
            self._note("labelsAdded", mail, gained)
        if lost:
            self._note("labelsRemoved", mail, lost)

    def trash(self, one: str) -> None:
        """A message is moved to the bin."""
        self.relabel(one, ["TRASH"], ["INBOX"])

    def make_label(self, name: str) -> str:
        """A label of the user's own; its id."""
        one = f"Label_{len(self.labels)}"
        self.labels[one] = name
        return one

    def expire(self) -> None:
        """The history up to now is forgotten."""
        self.oldest = self._point + 1
        self._point += 1

    def _note(self, kind: str, mail: Mail, labels: tuple[str, ...] = ()) -> None:
        self._point += 3
        mail.changed = self._point
        then = tuple(sorted(mail.labels))
        self.history.append(Happening(self._point, kind, mail.id, mail.thread, then, labels))
        self.watching.tell(self._point)

    # --- the API --------------------------------------------------------------------------------------------------

    def serves(self, path: str, /) -> bool:
        """Whether a path is Gmail's."""
        return path.startswith("/gmail/v1/")

    def answer(self, request: Request, /) -> Reply:
        """What Gmail says."""
        method = method_of(request)
        if method is None or not request.path.startswith(_ME):
            return refused(404, "notFound", "Not Found")
        refusal = scope_refusal(request)
        if refusal is not None:
            return refusal
        name = method.id.removeprefix("gmail.users.")
        if not self.has_mailbox:
            return refused(
                400, "failedPrecondition", "Mail service not enabled", status="FAILED_PRECONDITION"
            )
        if name == "messages.get" and self.refuses.get(request.path.rpartition("/")[2]):
            return self.refuses[request.path.rpartition("/")[2]].popleft()
        if not self._spend(COSTS[name]):
            return user_rate()
        if name == "messages.get" and request.path.rpartition("/")[2] in self.poison:
            return refused(500, "backendError", "Backend Error")
        self.calls[name] += 1
        if name != "messages.get" and self.before:
            self.before.popleft()()
        said = {
            "getProfile": self._profile,
            "labels.list": self._labels,
            "messages.list": self._list,
            "messages.get": self._get,
            "history.list": self._history,
            "messages.send": self._send,
            "watch": self._watch,
            "stop": self._stop,
        }[name](request)
        if isinstance(said, Reply):
            return said
        try:
            reply = Reply(200, masked(said, request.one("fields")))
        except ValueError:
            return refused(400, "invalidParameter", "Invalid field selection")
        if name == "messages.list" and self.after_list:
            self.after_list.popleft()()
        return reply

    def _spend(self, units: int) -> bool:
        now = self.clock.now()
        while self._spendings and self._spendings[0][0] <= now - timedelta(minutes=1):
            self._spendings.popleft()
        if sum(used for _, used in self._spendings) + units > self.units:
            return False
        self._spendings.append((now, units))
        self.spent += units
        return True

    def _profile(self, _request: Request) -> Json:
        threads = {mail.thread for mail in self.mails.values()}
        return {
            "emailAddress": self.address,
            "messagesTotal": len(self.mails),
            "threadsTotal": len(threads),
            "historyId": str(self._point),
        }

    def _labels(self, _request: Request) -> Json:
        return {
            "labels": [
                {"id": one, "name": name, "type": "system" if one in SYSTEM else "user"}
                for one, name in self.labels.items()
            ]
        }

    def _list(self, request: Request) -> Json | Reply:
        size = _size(request)
        names = [name for name, _ in request.query]
        if size is None:
            return refused(400, "invalidArgument", "Invalid value for maxResults")
        if "q" in names and METADATA in request.scopes:
            return refused(403, "forbidden", "Metadata scope does not support 'q' parameter")
        labels = {value for name, value in request.query if name == "labelIds"}
        if labels - self.labels.keys():
            return refused(400, "invalidArgument", "Invalid label")
        query = request.one("q")
        matches = _matcher(query)
        if matches is None:
            return refused(400, "invalidArgument", f"This fake knows no such query: {query}")
        with_removed = request.one("includeSpamTrash") == "true"
        about = f"{sorted(labels)} {query} {with_removed}"
        found = [
            mail
            for mail in sorted(self.mails.values(), key=lambda one: (one.at, one.id), reverse=True)
            if labels <= mail.labels
            and matches(mail)
            and (with_removed or "in:trash" in query or not mail.labels & _REMOVED)
        ]
        token = request.one("pageToken")
        place: tuple[float, str] | None = None
        if token:
            place = _placed(token, about)
            if place is None or self.forgets_tokens:
                return refused(400, "invalidArgument", "Invalid pageToken")
            at, one = place
            found = (
                found[int(at) :]
                if self.counts_pages
                else [mail for mail in found if (mail.at.timestamp(), mail.id) < (at, one)]
            )
        page = found[: min(size, self.page_size)]
        said: Json = {"resultSizeEstimate": min(len(found), 201)}
        if page:
            said["messages"] = [{"id": mail.id, "threadId": mail.thread} for mail in page]
        if len(page) < len(found):
            last = page[-1]
            begun = int(place[0]) if place is not None and self.counts_pages else 0
            at = begun + len(page) if self.counts_pages else last.at.timestamp()
            said["nextPageToken"] = f"{at}|{last.id}|{about}"
        return said

    def _get(self, request: Request) -> Json | Reply:
        form = request.one("format", "full")
        if METADATA in request.scopes and form in {"full", "raw"}:
            return refused(403, "forbidden", f"Metadata scope doesn't allow format {form.upper()}")
        if self._gets >= self.at_once:
            return refused(429, "rateLimitExceeded", "Too many concurrent requests for user.")
        self._gets += 1
        one = request.path.rpartition("/")[2]
        mail = self.mails.get(one)
        if mail is None:
            if not re.fullmatch(r"[0-9a-f]{16}", one):
                return refused(400, "invalidArgument", "Invalid id value")
            return refused(404, "notFound", "Requested entity was not found.")
        said: Json = {
            "id": mail.id,
            "threadId": mail.thread,
            "labelIds": sorted(mail.labels),
            "snippet": "SNIPPET-IS-NOT-FOR-KITH",
            "sizeEstimate": len(mail.raw),
            "historyId": str(mail.changed),
            "internalDate": str(int(mail.at.timestamp() * 1000)),
        }
        if form == "full":
            said["payload"] = payload_of(
                mail.raw, transcodes=self.transcodes, opens_reports=self.opens_reports
            )
        elif form == "metadata":
            names = [value for name, value in request.query if name == "metadataHeaders"]
            said["payload"] = {
                "mimeType": message_from_bytes(mail.raw).get_content_type(),
                "headers": headers_of(mail.raw, names),
            }
        elif form != "minimal":
            return refused(400, "invalidArgument", "This fake hands out no raw mail")
        return said

    def _history(self, request: Request) -> Json | Reply:
        start, size = request.one("startHistoryId"), _size(request)
        if not start.isdecimal() or size is None:
            return refused(400, "invalidArgument", "Invalid value")
        if int(start) < self.oldest or int(start) > self._point:
            return refused(404, "notFound", "Requested entity was not found.")
        token = request.one("pageToken")
        records = [one for one in self.history if one.id > int(start)]
        if self.shuffled is not None:
            random.Random(len(records)).shuffle(records)
        begin = int(token) if token else 0
        page = records[begin : begin + min(size, self.page_size)]
        said: Json = {"historyId": str(self._point)}
        if page:
            said["history"] = [_record(one) for one in page]
        if begin + len(page) < len(records):
            said["nextPageToken"] = str(begin + len(page))
        return said

    def _send(self, request: Request) -> Json | Reply:
        try:
            body = request.json()
            raw = urlsafe_b64decode(body["raw"])
        except (ValueError, KeyError, TypeError, Base64Error):
            return refused(400, "invalidArgument", "'raw' RFC822 payload message string required")
        letter = message_from_bytes(raw)
        to = [address for _, address in getaddresses(letter.get_all("To", []) + letter.get_all("Cc", []))]
        if not to:
            return refused(400, "invalidArgument", "Recipient address required")
        labels = ["SENT", *(["INBOX", "UNREAD"] if self.address in to else [])]
        if self.replaces_ids:
            own = f"<CAF{self._number}@mail.gmail.com>".encode()
            raw = re.sub(rb"(?im)^message-id:.*?$", lambda _: b"Message-ID: " + own, raw, count=1)
        one = self.deliver(raw, labels)
        return {"id": one, "threadId": one, "labelIds": labels}

    def _watch(self, request: Request) -> Json | Reply:
        return self.watching.begin(request, self._point)

    def _stop(self, _request: Request) -> Json | Reply:
        return self.watching.stop()

    # --- what tests ask -------------------------------------------------------------------------------------------

    def begin_batch(self) -> None:
        """A batch begins: what is got at once is counted anew."""
        self._gets = 0

    def named(self, message_id: str) -> str:
        """The id of the message with this Message-ID."""
        return next(one for one, mail in self.mails.items() if f"<{message_id}>".encode() in mail.raw)

    def sent(self) -> list[bytes]:
        """Every mail that was sent, in order."""
        return [mail.raw for mail in self.mails.values() if "SENT" in mail.labels]


def _size(request: Request) -> int | None:
    text = request.one("maxResults", str(_PAGE))
    return int(text) if text.isdecimal() and 1 <= int(text) <= _MOST else None


def _record(one: Happening) -> Json:
    message: Json = {"id": one.message, "threadId": one.thread, "labelIds": list(one.labels_then)}
    entry: Json = {"message": message}
    if one.labels:
        entry["labelIds"] = list(one.labels)
    return {"id": str(one.id), "messages": [{"id": one.message, "threadId": one.thread}], one.kind: [entry]}


def _placed(token: str, about: str) -> tuple[float, str] | None:
    """Where a page ended, of a token that was given for this very query."""
    at, _, rest = token.partition("|")
    one, _, query = rest.partition("|")
    return (float(at), one) if query == about else None


def _matcher(query: str) -> Callable[[Mail], bool] | None:
    """What a query asks for; None of one with words that are not known here."""
    tests: list[Callable[[Mail], bool]] = []
    for word in query.split():
        found = _WORD.fullmatch(word)
        if found is None:
            return None
        test = _test(found[2], found[3])
        if test is None:
            return None
        tests.append(_opposite(test) if found[1] else test)
    return lambda mail: all(test(mail) for test in tests)


def _opposite(test: Callable[[Mail], bool]) -> Callable[[Mail], bool]:
    return lambda mail: not test(mail)


_PLACES = {
    "sent": "SENT",
    "drafts": "DRAFT",
    "chats": "CHAT",
    "inbox": "INBOX",
    "spam": "SPAM",
    "trash": "TRASH",
}


def _test(key: str, value: str) -> Callable[[Mail], bool] | None:
    if key == "in" and value in _PLACES:
        return lambda mail: _PLACES[value] in mail.labels
    if key in {"after", "before"} and value.isdecimal():
        border = datetime.fromtimestamp(int(value), UTC)
        return (lambda mail: mail.at >= border) if key == "after" else (lambda mail: mail.at < border)
    if key == "rfc822msgid":
        wanted = re.compile(rb"(?im)^message-id:\s*<" + re.escape(value.encode()) + rb">")
        return lambda mail: wanted.search(mail.raw) is not None
    return None
