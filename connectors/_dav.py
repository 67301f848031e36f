"""CalDAV (RFC 4791) and CardDAV (RFC 6352) as a client needs them: discovery, listings, and single resources.

It knows nothing of what a resource holds, keeps no state, and never writes but in `put` and `delete`. A *collection* is
named by its URL, ending in a slash; a *member* by its name below it, percent-encoded in one way whatever the server
writes (`e1%40x.ics` and `e1@x.ics` are one), so that names can be compared and kept.

Servers differ from the RFCs, and from one another. What is done about it stands where it is done.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from urllib.parse import quote, unquote, urljoin, urlsplit

from msgspec import Struct, structs

from connectors._dav_xml import (
    CALDAV,
    CALENDAR_SERVER,
    CARDDAV,
    DAV,
    Found,
    Garbled,
    Multistatus,
    Value,
    make_calendar_body,
    multiget_body,
    propfind_body,
    read_multistatus,
    sync_body,
    tag,
)
from connectors._http import LIMITS, Answer, Http, Login
from connectors._mail_text import clean
from schemas.connector import Access
from schemas.errors import (
    Ambiguous,
    ConnectorError,
    Missing,
    RateLimited,
    ReauthRequired,
    Rejected,
    Transient,
)
from schemas.ids import key64

CHUNK = 50
"""Members asked for at once."""
_MOST_ROUNDS = 1_000
_NOT_ABOUT_THE_TOKEN = {401, 408, 423, 429, 502, 503, 504}
_SAFE = "@!$&'()*+,;=:-._~"
_STRUCTURE = re.compile(r"[/?#]|^\.{1,2}$")
_ICLOUD = re.compile(r"(?:[a-z0-9-]+\.)*icloud\.com")


class Kind(Struct, frozen=True):
    """What tells the two protocols apart, names in Clark notation."""

    name: str
    collection: str
    home_set: str
    multiget: str
    data: str
    content_type: str


CALENDARS = Kind(
    "caldav",
    tag(CALDAV, "calendar"),
    tag(CALDAV, "calendar-home-set"),
    tag(CALDAV, "calendar-multiget"),
    tag(CALDAV, "calendar-data"),
    "text/calendar; charset=utf-8",
)
CARDS = Kind(
    "carddav",
    tag(CARDDAV, "addressbook"),
    tag(CARDDAV, "addressbook-home-set"),
    tag(CARDDAV, "addressbook-multiget"),
    tag(CARDDAV, "address-data"),
    "text/vcard; charset=utf-8",
)


class PreconditionFailed(Rejected):
    """A write was to happen only if the resource was, or was not, as expected (412)."""


class Home(Struct, frozen=True):
    """Where the collections are: URLs of homes, or of one collection itself; and who is signed in, where it is told."""

    urls: tuple[str, ...]
    is_one_collection: bool = False
    principal: str = ""


class DavCollection(Struct, frozen=True):
    """A calendar or address book.

    `id` is the last segment of its URL, made unique within the account. `components` is what a calendar may hold
    (empty: not told). `ctag` and `token` change when a member does, where the server has them. `can_sync` says that
    sync-collection is offered.
    """

    id: str
    url: str
    name: str
    components: frozenset[str] = frozenset()
    ctag: str = ""
    token: str = ""
    can_read: bool = True
    can_write: bool = True
    can_sync: bool = False

    def holds(self, component: str) -> bool:
        """Whether it may hold such a component (`VEVENT`, `VTODO`)."""
        return not self.components or component in self.components


class Listing(Struct, frozen=True):
    """Members with their etags: all there are (`is_full`), or those that changed since a token and those gone.

    `bodies` are those that came along.
    """

    etags: Mapping[str, str]
    gone: frozenset[str] = frozenset()
    token: str = ""
    is_full: bool = True
    bodies: Mapping[str, bytes] = {}


class Fetched(Struct, frozen=True):
    """One member asked for: its body, or None when it is gone or, with a `fault` said, cannot be had."""

    name: str
    etag: str = ""
    body: bytes | None = None
    fault: str = ""


def open_dav(access: Access, kind: Kind) -> "Dav":
    """A client for the account of `access`, by its settings `url` and `user`; nothing is sent yet.

    Raises:
        Rejected: the account has no URL that can be used.
    """
    url = str(access.settings.get("url") or "")
    if not url:
        raise Rejected("The account has no URL. Connect it again with --url.")
    user = str(access.settings.get("user") or "")
    auth = Login(user, access.secret) if user else None
    host = urlsplit(url).hostname or ""
    # iCloud keeps each account on a host of its own (p12-caldav.icloud.com), which the one that was named tells.
    is_kin = _ICLOUD.fullmatch if _ICLOUD.fullmatch(host) else None
    http = Http(
        access, base=url, auth=auth, is_kin=(lambda other: bool(is_kin(other))) if is_kin else _nobody
    )
    return Dav(http, kind)


def _nobody(_host: str) -> bool:
    return False


class Dav:
    """Speaks one of the two protocols with one server."""

    def __init__(self, http: Http, kind: Kind) -> None:
        self._http = http
        self.kind = kind
        self._server = urlsplit(http.base).hostname or ""

    def close(self) -> None:
        """Let go of the connection."""
        self._http.close()

    # ------ discovery (RFC 6764 6, RFC 4791 6.2.1)

    def discover(self) -> Home:
        """Find the homes from whatever URL the owner gave: a server's, a principal's, a home's, or a collection's.

        Raises:
            ReauthRequired: the sign-in was refused.
            Rejected: there is nothing of the kind at that URL.
        """
        first_fault: ConnectorError | None = None
        for place in dict.fromkeys((self._http.base, f"/.well-known/{self.kind.name}", "/")):
            try:
                home = self._home_at(urljoin(self._http.base, place), is_last=place == "/")
            except (RateLimited, ReauthRequired) as fault:
                if first_fault is None or isinstance(fault, RateLimited):
                    raise
                continue
            except (Rejected, Transient) as fault:
                first_fault = first_fault or fault
                continue
            if home is not None:
                return home
        if isinstance(first_fault, Transient) and not isinstance(first_fault, Garbled):
            raise first_fault
        raise Rejected(
            f"{self._server} shows no {'calendars' if self.kind is CALENDARS else 'address books'} "
            f"at the URL given, nor at /.well-known/{self.kind.name}"
            f"{f' ({first_fault})' if first_fault else ''}. Look the {self.kind.name} URL up in the server's settings."
        )

    def _home_at(self, url: str, *, is_last: bool) -> Home | None:
        props = [tag(DAV, "current-user-principal"), tag(DAV, "resourcetype"), self.kind.home_set]
        url, found = self._properties(url, props)
        if self.kind.collection in found.get(tag(DAV, "resourcetype"), Value()).tags:
            return Home((_slashed(url),), is_one_collection=True)
        principal = next(iter(found.get(tag(DAV, "current-user-principal"), Value()).hrefs), "")
        homes = found.get(self.kind.home_set, Value()).hrefs
        if not homes and principal:
            url, found = self._properties(urljoin(url, principal), [self.kind.home_set])
            homes = found.get(self.kind.home_set, Value()).hrefs
        if homes:
            return Home(
                tuple(dict.fromkeys(_slashed(urljoin(url, one)) for one in homes)),
                principal=urljoin(url, principal) if principal else "",
            )
        # Some servers know no principals; the URL may be the home itself.
        if not is_last and any(self._list(_slashed(url), 1)):
            return Home((_slashed(url),))
        return None

    def _properties(self, url: str, props: Sequence[str]) -> tuple[str, Mapping[str, Value]]:
        answer = self._ask("PROPFIND", url, propfind_body(props), depth=0)
        found = read_multistatus(answer.body, self._server)
        return answer.url, next((one.props for one in found.responses), {})

    # ------ collections

    def collections(
        self, home: Home, ids: Mapping[str, str] | None = None, *, with_tokens: bool = False
    ) -> list[DavCollection]:
        """The collections of the kind in a home, readable or not, by URL.

        Args:
            ids: ids given before, by the path of the URL, which stay.
            with_tokens: ask for sync-tokens as well as ctags. Each costs a server a look at all members, and one is
                enough to tell a change by; tokens are asked for anyhow where there are no ctags.

        Raises:
            Missing: the home is gone.
        """
        found: dict[str, DavCollection] = {}
        for url in home.urls:
            for one in self._list(url, 0 if home.is_one_collection else 1, with_tokens=with_tokens):
                found.setdefault(one.url, one)
        if not with_tokens and not all(one.ctag for one in found.values()):
            return self.collections(home, ids, with_tokens=True)
        taken = dict(ids or {})
        named: list[DavCollection] = []
        for url in sorted(found):
            path = urlsplit(url).path
            if path not in taken:
                last = clean(unquote(path.rstrip("/").rpartition("/")[2])) or "main"
                taken[path] = f"{last}~{key64(path) & 0xFFFFFF:06x}" if last in taken.values() else last
            named.append(_named(found[url], taken[path]))
        return named

    def _list(self, url: str, depth: int, *, with_tokens: bool = False) -> Iterator[DavCollection]:
        props = [
            tag(DAV, "resourcetype"),
            tag(DAV, "displayname"),
            tag(DAV, "current-user-privilege-set"),
            tag(DAV, "supported-report-set"),
            tag(CALDAV, "supported-calendar-component-set"),
            tag(CALENDAR_SERVER, "getctag"),
            *([tag(DAV, "sync-token")] if with_tokens else []),
        ]
        answer = self._ask("PROPFIND", url, propfind_body(props), depth=depth)
        for one in self._responses(answer):
            if self.kind.collection in one.props.get(tag(DAV, "resourcetype"), Value()).tags:
                yield _collection(_slashed(normal_url(urljoin(answer.url, one.href))), one.props)

    # ------ members

    def listing(self, collection: DavCollection, token: str = "", *, with_bodies: bool = False) -> Listing:
        """The members that changed since a token, or all of them: at the first time, or when the token is dead.

        Args:
            with_bodies: ask for the bodies along with the list, which halves what a server has to do for a first sync.

        Raises:
            Missing: the collection is gone.
        """
        if with_bodies and collection.can_sync:
            try:
                return self._synced(collection.url, token, self.kind.data)
            except RateLimited:
                raise
            except (Transient, Rejected, _NoSync):
                # It is a request for much; what is too slow or too long in one piece may do in many.
                pass
        if token or collection.can_sync:
            try:
                return self._synced(collection.url, token)
            except _NoSync:
                pass
        return self._listed(collection.url)

    def _synced(self, url: str, token: str, data: str = "") -> Listing:
        etags: dict[str, str] = {}
        bodies: dict[str, bytes] = {}
        room = LIMITS.body
        gone: set[str] = set()
        seen = {token}
        next_token = token
        for _ in range(_MOST_ROUNDS):
            allow = set(range(400, 600)) - _NOT_ABOUT_THE_TOKEN
            answer = self._ask("REPORT", url, sync_body(next_token, data), depth=0, allow=allow)
            if answer.status != 207:
                if token:
                    # A dead token: 403 with valid-sync-token by the RFC; 409, 410, 412 and 500 are seen as well.
                    return self._synced(url, "")
                self._refuse_missing(answer.status)
                raise _NoSync
            found = read_multistatus(answer.body, self._server)
            if not found.token:
                # Some servers answer a dead token with a 207 of something else.
                if token:
                    return self._synced(url, "")
                raise _NoSync
            is_cut = False
            for one in found.responses:
                name = member_name(answer.url, one.href)
                if name is None:
                    self._refuse_missing(one.status)
                    # 507 for the collection itself: there is more (RFC 6578 3.6).
                    is_cut |= one.status == 507
                elif one.status in {404, 410}:
                    gone.add(name)
                    etags.pop(name, None)
                elif one.status == 0 or one.status < 300:
                    etags[name] = one.props.get(tag(DAV, "getetag"), Value()).text
                    gone.discard(name)
                    if (body := one.props.get(data)) is not None and body.text and len(body.text) < room:
                        bodies[name] = body.text.encode("utf-8", "surrogatepass")
                        room -= len(body.text)
            next_token = found.token
            if not is_cut:
                return Listing(etags, frozenset(gone), next_token, not token, bodies)
            if next_token in seen:
                break
            seen.add(next_token)
        raise Transient(f"{self._server} does not come to the end of a list. Kith tries again.")

    def _listed(self, url: str) -> Listing:
        props = [tag(DAV, "getetag"), tag(DAV, "resourcetype")]
        answer = self._ask("PROPFIND", url, propfind_body(props), depth=1)
        etags: dict[str, str] = {}
        for one in self._responses(answer):
            name = member_name(answer.url, one.href)
            is_folder = tag(DAV, "collection") in one.props.get(tag(DAV, "resourcetype"), Value()).tags
            if name is not None and not is_folder and (one.status == 0 or one.status < 300):
                etags[name] = one.props.get(tag(DAV, "getetag"), Value()).text
        return Listing(etags)

    def _responses(self, answer: Answer) -> Sequence[Found]:
        """The responses of a listing, which tells of the listed itself as well."""
        found = read_multistatus(answer.body, self._server).responses
        for one in found:
            if member_name(answer.url, one.href) is None:
                self._refuse_missing(one.status)
        if not found:
            raise Transient(f"{self._server} answered a listing with nothing at all. Kith tries again.")
        return found

    def _refuse_missing(self, status: int) -> None:
        # Xandikos tells of what is not there by a 207 with a 404 in it.
        if status in {404, 410}:
            raise Missing(f"{self._server} no longer has the collection.")

    def fetch(self, url: str, names: Iterable[str]) -> Iterator[Fetched]:
        """The bodies of members, `CHUNK` at a time, in no promised order; each name once."""
        waiting = list(dict.fromkeys(names))
        for start in range(0, len(waiting), CHUNK):
            yield from self._fetch_chunk(url, waiting[start : start + CHUNK])

    def _fetch_chunk(self, url: str, names: Sequence[str]) -> Iterator[Fetched]:
        missing = dict.fromkeys(names)
        if len(names) > 1:
            hrefs = [urlsplit(member_url(url, name)).path for name in names]
            try:
                found = self.report(url, multiget_body(self.kind.multiget, self.kind.data, hrefs))
            except (Rejected, Garbled):
                # No multiget here, or one member that breaks it for all: one by one, that one is set aside.
                found = Multistatus(())
            for one in found.responses:
                name = member_name(url, one.href)
                data = one.props.get(self.kind.data)
                if name in missing and name is not None:
                    if data is not None and data.text:
                        etag = one.props.get(tag(DAV, "getetag"), Value()).text
                        yield Fetched(name, etag, data.text.encode("utf-8", "surrogatepass"))
                        del missing[name]
                    elif one.status in {404, 410}:
                        yield Fetched(name)
                        del missing[name]
        # Some servers leave out what they would rather not say.
        for name in missing:
            try:
                etag, body = self.get(member_url(url, name))
            except Missing:
                yield Fetched(name)
            except Rejected as fault:
                yield Fetched(name, fault=str(fault))
            else:
                yield Fetched(name, etag, body)

    # ------ single resources

    def get(self, url: str) -> tuple[str, bytes]:
        """Etag (empty when none came) and body of a resource.

        Raises:
            Missing: it is not there.
        """
        answer = self._http.request("GET", url, expect="data")
        return answer.headers.get("etag", ""), answer.body

    def put(self, url: str, body: bytes, *, if_none_match: bool = False, if_match: str = "") -> str | None:
        """Write a resource; its etag, or None when the server does not tell (or changed what was written).

        Args:
            if_none_match: only if there is none.
            if_match: only if it has this etag.

        Raises:
            PreconditionFailed: that is not so.
            Ambiguous: it may have been written.
        """
        headers = {"Content-Type": self.kind.content_type}
        if if_none_match:
            headers["If-None-Match"] = "*"
        if if_match:
            headers["If-Match"] = if_match
        answer = self._http.request("PUT", url, headers=headers, content=body, is_write=True, allow=(412,))
        if answer.status == 412:
            raise PreconditionFailed(
                f"{self._server} holds another version than the one that was to be written."
            )
        if answer.status == 200 and answer.headers.get("content-type", "").lower().startswith("text/html"):
            # A server may say 201 with a page of its own; 200 with one is what a sign-in page in between says.
            raise Ambiguous(f"{self._server} answered a write with a web page; it may not have been written.")
        return answer.headers.get("etag") or None

    def delete(self, url: str, *, if_match: str = "") -> None:
        """Remove a resource; one that is gone already is removed.

        Raises:
            PreconditionFailed: it has another etag.
            Ambiguous: it may have been removed.
        """
        headers = {"If-Match": if_match} if if_match else {}
        answer = self._http.request("DELETE", url, headers=headers, is_write=True, allow=(404, 410, 412))
        if answer.status == 412:
            raise PreconditionFailed(
                f"{self._server} holds another version than the one that was to be removed."
            )

    def make_calendar(self, url: str, name: str, component: str) -> None:
        """Make a calendar for one kind of component (RFC 4791 5.3.1).

        Raises:
            Rejected: the server makes none there, or there is one.
            Ambiguous: it may have been made.
        """
        headers = {"Content-Type": "application/xml; charset=utf-8"}
        body = make_calendar_body(name, component)
        self._http.request("MKCALENDAR", url, headers=headers, content=body, is_write=True)

    def report(self, url: str, body: bytes, *, depth: int = 1) -> Multistatus:
        """A REPORT of any kind."""
        return read_multistatus(self._ask("REPORT", url, body, depth=depth).body, self._server)

    def _ask(self, method: str, url: str, body: bytes, *, depth: int, allow: Iterable[int] = ()) -> Answer:
        headers = {"Depth": str(depth), "Content-Type": "application/xml; charset=utf-8"}
        answer = self._http.request(
            method, url, headers=headers, content=body, expect="xml", allow=frozenset(allow)
        )
        if answer.status != 207 and answer.status not in allow:
            raise Rejected(f"{self._server} does not speak WebDAV there ({answer.status}). Check the URL.")
        return answer


class _NoSync(Exception):
    """The collection has no sync-collection after all."""


# ------ names


def normal_url(url: str) -> str:
    """A URL with its path percent-encoded in one way, without query and fragment."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.lower()}{_normal_path(parts.path)}"


def member_name(collection: str, href: str) -> str | None:
    """The name of a member from an href as a server wrote it: a path, a whole URL, or a name alone.

    Hosts are not compared, since servers behind a proxy often name their inner one; None for the collection itself
    and for what ends in a slash (iCloud lists a collection among its own members).
    """
    base = _base_path(collection)
    if href.startswith(base) and not _STRUCTURE.search(href, len(base)):
        return quote(unquote(href[len(base) :]), safe=_SAFE) or None
    path = _normal_path(urlsplit(urljoin(f"http://x{base}", href)).path)
    if path.endswith("/") or f"{path}/" == base:
        return None
    return path.removeprefix(base)


@lru_cache(maxsize=256)
def _base_path(collection: str) -> str:
    return _slashed(_normal_path(urlsplit(collection).path))


def member_url(collection: str, name: str) -> str:
    """The URL of a member by its name."""
    if not name.startswith("/"):
        return collection + name
    parts = urlsplit(collection)
    return f"{parts.scheme}://{parts.netloc}{name}"


def _normal_path(path: str) -> str:
    return "/".join(quote(unquote(segment), safe=_SAFE) for segment in path.split("/")) or "/"


def _slashed(url: str) -> str:
    return url if url.endswith("/") else f"{url}/"


def _collection(url: str, props: Mapping[str, Value]) -> DavCollection:
    def text(name: str) -> str:
        return props.get(name, Value()).text

    privileges = props.get(tag(DAV, "current-user-privilege-set"))
    granted = None if privileges is None else privileges.tags
    return DavCollection(
        id="",
        url=url,
        name=clean(text(tag(DAV, "displayname")))[:200],
        components=props.get(tag(CALDAV, "supported-calendar-component-set"), Value()).names,
        ctag=text(tag(CALENDAR_SERVER, "getctag")),
        token=text(tag(DAV, "sync-token")),
        can_read=_grants(granted, "read", "all"),
        can_write=_grants(granted, "write", "write-content", "bind", "all"),
        can_sync=bool(text(tag(DAV, "sync-token")))
        or tag(DAV, "sync-collection") in props.get(tag(DAV, "supported-report-set"), Value()).tags,
    )


def _grants(granted: frozenset[str] | None, *names: str) -> bool:
    """Whether a privilege is granted; where privileges are not told, trying shows."""
    return granted is None or any(tag(DAV, name) in granted for name in names)


def _named(one: DavCollection, name: str) -> DavCollection:
    return structs.replace(one, id=name, name=one.name or name)
