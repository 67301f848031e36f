"""The hard keys: what makes two addresses, profiles or phones the same one.

Never by display name, which anybody can write.
"""

from functools import lru_cache

from schemas.ids import key64

OWNER_KEY = 0
"""Stands for the owner wherever an identity key is asked for."""

_DOTLESS = frozenset({"gmail.com", "googlemail.com"})

FREE_MAIL = frozenset(
    """aol.com att.net bluewin.ch btinternet.com comcast.net duck.com fastmail.com fastmail.fm free.fr freenet.de
    gmail.com gmx.at gmx.ch gmx.com gmx.de gmx.net googlemail.com hey.com hotmail.co.uk hotmail.com hotmail.de
    hotmail.es hotmail.fr hotmail.it hushmail.com icloud.com inbox.com laposte.net libero.it live.co.uk live.com
    live.de live.fr live.nl mac.com mail.com mail.de mail.ru mailbox.org me.com mozmail.com msn.com naver.com
    online.de orange.fr outlook.com outlook.de outlook.es outlook.fr pm.me posteo.de posteo.net privaterelay.appleid.com
    proton.me protonmail.com qq.com rocketmail.com runbox.com sbcglobal.net sfr.fr t-online.de tutanota.com tuta.io
    verizon.net virgilio.it wanadoo.fr web.de yahoo.co.in yahoo.co.jp yahoo.co.uk yahoo.com yahoo.de yahoo.es
    yahoo.fr yahoo.it yandex.com yandex.ru ymail.com zoho.com 126.com 163.com""".split()
)
"""Domains whose users are not colleagues of each other."""


@lru_cache(maxsize=65_536)
def mailbox_key(address: str) -> str:
    """The address under which two spellings are one mailbox: lower case; Gmail ignores dots and `+tag`.

    Only gmail.com and googlemail.com ignore dots, and are one domain. Elsewhere a `+tag` may be literal, so it stays.
    """
    address = address.strip().lower()
    local, at, domain = address.rpartition("@")
    if not at:
        return address
    if domain in _DOTLESS:
        local = local.partition("+")[0].replace(".", "")
        return f"{local}@gmail.com"
    return address


@lru_cache(maxsize=65_536)
def own_mailbox_key(address: str) -> str:
    """The same, with any `+tag` cut: mail to the owner's own `me+shop@…` is the owner's."""
    local, at, domain = mailbox_key(address).rpartition("@")
    return f"{local.partition('+')[0]}{at}{domain}"


@lru_cache(maxsize=131_072)
def email_key(address: str) -> int:
    """The identity key of an address."""
    return key64("email", mailbox_key(address))


def identity_key(kind: str, value: str) -> int:
    """The identity key of any kind of identity."""
    return email_key(value) if kind == "email" else key64(kind, value)


def domain_of(address: str) -> str:
    """What follows the last `@`; empty without one."""
    return address.rpartition("@")[2] if "@" in address else ""


def organisation_domain(address: str) -> str | None:
    """The domain when it says where somebody works, None for free mail."""
    domain = domain_of(address)
    return None if not domain or domain in FREE_MAIL else domain
