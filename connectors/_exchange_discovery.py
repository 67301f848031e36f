"""Finds an Exchange server from an address, with nothing that could sign anybody in.

In this order: Autodiscover v2, which answers without a sign-in (Exchange 2016 and later); then, at the hosts where
organisations keep their servers, whether EWS itself is there: it asks for a sign-in in its own way. The older Autodiscover
is left aside, as it wants the password first, from whoever answers under a guessed name; and no answer over plain http is
believed. Only hosts of the address's own domain are asked, and the one that its service record names. What they say could
be forged by whoever controls them, so the owner confirms the host before anything secret goes there.

Microsoft 365 is told apart by where this leads, and refused.
"""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import quote, urlsplit

import msgspec
from msgspec import Struct

from connectors._discovery import USUAL, Asker, Names, Ways, domain_of, preset_for
from connectors._exchange_line import ONLINE, is_online, is_online_by, offers_of
from connectors._http import Answer, Http, Limits
from schemas.connector import Location
from schemas.errors import ConnectorError, Rejected

_QUICK = Limits(body=65_536, idle=timedelta(seconds=5), whole=timedelta(seconds=10))
_PATH = "/EWS/Exchange.asmx"


class _Found(Struct):
    """What Autodiscover v2 answers."""

    Url: str = ""


class Places(Struct, frozen=True):
    """Where is asked: hosts by the domain, over https."""

    hosts: tuple[str, ...] = ("autodiscover.{domain}", "mail.{domain}", "{domain}")
    ways: Ways = USUAL


EVERYWHERE = Places()


def locate_exchange(settings: Mapping[str, Any], places: Places = EVERYWHERE) -> Location:
    """Where the mailbox of an address is asked: `url`.

    Raises:
        Rejected: nothing was found, or it is Microsoft 365; says what to give instead.
    """
    domain = domain_of(settings, "--url")
    preset_for("exchange", domain)
    address = str(settings.get("user") or "")
    hosts = list(dict.fromkeys(_hosts(domain, settings, places)))
    for host in hosts:
        url = _named(host, address, settings)
        if url:
            return Location({"url": url}, f"what {host} publishes (Autodiscover)")
    for host in hosts:
        url = f"https://{host}{_PATH}"
        if _is_ews(url, settings):
            return Location({"url": url}, f"a look at {host}")
    raise Rejected(
        f"Where the Exchange server of {domain} is was not found. Whoever runs it knows; so does Outlook, under Test E-mail "
        f"AutoConfiguration (Availability Service URL). Give it: --url https://HOST{_PATH}"
    )


def _hosts(domain: str, settings: Mapping[str, Any], places: Places) -> Iterator[str]:
    names = Names(places.ways, allow_private=bool(settings.get("allow_private")))
    for host, port, _ in names.services("exchange", domain):
        if is_online(host):
            raise Rejected(ONLINE)
        yield host if port == 443 else f"{host}:{port}"
    for one in places.hosts:
        host = one.format(domain=domain)
        if any(map(is_online, names.aliases(host))):
            raise Rejected(ONLINE)
        yield host


def _named(host: str, address: str, settings: Mapping[str, Any]) -> str:
    """The URL that Autodiscover v2 names, if it is there and its answer makes sense."""
    url = f"https://{host}/autodiscover/autodiscover.json?Email={quote(address)}&Protocol=EWS"
    answer = _asked("GET", url, settings)
    if answer is None or answer.status != 200:
        return ""
    try:
        found = msgspec.json.decode(answer.body, type=_Found).Url
        parts = urlsplit(found)
        there = parts.hostname or ""
    except (msgspec.DecodeError, ValueError):
        return ""
    if is_online(there):
        raise Rejected(ONLINE)
    return found if parts.scheme == "https" and there and "@" not in parts.netloc else ""


def _is_ews(url: str, settings: Mapping[str, Any]) -> bool:
    """Whether EWS asks for a sign-in there, in one of the ways that Exchange has."""
    answer = _asked("POST", url, settings)
    return (
        answer is not None
        and answer.status == 401
        and bool(offers_of(answer) & {"ntlm", "negotiate", "basic"})
    )


def _asked(method: str, url: str, settings: Mapping[str, Any]) -> Answer | None:
    """What is there, asked without a sign-in; None where nobody answers. A redirect is an answer, and is not followed."""
    http = Http(Asker(settings), base=url, limits=_QUICK)
    try:
        answer = http.request(method, url, allow=range(200, 600))
    except ConnectorError:
        return None
    finally:
        http.close()
    where = urlsplit(answer.headers.get("location", "")).hostname or ""
    if is_online_by(answer) or is_online(where):
        raise Rejected(ONLINE)
    return answer
