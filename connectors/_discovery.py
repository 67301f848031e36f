"""Finds an account's server from its address, before anything secret is sent: by what is known, by DNS, by the web.

In this order: what well-known services publish (`_presets`); service records (RFC 6186, 8314 5.1, 6764); for mail the
autoconfig file (https://wiki.mozilla.org/Thunderbird:Autoconfiguration:ConfigFileFormat), for DAV `/.well-known` (RFC 6764 5).
Only the address's own domain is asked, never one above it, and only its name goes out, not the address. Whoever
controls the domain's records, or the way to them, can forge all but the first: so only that is sure.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from msgspec import Struct

from connectors._http import Http, Limits
from connectors._network import is_public
from connectors._presets import Kind, Preset, preset_of
from schemas.clock import Clock, FrozenClock, instant
from schemas.connector import Location
from schemas.errors import ConnectorError, Rejected

if TYPE_CHECKING:
    from dns.resolver import Resolver

Security = Literal["tls", "starttls"]

_DNS_WITHIN = timedelta(seconds=4)
_FILE = Limits(body=65_536, idle=timedelta(seconds=5), whole=timedelta(seconds=10), redirects=3)
_TARGETS = 4
_HOST = re.compile(r"(?=.{1,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]")
_PORT = re.compile(r"[0-9]{1,5}")
_PATH = re.compile(r"/(?:[A-Za-z0-9._~!$&'()*+,;=:@%-][A-Za-z0-9._~!$&'()*+,;=:@%/-]{0,200})?")
_SERVICES: Mapping[Kind, tuple[tuple[str, Security], ...]] = {
    "imap": (("_imaps._tcp", "tls"), ("_imap._tcp", "starttls")),
    "smtp": (("_submissions._tcp", "tls"), ("_submission._tcp", "starttls")),
    "caldav": (("_caldavs._tcp", "tls"),),
    "carddav": (("_carddavs._tcp", "tls"),),
    "exchange": (("_autodiscover._tcp", "tls"),),
}
_NAMES: Mapping[Kind, str] = {
    "imap": "IMAP",
    "smtp": "SMTP",
    "caldav": "CalDAV",
    "carddav": "CardDAV",
    "exchange": "Exchange",
}


class Ways(Struct, frozen=True):
    """Where is asked: the machine's own name servers unless others are named, and files by their usual URLs."""

    nameservers: tuple[str, ...] = ()
    port: int = 53
    autoconfig: tuple[str, ...] = (
        "https://autoconfig.{domain}/mail/config-v1.1.xml",
        "https://{domain}/.well-known/autoconfig/mail/config-v1.1.xml",
    )
    well_known: str = "https://{domain}/.well-known/{kind}"


USUAL = Ways()


def locate_mail(kind: Literal["imap", "smtp"], settings: Mapping[str, Any], ways: Ways = USUAL) -> Location:
    """Where mail of an address is read, or handed over: `host`, `port` and `security`.

    Raises:
        Rejected: nothing was found, or what was is no use; says what to give instead.
    """
    domain = domain_of(settings, "--host")
    preset = preset_for(kind, domain)
    if preset is not None and kind in preset.mail:
        host, port, security = preset.mail[kind]
        return Location(_mail_settings(host, port, security), _published(preset), is_sure=True)
    names = Names(ways, allow_private=bool(settings.get("allow_private")))
    for host, port, security in names.services(kind, domain):
        return Location(_mail_settings(host, port, security), f"the service records of {domain}")
    for url in ways.autoconfig:
        source = url.format(domain=domain)
        for host, port, security in _servers_in(_fetched(source, settings), kind, domain):
            names.see(host)
            return Location(
                _mail_settings(host, port, security), f"the file {urlsplit(source).netloc} publishes"
            )
    raise Rejected(
        f"Where the {_NAMES[kind]} server of {domain} is was not found. Look it up in your provider's help, under "
        f"e-mail programs, and give it: --host {kind}.{domain}, or what it is called there."
    )


def locate_dav(
    kind: Literal["caldav", "carddav"], settings: Mapping[str, Any], ways: Ways = USUAL
) -> Location:
    """Where calendars or address books of an address are: `url`.

    Raises:
        Rejected: as `locate_mail`.
    """
    domain = domain_of(settings, "--url")
    preset = preset_for(kind, domain)
    if preset is not None and kind in preset.urls:
        return Location({"url": preset.urls[kind]}, _published(preset), is_sure=True)
    names = Names(ways, allow_private=bool(settings.get("allow_private")))
    for host, port, _ in names.services(kind, domain):
        path = names.path(kind, domain) or f"/.well-known/{kind}"
        at = host if port == 443 else f"{host}:{port}"
        return Location({"url": f"https://{at}{path}"}, f"the service records of {domain}")
    source = ways.well_known.format(domain=domain, kind=kind)
    found = _dav_behind(source, settings)
    if found:
        return Location({"url": found}, source)
    raise Rejected(
        f"Where the {_NAMES[kind]} server of {domain} is was not found. Look its URL up in your provider's help and give "
        "it: --url URL. That of a Nextcloud is https://cloud.example.com/remote.php/dav/, with its own name."
    )


# --- the address ------------------------------------------------------------------------------------------------------


def domain_of(settings: Mapping[str, Any], option: str) -> str:
    """The domain of the address that signs in, in ASCII; `option` is what to give instead of one.

    Raises:
        Rejected: there is no address.
    """
    given = (str(settings.get(name) or "") for name in ("user", "from"))
    address = next((text for text in given if "@" in text), "")
    domain = address.rpartition("@")[2].strip().rstrip(".").lower()
    try:
        domain = domain.encode("idna").decode("ascii")
    except UnicodeError:
        domain = ""
    if not _HOST.fullmatch(domain):
        raise Rejected(
            f"Where the server is cannot be told without an address. Give --user ADDRESS, or {option}."
        )
    return domain


def preset_for(kind: Kind, domain: str) -> Preset | None:
    """What a well-known service publishes.

    Raises:
        Rejected: it does not offer this kind; says what to do instead.
    """
    preset = preset_of(domain)
    if preset is not None and kind in preset.instead:
        raise Rejected(f"{preset.instead[kind]}.")
    return preset


def _published(preset: Preset) -> str:
    return f"what {preset.name} publishes" + (f" ({preset.hint})" if preset.hint else "")


def _mail_settings(host: str, port: int, security: Security) -> Mapping[str, Any]:
    return {"host": host, "port": port, "security": security}


# --- names ------------------------------------------------------------------------------------------------------------


class Names:
    """The domain name system, asked a few things at most, each for a few seconds."""

    def __init__(self, ways: Ways, *, allow_private: bool) -> None:
        self._ways = ways
        self._allow_private = allow_private
        self._resolver: Resolver | None = None

    def services(self, kind: Kind, domain: str) -> Iterator[tuple[str, int, Security]]:
        """The servers that service records name (RFC 2782), best first, encrypted from the first byte before others.

        Raises:
            Rejected: the domain says that it has none, or names one in a private network, which was not allowed.
        """
        is_none_said = False
        for service, security in _SERVICES[kind]:
            records = sorted(
                self._ask(f"{service}.{domain}", "SRV"),
                key=lambda one: (one.priority, -one.weight, one.target.to_text()),
            )
            for record in records[:_TARGETS]:
                host = record.target.to_text(omit_final_dot=True).lower()
                # A lone dot says "not here" (RFC 2782).
                is_none_said |= not record.target.labels[:-1]
                if _HOST.fullmatch(host) and record.port and self.see(host):
                    yield host, int(record.port), security
        if is_none_said:
            raise Rejected(
                f"{domain} says that it has no {_NAMES[kind]} server. If there is one nevertheless, name it: --host HOST, "
                "or --url URL."
            )

    def path(self, kind: Kind, domain: str) -> str:
        """The path that a TXT record beside the service record gives (RFC 6764 4); empty without one of use."""
        for record in self._ask(f"{_SERVICES[kind][0][0]}.{domain}", "TXT")[:_TARGETS]:
            text = b"".join(record.strings).decode("latin-1")
            path = text.removeprefix("path=")
            if path != text and _PATH.fullmatch(path):
                return path
        return ""

    def aliases(self, host: str) -> list[str]:
        """What a name stands for, where it is an alias."""
        return [one.target.to_text(omit_final_dot=True).lower() for one in self._ask(host, "CNAME")]

    def see(self, host: str) -> bool:
        """Whether a host is there.

        Raises:
            Rejected: it is in a private network, which was not allowed.
        """
        found = [str(one.address) for kind in ("A", "AAAA") for one in self._ask(host, kind)]
        if found and not self._allow_private and not all(map(is_public, found)):
            raise Rejected(
                f"What was found leads to {host}, which is in a private network or on this machine. If it is yours, say "
                "so: --host or --url, with --allow-private."
            )
        return bool(found)

    def _ask(self, name: str, kind: str) -> list[Any]:
        """The records of a name; none when there are none, or nobody answers."""
        import dns.exception  # noqa: PLC0415  # only what looks for a server pays for it
        import dns.resolver  # noqa: PLC0415

        try:
            if self._resolver is None:
                self._resolver = dns.resolver.Resolver(configure=not self._ways.nameservers)
                if self._ways.nameservers:
                    self._resolver.nameservers = list(self._ways.nameservers)
                    self._resolver.port = self._ways.port
            answer = self._resolver.resolve(
                name, kind, lifetime=_DNS_WITHIN.total_seconds(), search=False, raise_on_no_answer=False
            )
        except dns.exception.DNSException:
            return []
        return list(answer.rrset or ())


# --- files ------------------------------------------------------------------------------------------------------------


class Asker(Struct, frozen=True):
    """Who asks for a file: with the account's settings, and in no hurry that a clock would be needed for."""

    settings: Mapping[str, Any]
    clock: Clock = FrozenClock(instant(0))


def _fetched(url: str, settings: Mapping[str, Any]) -> bytes:
    """A small file, or nothing."""
    http = Http(Asker(settings), base=url, limits=_FILE)
    try:
        return http.request("GET", url, expect="xml").body
    except ConnectorError:
        return b""
    finally:
        http.close()


def _servers_in(body: bytes, kind: Kind, domain: str) -> Iterator[tuple[str, int, Security]]:
    """The servers of a kind that an autoconfig file names, those encrypted from the first byte first."""
    from lxml import etree  # type: ignore[import-untyped]  # noqa: PLC0415  # lxml ships no types

    # No document type, hence no entity to blow up or to fetch (CWE-776, CWE-611); another encoding could hide one.
    if not body or b"<!DOCTYPE" in body:
        return
    parser = etree.XMLParser(
        encoding="utf-8", resolve_entities=False, load_dtd=False, no_network=True, huge_tree=False
    )
    try:
        root = etree.fromstring(body, parser)
    except etree.XMLSyntaxError:
        return
    role = "incoming" if kind == "imap" else "outgoing"
    offers = root.findall(f"./emailProvider/{role}Server[@type='{kind}']")
    for wanted, security in (("SSL", "tls"), ("STARTTLS", "starttls")):
        for offer in offers[:_TARGETS]:
            host = (offer.findtext("hostname") or "").strip().lower().replace("%emaildomain%", domain)
            port = (offer.findtext("port") or "").strip()
            is_usable = _HOST.fullmatch(host) and _PORT.fullmatch(port) and 0 < int(port) < 65_536
            ways_in = {(one.text or "").strip().lower() for one in offer.findall("authentication")}
            if is_usable and ways_in != {"oauth2"} and offer.findtext("socketType", "").strip() == wanted:
                yield host, int(port), security  # type: ignore[misc]  # one of the two written above


def _dav_behind(url: str, settings: Mapping[str, Any]) -> str:
    """Where a well-known URL leads, if what is there speaks WebDAV or wants a sign-in; nothing secret is sent."""
    http = Http(Asker(settings), base=url, limits=_FILE)
    try:
        answer = http.request("PROPFIND", url, headers={"Depth": "0"}, allow=range(400, 600))
    except ConnectorError:
        return ""
    finally:
        http.close()
    if answer.status not in {207, 401} and "dav" not in answer.headers:
        return ""
    found = urlsplit(answer.url)
    return f"{found.scheme}://{found.netloc}{found.path or '/'}"
