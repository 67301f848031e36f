"""Where the servers of well-known mail services are, as those publish it: by the domain of an address, never by its MX.

Read 2026-11 at help.runbox.com/email-program-settings, kb.mailbox.org (E-mail configuration) and infomaniak.com
(support, Mail); the others are such as several mail and calendar programs carry in the same words. What they differ
about is left out: a wrong server is worse than none.
"""

from collections.abc import Mapping
from functools import cache
from typing import Literal

from msgspec import Struct

Kind = Literal["imap", "smtp", "caldav", "carddav", "exchange"]
Mail = tuple[str, int, Literal["tls", "starttls"]]


class Preset(Struct, frozen=True, kw_only=True):
    """A service: its servers by kind, what to know of its passwords, and what to do where it offers a kind no more."""

    name: str
    domains: tuple[str, ...]
    mail: Mapping[Kind, Mail] = {}
    urls: Mapping[Kind, str] = {}
    hint: str = ""
    instead: Mapping[Kind, str] = {}


_APP_PASSWORD = "it wants an app password, made in the account's security settings"  # noqa: S105  # words, no password
_APP_PASSWORD_WITH_2FA = "with two-factor sign-in it wants an app password"  # noqa: S105
_SWITCHED_ON = "access by other programs must first be switched on in its settings"

_GOOGLE = (
    "Google lets other programs at calendars and contacts by its own sign-in alone: kith connect google. Without it: a "
    "calendar's secret address in iCal format as a feed (kith connect caldav --url URL), contacts from an export (kith "
    "import FILE)"
)
_MICROSOFT = (
    "Microsoft takes no password from other programs any more. Connect it by its own sign-in: kith connect microsoft. "
    "Without that: a published calendar as a feed (kith connect caldav --url URL), mail and contacts from an export (kith "
    "import FILE)"
)
_PROTON = (
    "Proton gives mail to other programs only through its Bridge, on this machine. With the Bridge running, take user, "
    "password and port from it, and its certificate, exported to a file: --host 127.0.0.1 --port {} --security "
    "starttls --allow-private"
)
_PROTON_DAV = "Proton offers no CalDAV or CardDAV. Export calendar and contacts there, and read the files: kith import FILE"
_ZOHO = (
    "Zoho keeps each account at one of its data centres, which the address does not tell. Look the server up in Zoho "
    "Mail's settings (imap.zoho.com or imap.zoho.eu, say), switch access on there, and give it: --host HOST"
)
_TUTA = "Tuta lets no other program at mail, calendar or contacts. Export them there, and read the files: kith import FILE"


def _tls(imap: str, smtp: str) -> Mapping[Kind, Mail]:
    """Hosts for reading and sending, both encrypted from the first byte (RFC 8314)."""
    return {"imap": (imap, 993, "tls"), "smtp": (smtp, 465, "tls")}


PRESETS: tuple[Preset, ...] = (
    Preset(
        name="Fastmail",
        domains=("fastmail.com", "fastmail.fm"),
        mail=_tls("imap.fastmail.com", "smtp.fastmail.com"),
        urls={"caldav": "https://caldav.fastmail.com/", "carddav": "https://carddav.fastmail.com/"},
        hint=_APP_PASSWORD,
    ),
    Preset(
        name="Apple",
        domains=("icloud.com", "me.com", "mac.com"),
        mail={"imap": ("imap.mail.me.com", 993, "tls"), "smtp": ("smtp.mail.me.com", 587, "starttls")},
        urls={"caldav": "https://caldav.icloud.com/", "carddav": "https://contacts.icloud.com/"},
        hint="it wants an app-specific password, made at account.apple.com",
    ),
    Preset(
        name="Yahoo",
        domains=(
            "yahoo.com",
            "yahoo.co.uk",
            "yahoo.de",
            "yahoo.fr",
            "yahoo.es",
            "yahoo.it",
            "yahoo.ca",
            "ymail.com",
            "rocketmail.com",
        ),
        mail=_tls("imap.mail.yahoo.com", "smtp.mail.yahoo.com"),
        urls={"caldav": "https://caldav.calendar.yahoo.com/"},
        hint=_APP_PASSWORD,
    ),
    Preset(
        name="AOL",
        domains=("aol.com", "aim.com"),
        mail=_tls("imap.aol.com", "smtp.aol.com"),
        hint=_APP_PASSWORD,
    ),
    Preset(
        name="GMX",
        domains=("gmx.net", "gmx.de", "gmx.at", "gmx.ch"),
        mail=_tls("imap.gmx.net", "mail.gmx.net"),
        urls={"caldav": "https://caldav.gmx.net/", "carddav": "https://carddav.gmx.net/"},
        hint=f"{_SWITCHED_ON}; {_APP_PASSWORD_WITH_2FA}",
    ),
    Preset(
        name="GMX",
        domains=("gmx.com",),
        mail=_tls("imap.gmx.com", "mail.gmx.com"),
        hint=f"{_SWITCHED_ON}; {_APP_PASSWORD_WITH_2FA}",
    ),
    Preset(
        name="WEB.DE",
        domains=("web.de",),
        mail={"imap": ("imap.web.de", 993, "tls"), "smtp": ("smtp.web.de", 587, "starttls")},
        urls={"caldav": "https://caldav.web.de/", "carddav": "https://carddav.web.de/"},
        hint=f"{_SWITCHED_ON}; {_APP_PASSWORD_WITH_2FA}",
    ),
    Preset(
        name="mailbox.org",
        domains=("mailbox.org",),
        mail=_tls("imap.mailbox.org", "smtp.mailbox.org"),
        urls={"caldav": "https://dav.mailbox.org/", "carddav": "https://dav.mailbox.org/"},
        hint=_APP_PASSWORD_WITH_2FA,
    ),
    Preset(
        name="Posteo",
        domains=("posteo.de", "posteo.net", "posteo.org", "posteo.eu", "posteo.at", "posteo.ch"),
        mail=_tls("posteo.de", "posteo.de"),
        urls={"caldav": "https://posteo.de:8443/", "carddav": "https://posteo.de:8843/"},
    ),
    Preset(
        name="Zoho",
        domains=("zoho.com", "zohomail.com", "zoho.eu", "zohomail.eu"),
        instead=dict.fromkeys(("imap", "smtp"), _ZOHO),
    ),
    Preset(
        name="T-Online",
        domains=("t-online.de", "magenta.de"),
        mail=_tls("secureimap.t-online.de", "securesmtp.t-online.de"),
        hint="it wants the password for e-mail programs, which is another than that of the customer account",
    ),
    Preset(
        name="Infomaniak",
        domains=("ik.me", "etik.com", "ikmail.com"),
        mail=_tls("mail.infomaniak.com", "mail.infomaniak.com"),
        hint="it wants the password of the address, which may be another than that of the Infomaniak account",
    ),
    Preset(
        name="Runbox",
        domains=("runbox.com", "runbox.no"),
        mail=_tls("mail.runbox.com", "mail.runbox.com"),
        hint="the user there is what stands before the @",
    ),
    Preset(
        name="Google",
        domains=("gmail.com", "googlemail.com"),
        mail=_tls("imap.gmail.com", "smtp.gmail.com"),
        hint="it wants an app password, made at myaccount.google.com/apppasswords once 2-step sign-in is on",
        instead={"caldav": _GOOGLE, "carddav": _GOOGLE},
    ),
    Preset(
        name="Microsoft",
        domains=(
            "outlook.com",
            "outlook.de",
            "outlook.fr",
            "hotmail.com",
            "hotmail.co.uk",
            "hotmail.de",
            "hotmail.fr",
            "live.com",
            "live.co.uk",
            "msn.com",
        ),
        instead={
            **dict.fromkeys(("imap", "smtp", "caldav", "carddav"), _MICROSOFT),
            "exchange": "Microsoft's own service is no server of one's own. Connect it by Microsoft's sign-in: kith connect microsoft",
        },
    ),
    Preset(
        name="Proton",
        domains=("proton.me", "protonmail.com", "pm.me"),
        instead={
            "imap": _PROTON.format(1143),
            "smtp": _PROTON.format(1025),
            "caldav": _PROTON_DAV,
            "carddav": _PROTON_DAV,
        },
    ),
    Preset(
        name="Tuta",
        domains=("tuta.com", "tutanota.com", "tutanota.de", "tuta.io", "tutamail.com", "keemail.me"),
        instead=dict.fromkeys(("imap", "smtp", "caldav", "carddav"), _TUTA),
    ),
)


@cache
def _by_domain() -> Mapping[str, Preset]:
    return {domain: preset for preset in PRESETS for domain in preset.domains}


def preset_of(domain: str) -> Preset | None:
    """The service whose addresses end in this domain."""
    return _by_domain().get(domain)
