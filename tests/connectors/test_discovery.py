"""Finding servers from an address: what is sure, what may be forged, and that nothing leads where it must not."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from connectors import connectors
from connectors._discovery import _HOST, Ways, locate_dav, locate_mail
from connectors._presets import PRESETS, preset_of
from schemas.connector import Location
from schemas.errors import Rejected
from tests.servers.dns import Zone, name_server
from tests.servers.smtp import Authority
from tests.servers.web import Reply, Site, web_server

MARA = {"user": "mara@example.com"}
PUBLIC = {("imap.example.com", "A"): ["1.1.1.1"], ("mail.other.test", "A"): ["1.0.0.1"]}
CONFIG = """<?xml version="1.0" encoding="UTF-8"?>
<clientConfig version="1.1"><emailProvider id="example.com"><domain>example.com</domain>
<incomingServer type="pop3"><hostname>pop.example.com</hostname><port>995</port><socketType>SSL</socketType></incomingServer>
<incomingServer type="imap"><hostname>imap.%EMAILDOMAIN%</hostname><port>143</port><socketType>STARTTLS</socketType>
<username>%EMAILADDRESS%</username><authentication>password-cleartext</authentication></incomingServer>
<incomingServer type="imap"><hostname>imap.example.com</hostname><port>993</port><socketType>SSL</socketType>
<authentication>OAuth2</authentication><authentication>password-cleartext</authentication></incomingServer>
<outgoingServer type="smtp"><hostname>mail.other.test</hostname><port>587</port><socketType>STARTTLS</socketType>
</outgoingServer></emailProvider></clientConfig>"""


class World:
    """Name servers and a web server to ask instead of the world's."""

    def __init__(self, zone: Zone, port: int, site: Site, url: str, authority: Authority) -> None:
        self.zone, self.site, self.url = zone, site, url
        self.trust = {"allow_private": True, "ca_file": str(authority.file)}
        self.ways = Ways(
            ("127.0.0.1",),
            port,
            (f"{url}/mail/config-v1.1.xml", f"{url}/.well-known/autoconfig/mail/config-v1.1.xml"),
            f"{url}/.well-known/{{kind}}",
        )

    def mail(self, kind: Any = "imap", **settings: Any) -> Location:
        return locate_mail(kind, {**MARA, **settings}, self.ways)

    def dav(self, kind: Any = "caldav", **settings: Any) -> Location:
        return locate_dav(kind, {**MARA, **settings}, self.ways)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"), "127.0.0.1")


@pytest.fixture
def world(authority: Authority) -> Iterator[World]:
    zone, site = Zone(dict(PUBLIC)), Site()
    with name_server(zone) as port, web_server(site, authority.context) as url:
        yield World(zone, port, site, url, authority)


# --- presets


def test_presets_are_whole() -> None:
    """Each domain is of one service; each kind has a server, a URL, or words on what to do; all are encrypted."""
    domains = [domain for preset in PRESETS for domain in preset.domains]
    assert len(domains) == len(set(domains))
    for preset in PRESETS:
        assert set(preset.mail) | set(preset.instead) >= {"imap", "smtp"}
        assert not set(preset.mail) & set(preset.instead)
        assert not set(preset.urls) & set(preset.instead)
        for host, port, security in preset.mail.values():
            assert _HOST.fullmatch(host)
            assert (port, security) in {(993, "tls"), (465, "tls"), (587, "starttls")}
        for url in preset.urls.values():
            assert re.fullmatch(r"https://[a-z0-9.]+(:\d+)?/", url)
        assert all(not words.endswith(".") for words in (preset.hint, *preset.instead.values()))
        assert all(_HOST.fullmatch(domain) for domain in preset.domains)


def test_what_is_published_is_sure_and_asks_nobody(world: World) -> None:
    """A well-known service is told by the address alone, with what to know of its passwords."""
    found = world.mail(user="mara@FASTMAIL.com")
    assert found.settings == {"host": "imap.fastmail.com", "port": 993, "security": "tls"}
    assert (found.is_sure, found.found_by) == (
        True,
        "what Fastmail publishes (it wants an app password, made in the account's security settings)",
    )
    assert world.mail("smtp", user="mara@icloud.com").settings["security"] == "starttls"
    assert world.dav("carddav", user="mara@posteo.net").settings == {"url": "https://posteo.de:8843/"}
    assert world.zone.asked == []
    assert world.site.asked == []


@pytest.mark.parametrize(
    ("address", "kind", "words"),
    [
        ("mara@gmail.com", "caldav", "secret address in iCal format"),
        ("mara@googlemail.com", "carddav", "contacts from an export"),
        ("mara@hotmail.com", "imap", "from an export"),
        ("mara@outlook.com", "caldav", "published calendar as a feed"),
        ("mara@proton.me", "imap", "--port 1143 --security starttls --allow-private"),
        ("mara@proton.me", "smtp", "--port 1025"),
        ("mara@tuta.com", "imap", "kith import"),
        ("mara@zoho.com", "smtp", "--host HOST"),
    ],
)
def test_what_cannot_be_is_told_with_what_can(address: str, kind: str, words: str, world: World) -> None:
    """A service that offers a kind to its own programs alone is named, with the way there is."""
    locate = world.mail if kind in {"imap", "smtp"} else world.dav
    with pytest.raises(Rejected, match=re.escape(words)):
        locate(kind, user=address)
    assert world.zone.asked == []


# --- service records


def test_service_records_are_followed(world: World) -> None:
    """The best one first, encrypted from the first byte before STARTTLS; never sure."""
    world.zone.records |= {
        ("_imaps._tcp.example.com", "SRV"): ["10 1 993 imap.example.com.", "0 1 9930 mail.other.test."],
        ("_imap._tcp.example.com", "SRV"): ["0 1 143 imap.example.com."],
        ("_submission._tcp.example.com", "SRV"): ["0 1 587 mail.other.test."],
    }
    found = world.mail()
    assert found.settings == {"host": "mail.other.test", "port": 9930, "security": "tls"}
    assert (found.is_sure, found.found_by) == (False, "the service records of example.com")
    assert world.mail("smtp").settings == {"host": "mail.other.test", "port": 587, "security": "starttls"}
    assert world.site.asked == []


def test_a_dot_means_none(world: World) -> None:
    """A domain that says it has no such server is believed; nothing else is asked."""
    world.zone.records |= {
        ("_imaps._tcp.example.com", "SRV"): ["0 0 0 ."],
        ("_imap._tcp.example.com", "SRV"): ["0 0 0 ."],
        ("_caldavs._tcp.example.com", "SRV"): ["0 0 0 ."],
    }
    for locate in (world.mail, world.dav):
        with pytest.raises(Rejected, match="says that it has no"):
            locate()
    assert world.site.asked == []
    world.zone.records["_imap._tcp.example.com", "SRV"] = ["0 1 143 imap.example.com."]
    assert world.mail().settings["port"] == 143


def test_dav_records_give_a_path(world: World) -> None:
    """The path stands in a TXT record beside; without one of use it is the well-known one (RFC 6764)."""
    world.zone.records |= {
        ("_caldavs._tcp.example.com", "SRV"): ["0 1 443 imap.example.com."],
        ("_caldavs._tcp.example.com", "TXT"): ['"path=/dav/calendars"'],
        ("_carddavs._tcp.example.com", "SRV"): ["0 1 8443 imap.example.com."],
    }
    assert world.dav().settings == {"url": "https://imap.example.com/dav/calendars"}
    assert world.dav("carddav").settings == {"url": "https://imap.example.com:8443/.well-known/carddav"}
    assert not world.dav().is_sure
    for hostile in (
        "path=//evil.example/",
        "path=https://evil.example/",
        "path=/a b",
        "path=@evil",
        "x=/dav",
    ):
        world.zone.records["_caldavs._tcp.example.com", "TXT"] = [f'"{hostile}"']
        assert world.dav().settings == {"url": "https://imap.example.com/.well-known/caldav"}


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.7", "169.254.169.254", "192.168.1.1", "100.64.0.1"])
@pytest.mark.parametrize("way", ["records", "file"])
def test_nothing_leads_into_private_networks(address: str, way: str, world: World) -> None:
    """Neither a record nor a file reaches inside, unless the owner allowed it (S12)."""
    world.zone.records["imap.example.com", "A"] = [address]
    if way == "records":
        world.zone.records["_imaps._tcp.example.com", "SRV"] = ["0 1 993 imap.example.com."]
        world.zone.records["_caldavs._tcp.example.com", "SRV"] = ["0 1 443 imap.example.com."]
        for locate in (world.mail, world.dav):
            with pytest.raises(Rejected, match="private network"):
                locate()
        assert world.mail(allow_private=True).settings["host"] == "imap.example.com"
    else:
        world.site.replies["/mail/config-v1.1.xml"] = Reply(body=CONFIG.encode())
        with pytest.raises(Rejected):
            world.mail()
        assert world.site.asked == []


@pytest.mark.parametrize("address", ["::1", "fc00::1", "fe80::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1"])
def test_nor_do_addresses_of_version_six(address: str, world: World) -> None:
    """A public A beside a private AAAA is refused as well."""
    world.zone.records["imap.example.com", "AAAA"] = [address]
    world.zone.records["_imaps._tcp.example.com", "SRV"] = ["0 1 993 imap.example.com."]
    with pytest.raises(Rejected, match="private network"):
        world.mail()


def test_useless_records_are_passed_over(world: World) -> None:
    """A target that is an address, is nowhere, or has no port leads on to the next."""
    world.zone.records["_imaps._tcp.example.com", "SRV"] = [
        "0 1 993 1.1.1.1.",
        "1 1 993 nowhere.example.com.",
        "2 1 0 imap.example.com.",
        "3 1 993 imap.example.com.",
    ]
    assert world.mail().settings == {"host": "imap.example.com", "port": 993, "security": "tls"}


def test_only_the_domain_itself_is_asked(world: World) -> None:
    """Nothing is asked of a domain above, least of all of a top-level one (S12)."""
    with pytest.raises(Rejected):
        world.mail(user="mara@mail.department.example.com")
    assert {name for name, _ in world.zone.asked} == {
        "_imaps._tcp.mail.department.example.com",
        "_imap._tcp.mail.department.example.com",
    }


def test_name_servers_that_do_not_answer_take_seconds(world: World) -> None:
    """A silent name server ends in words, not in waiting for ever."""
    world.zone.is_silent = True
    with pytest.raises(Rejected, match="was not found"):
        world.dav()


@pytest.mark.parametrize(
    "user",
    ["mara", "", "mara@", "mara@localhost", "mara@com", "mara@127.0.0.1", "mara@[::1]", "mara@a..b", "a@-x.test",
     "mara@exa mple.com", "mara@example.com/evil", "mara@" + "a" * 300 + ".com", "mara@example.com:25", "mara@\u2028.com"],
)  # fmt: skip
def test_without_an_address_nothing_is_asked(user: str, world: World) -> None:
    """What is no address of a domain is refused with what to give; nothing goes out."""
    for locate, option in ((world.mail, "--host"), (world.dav, "--url")):
        with pytest.raises(Rejected, match=option):
            locate(user=user)
    assert world.zone.asked == []


# --- files


def test_the_autoconfig_file_is_read(world: World) -> None:
    """Over https, at either place; the encrypted offer first, passwords before sign-ins we do not have; never sure."""
    body = Reply(body=CONFIG.encode(), headers={"Content-Type": "text/xml"})
    for path in ("/.well-known/autoconfig/mail/config-v1.1.xml", "/mail/config-v1.1.xml"):
        world.site.replies = {path: body}
        found = world.mail(**world.trust)
        assert found.settings == {"host": "imap.example.com", "port": 993, "security": "tls"}
        assert not found.is_sure
        assert found.found_by == f"the file {urlsplit(world.url).netloc} publishes"
    assert world.mail("smtp", **world.trust).settings == {
        "host": "mail.other.test",
        "port": 587,
        "security": "starttls",
    }


def test_nothing_of_the_owner_goes_out(world: World) -> None:
    """The domain is named; the address, the user and the password are not, in no path, query or header."""
    with pytest.raises(Rejected):
        world.mail(**world.trust)
    with pytest.raises(Rejected):
        world.dav(**world.trust)
    assert world.site.asked
    for _, path, headers in world.site.asked:
        assert "mara" not in path
        assert "?" not in path
        assert "authorization" not in headers
        assert not any("mara" in value for value in headers.values())


HOSTILE = {
    "entities": '<!DOCTYPE c [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>' + CONFIG.partition("?>")[2],
    "external": '<!DOCTYPE c SYSTEM "file:///etc/passwd">' + CONFIG.partition("?>")[2],
    "utf-16": CONFIG.replace("UTF-8", "UTF-16"),
    "plain": CONFIG.replace("SSL", "plain").replace("STARTTLS", "plain"),
    "address": CONFIG.replace("imap.example.com", "127.0.0.1").replace("imap.%EMAILDOMAIN%", "[::1]"),
    "userinfo": CONFIG.replace("imap.example.com", "a@evil.example").replace("imap.%EMAILDOMAIN%", "x/y"),
    "port": CONFIG.replace("993", "99999999999999999999").replace("143", "-1"),
    "oauth": CONFIG.replace("password-cleartext", "OAuth2"),
    "html": "<!doctype html><html><body>Not found</body></html>",
    "cut": CONFIG[:400],
    "deep": "<a>" * 100_000,
    "long": CONFIG + " " * 200_000,
    "empty": "",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_as_good_as_none(name: str, world: World) -> None:
    """Document types, other encodings, unencrypted or impossible servers, web pages and long ones find nothing (S15)."""
    text = HOSTILE[name]
    body = text.encode("utf-16") if name == "utf-16" else text.encode()
    world.site.replies["/mail/config-v1.1.xml"] = Reply(body=body, headers={"Content-Type": "text/xml"})
    with pytest.raises(Rejected, match=r"was not found.*--host imap\.example\.com"):
        world.mail(**world.trust)


def test_a_file_that_leads_elsewhere(world: World) -> None:
    """A redirect to plain http, to a private network or in a circle finds nothing."""
    for location in ("http://127.0.0.1:1/x", "https://localhost/x", "/mail/config-v1.1.xml"):
        world.site.replies["/mail/config-v1.1.xml"] = Reply(302, headers={"Location": location})
        with pytest.raises(Rejected, match="was not found"):
            world.mail(**world.trust)


def test_well_known_leads_to_dav(world: World) -> None:
    """Redirects are followed to what wants a sign-in or speaks WebDAV; nothing secret is sent, and nothing is sure."""
    world.site.replies = {
        "/.well-known/caldav": Reply(301, headers={"Location": "/remote.php/dav/"}),
        "/remote.php/dav/": Reply(401, headers={"WWW-Authenticate": "Basic"}),
        "/.well-known/carddav": Reply(207, headers={"DAV": "1, 3, addressbook"}, body=b"<multistatus/>"),
    }
    found = world.dav(**world.trust)
    assert found.settings == {"url": f"{world.url}/remote.php/dav/"}
    assert (found.is_sure, found.found_by) == (False, f"{world.url}/.well-known/caldav")
    assert world.dav("carddav", **world.trust).settings == {"url": f"{world.url}/.well-known/carddav"}


@pytest.mark.parametrize("status", [200, 403, 404, 405, 500])
def test_a_web_site_is_no_dav(status: int, world: World) -> None:
    """A page, a refusal or an error at the well-known URL is no calendar server; the words name Nextcloud's URL."""
    page = Reply(status, b"<!doctype html><html></html>", {"Content-Type": "text/html"})
    world.site.replies["/.well-known/caldav"] = page
    with pytest.raises(Rejected, match=r"--url URL.*remote\.php/dav"):
        world.dav(**world.trust)


def test_connectors_find_their_servers() -> None:
    """Each of them finds by its own kind what a well-known service publishes."""
    found = {
        name: spec.locate({"user": "mara@fastmail.com"}).settings
        for name, spec in connectors().items()
        # Where an organisation keeps its Exchange server, no service publishes.
        if spec.locate and spec.account != "exchange"
    }
    assert found["smtp"]["host"] == "smtp.fastmail.com"
    assert found["caldav"]["url"] == "https://caldav.fastmail.com/"
    assert found["carddav"]["url"] == "https://carddav.fastmail.com/"
    assert preset_of("fastmail.com")
    assert preset_of("example.com") is None
