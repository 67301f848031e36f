"""The other side's hands: what an owner does to their calendars and address books with another program."""

from base64 import b64encode
from http.client import HTTPConnection
from urllib.parse import urlsplit
from xml.sax.saxutils import escape

_MAKE = (
    '<?xml version="1.0"?><d:mkcol xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav" '
    'xmlns:a="urn:ietf:params:xml:ns:carddav"><d:set><d:prop><d:resourcetype><d:collection/>{kind}</d:resourcetype>'
    "<d:displayname>{name}</d:displayname>{more}</d:prop></d:set></d:mkcol>"
)


class DavServer:
    """A running server: where it is, where the homes of its user are, and plain requests to change things there."""

    def __init__(self, name: str, url: str, calendars: str, cards: str = "") -> None:
        self.name = name
        self.url = url
        self.calendars = calendars
        self.cards = cards or calendars
        self.user, self.password = "alice", "secret"

    def ask(self, method: str, url: str, body: bytes = b"", **headers: str) -> tuple[int, bytes]:
        """One request, straight."""
        parts = urlsplit(url)
        connection = HTTPConnection(parts.hostname or "", parts.port, timeout=300)
        login = b64encode(f"{self.user}:{self.password}".encode()).decode()
        fields = {"Authorization": f"Basic {login}"} | {k.replace("_", "-"): v for k, v in headers.items()}
        connection.request(method, parts.path, body, fields)
        answer = connection.getresponse()
        read = answer.read()
        connection.close()
        return answer.status, read

    def make_calendar(self, name: str, shown: str = "", components: str = "VEVENT") -> str:
        """A new calendar; answers its URL."""
        comps = "".join(f'<c:comp name="{one}"/>' for one in components.split())
        more = (
            f"<c:supported-calendar-component-set>{comps}</c:supported-calendar-component-set>"
            if comps
            else ""
        )
        return self._make(f"{self.calendars}{name}/", "<c:calendar/>", shown or name, more)

    def make_book(self, name: str, shown: str = "") -> str:
        """A new address book; answers its URL."""
        return self._make(f"{self.cards}{name}/", "<a:addressbook/>", shown or name, "")

    def _make(self, url: str, kind: str, shown: str, more: str) -> str:
        body = _MAKE.format(kind=kind, name=escape(shown), more=more).encode()
        status, answer = self.ask("MKCOL", url, body, Content_Type="application/xml")
        if status != 201:
            raise RuntimeError(f"MKCOL {url}: {status} {answer[:500]!r}")
        return url

    def put(self, url: str, body: bytes | str, kind: str = "text/calendar") -> None:
        """Write a resource."""
        raw = body.replace("\n", "\r\n").encode() if isinstance(body, str) else body
        status, answer = self.ask("PUT", url, raw, Content_Type=f"{kind}; charset=utf-8")
        if status not in {200, 201, 204}:
            raise RuntimeError(f"PUT {url}: {status} {answer[:500]!r}")

    def delete(self, url: str) -> None:
        """Remove a resource or a collection."""
        status, answer = self.ask("DELETE", url)
        if status not in {200, 204}:
            raise RuntimeError(f"DELETE {url}: {status} {answer[:500]!r}")
