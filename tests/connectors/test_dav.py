"""WebDAV as it comes over the wire, hostile or merely odd, becomes plain values or a plain error."""

import subprocess
import sys
import time
import tracemalloc
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors._dav import (
    CALENDARS,
    CHUNK,
    Dav,
    DavCollection,
    member_name,
    member_url,
    normal_url,
    open_dav,
)
from connectors._dav_xml import CALDAV, DAV, read_multistatus, tag
from connectors._http import LIMITS, Http, Limits, TooLarge
from schemas.errors import KithError, Rejected, Transient
from tests.contract.live_source import a_live_access
from tests.fakes.http_script import Asked, Reply, ScriptedServer, reply, scripted

HEAD = b'<?xml version="1.0" encoding="utf-8"?>\n'
LAUGHS = (
    b'<!DOCTYPE d [<!ENTITY a "ha">'
    + b"".join(b'<!ENTITY %c "%s">' % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(20))
    + b"]>"
)


def multistatus(inner: bytes = b"") -> bytes:
    return b'<d:multistatus xmlns:d="DAV:">' + inner + b"</d:multistatus>"


def a_response(href: bytes, etag: bytes = b"1") -> bytes:
    return (
        b"<d:response><d:href>"
        + href
        + b"</d:href><d:propstat><d:prop><d:getetag>"
        + etag
        + b"</d:getetag></d:prop>"
        b"<d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response>"
    )


class TestXml:
    """Documents that attack a parser (S15)."""

    @pytest.mark.parametrize(
        "document",
        [
            pytest.param(HEAD + LAUGHS + multistatus(a_response(b"&t;")), id="billion laughs"),
            pytest.param(
                HEAD + b'<!DOCTYPE d [<!ENTITY a "' + b"a" * 100_000 + b'">]>' + multistatus(b"&a;" * 50_000),
                id="quadratic",
            ),
            pytest.param(
                HEAD
                + b'<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
                + multistatus(a_response(b"&x;")),
                id="external entity",
            ),
            pytest.param(
                HEAD + b'<!DOCTYPE d SYSTEM "http://127.0.0.1:1/x.dtd">' + multistatus(),
                id="external document type",
            ),
            pytest.param(
                HEAD + b'<!DOCTYPE d [<!ENTITY % p SYSTEM "file:///etc/passwd"> %p;]>' + multistatus(),
                id="parameter entity",
            ),
            pytest.param(b"\xef\xbb\xbf <!-- x -->\n<!DOCTYPE d>" + multistatus(), id="behind a comment"),
            pytest.param(
                HEAD + b"<?pi x?><!-- a --><!DOCTYPE d>" + multistatus(), id="behind an instruction"
            ),
            pytest.param((HEAD + LAUGHS + multistatus(b"&t;")).decode().encode("utf-16"), id="UTF-16"),
            pytest.param(
                b'<?xml version="1.0" encoding="UTF-7"?>'
                + (LAUGHS + multistatus(b"&t;")).decode().encode("utf-7"),
                id="UTF-7",
            ),
            pytest.param(multistatus(b"<a>" * 100_000 + b"</a>" * 100_000), id="deep"),
            pytest.param(multistatus(b'<a b="' + b"x" * 20_000_000 + b'"/>'), id="a huge attribute"),
            pytest.param(multistatus(b"<a>" + b"x" * 20_000_000 + b"</a>"), id="a huge text"),
            pytest.param(multistatus(b"&undefined;"), id="an entity that nobody defined"),
            pytest.param(multistatus()[:20], id="cut"),
            pytest.param(b"", id="empty"),
            pytest.param(b"{}", id="JSON"),
            pytest.param(b"<html/>", id="another document"),
        ],
    )
    def test_it_is_refused_at_once(self, document: bytes) -> None:
        """Each is refused within a second and little memory, with nothing read and nobody asked."""
        tracemalloc.start()
        begun = time.perf_counter()
        with pytest.raises(KithError) as caught:
            read_multistatus(document, "dav.example.com")
        assert time.perf_counter() - begun < 4
        assert tracemalloc.get_traced_memory()[1] < 30_000_000
        tracemalloc.stop()
        assert isinstance(caught.value, Rejected | Transient)
        assert "dav.example.com" in str(caught.value)
        assert "root:" not in str(caught.value)

    def test_an_inclusion_is_not_followed(self) -> None:
        """XInclude is text like any other."""
        inner = (
            b'<x:include xmlns:x="http://www.w3.org/2001/XInclude" href="file:///etc/passwd" parse="text"/>'
        )
        found = read_multistatus(multistatus(a_response(b"/a.ics", inner)), "x")
        assert found.responses[0].props[tag(DAV, "getetag")].text == ""

    def test_a_text_may_speak_of_document_types(self) -> None:
        """What an event says, in CDATA or escaped, is not taken for the document's own beginning."""
        text = b"<![CDATA[<!DOCTYPE html> &amp; more]]>"
        found = read_multistatus(HEAD + multistatus(a_response(b"/a.ics", text)), "x")
        assert found.responses[0].props[tag(DAV, "getetag")].text == "<!DOCTYPE html> &amp; more"

    def test_a_long_listing_takes_little_memory(self) -> None:
        """A listing of a hundred thousand members is read in a few times its size."""
        body = multistatus(b"".join(a_response(b"/c/%d.ics" % number) for number in range(100_000)))
        script = (
            "import sys; from connectors._dav_xml import read_multistatus\n"
            "body = sys.stdin.buffer.read()\n"
            "assert len(read_multistatus(body, 'x').responses) == 100_000\n"
            # The peak that getrusage tells begins with that of the process it was forked from.
            "lines = open('/proc/self/status').read().splitlines() if sys.platform == 'linux' else []\n"
            "print(next((int(one.split()[1]) * 1024 for one in lines if one.startswith('VmHWM')), 0))"
        )
        out = subprocess.run([sys.executable, "-c", script], input=body, capture_output=True, check=True)
        assert int(out.stdout) < 300_000_000

    def test_properties_that_failed_are_not_there(self) -> None:
        """Only what came with a good status counts, whatever the order."""
        body = multistatus(
            b"<d:response><d:href>/a</d:href><d:propstat><d:prop><d:displayname>no</d:displayname></d:prop>"
            b"<d:status>HTTP/1.1 404 Not Found</d:status></d:propstat><d:propstat><d:prop><d:getetag>x</d:getetag>"
            b"</d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response>"
            b"<d:response><d:href>/b</d:href><d:href>/c</d:href><d:status>HTTP/1.1 404 Gone</d:status></d:response>"
            b"<d:sync-token> t </d:sync-token>"
        )
        found = read_multistatus(body, "x")
        assert [(one.href, one.status, sorted(one.props)) for one in found.responses] == [
            ("/a", 0, [tag(DAV, "getetag")]),
            ("/b", 404, []),
            ("/c", 404, []),
        ]
        assert found.token == "t"


class TestNames:
    """Hrefs in every spelling."""

    @pytest.mark.parametrize(
        "href",
        [
            "/dav/c/e1@x.ics",
            "/dav/c/e1%40x.ics",
            "e1%40x.ics",
            "https://dav.example.com/dav/c/e1@x.ics",
            "http://inner.test:8080/dav/c/e1%40x.ics",
            "/dav/c/./e1@x.ics",
            "/d%61v/c/e1@x.ics",
        ],
    )
    def test_one_member_has_one_name(self, href: str) -> None:
        """However an href is written, it names the same member."""
        assert member_name("https://dav.example.com/dav/c/", href) == "e1@x.ics"

    @pytest.mark.parametrize(
        "href", ["/dav/c/", "/dav/c", "https://dav.example.com/dav/c/", "/dav/c/inner/", "/dav/%63/"]
    )
    def test_a_collection_is_no_member(self, href: str) -> None:
        """The collection itself, and a folder within, are not members."""
        assert member_name("https://dav.example.com/dav/c/", href) is None

    @given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=30))
    def test_a_name_leads_back_to_its_member(self, text: str) -> None:
        """Any name, escaped by any server, gives a URL that gives the name."""
        collection = "https://dav.example.com/dav/c d/"
        if text in {".", ".."}:
            return
        for safe in ("", "@:!$&'()*+,;=~"):
            name = member_name(normal_url(collection), f"/dav/c%20d/{quote(text, safe=safe)}")
            assert name is not None
            assert member_name(normal_url(collection), member_url(normal_url(collection), name)) == name

    def test_a_member_elsewhere_keeps_its_path(self) -> None:
        """A member that lies outside its collection is asked for where it lies, on the same host."""
        name = member_name("https://dav.example.com/dav/c/", "http://evil.test/dav/other/e.ics")
        assert name == "/dav/other/e.ics"
        assert member_url("https://dav.example.com/dav/c/", name) == "https://dav.example.com/dav/other/e.ics"


COLLECTION = "c/"


def dav_at(server: ScriptedServer, limits: Limits = LIMITS) -> Dav:
    access = a_live_access("dav", url=server.url, allow_private=True)
    return (
        Dav(Http(access, base=server.url, limits=limits), CALENDARS)
        if limits != LIMITS
        else open_dav(access, CALENDARS)
    )


class TestFetching:
    """Bodies of members."""

    @pytest.fixture
    def server(self) -> Iterator[ScriptedServer]:
        def script(asked: Asked) -> Reply:
            if asked.method == "GET":
                return reply(200, b"BEGIN:VCALENDAR " + asked.path.encode(), etag="E")
            hrefs = [part.split(b"</d:href>")[0] for part in asked.body.split(b"<d:href>")[1:]]
            data = b"".join(
                a_response(href).replace(
                    b"</d:prop>",
                    b'<c:calendar-data xmlns:c="'
                    + CALDAV.encode()
                    + b'">BEGIN:VCALENDAR</c:calendar-data></d:prop>',
                )
                for href in hrefs
            )
            return reply(207, multistatus(data), content_type="application/xml")

        with scripted(script) as made:
            yield made

    def test_many_come_by_fifties(self, server: ScriptedServer) -> None:
        """A hundred and twenty members are three requests, each name once."""
        dav = dav_at(server)
        names = [f"{number}.ics" for number in range(120)]
        found = list(dav.fetch(f"{server.url}{COLLECTION}", [*names, *names]))
        assert sorted(one.name for one in found) == sorted(names)
        assert len(server.asked) == -(-120 // CHUNK)
        dav.close()

    def test_what_an_answer_leaves_out_is_asked_for(self, server: ScriptedServer) -> None:
        """A member that the server passed over is asked for by itself, and one that is gone is told so."""
        inner = server.script
        server.script = lambda asked: (
            reply(404)
            if asked.path.endswith("gone.ics")
            else inner(asked)
            if asked.method == "GET"
            else reply(207, multistatus(a_response(b"/c/" + b"stranger.ics")), content_type="text/xml")
        )
        dav = dav_at(server)
        found = {one.name: one.body for one in dav.fetch(f"{server.url}{COLLECTION}", ["a.ics", "gone.ics"])}
        assert found == {"a.ics": b"BEGIN:VCALENDAR /c/a.ics", "gone.ics": None}
        dav.close()

    def test_one_that_is_too_large_is_set_aside(self, server: ScriptedServer) -> None:
        """Where one member makes an answer too long, the others come one by one."""
        inner = server.script
        server.script = lambda asked: (
            reply(200, bytes(2_000_000))
            if asked.path.endswith("big.ics") or asked.method != "GET"
            else inner(asked)
        )
        dav = dav_at(server, Limits(body=1_000_000))
        found = {
            one.name: one for one in dav.fetch(f"{server.url}{COLLECTION}", ["a.ics", "big.ics", "c.ics"])
        }
        assert found["a.ics"].body
        assert found["c.ics"].body
        assert found["big.ics"].body is None
        assert "MB" in found["big.ics"].fault
        with pytest.raises(TooLarge):
            dav.get(f"{server.url}c/big.ics")
        dav.close()


class TestListing:
    """Listings."""

    @pytest.mark.parametrize(
        "answer",
        [
            pytest.param(reply(200, multistatus(), content_type="application/xml"), id="not a 207"),
            pytest.param(reply(207, b"<html>Sign in</html>", content_type="text/html"), id="a sign-in page"),
            pytest.param(reply(207, b"ok", content_type="text/plain"), id="no XML"),
            pytest.param(reply(207, multistatus(), content_type="application/xml"), id="nothing at all"),
            pytest.param(reply(302, location="https://localhost:1/"), id="a redirect within"),
            pytest.param(reply(302, location="http://169.254.169.254/latest/"), id="a redirect to metadata"),
        ],
    )
    def test_no_listing_is_not_an_empty_one(self, answer: bytes) -> None:
        """An answer that lists nothing is an error, never the news that everything is gone."""
        with scripted(lambda _: answer) as server:
            dav = dav_at(server)
            with pytest.raises((Rejected, Transient)):
                dav.listing(DavCollection("c", f"{server.url}c/", "c"))
            dav.close()
