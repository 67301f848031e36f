"""What each vendor is signed in to with, where that is told, and how the list of a test is taken away again."""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import quoteattr

from msgspec import Struct

from connectors._exchange import opened
from connectors._exchange_line import Line
from connectors._http import Bearer, Http
from schemas.connector import Access

LIST = "Kith live test"
"""The one list that is written to."""


class Needed(Struct, frozen=True):
    """A variable that has to be set, and what it says."""

    name: str
    says: str


class Live(Struct, frozen=True):
    """A vendor: what has to be set, what may be, and the options of `kith connect` that follow from it."""

    needed: tuple[Needed, ...]
    may: tuple[Needed, ...]
    options: Callable[[Mapping[str, str]], list[str]]
    remove: Callable[[Access, str], None]
    """Deletes a list by its id, at the vendor."""
    reads: frozenset[str]

    def missing(self, environment: Mapping[str, str]) -> list[Needed]:
        """What is not set."""
        return [one for one in self.needed if not environment.get(one.name)]


def _by_delete(root: str, path: str) -> Callable[[Access, str], None]:
    """A list is deleted by DELETE at this path of a vendor's API."""

    def remove(access: Access, one: str) -> None:
        base = str(access.settings.get("base_url") or root)
        http = Http(access, base=f"{base.rstrip('/')}/", auth=Bearer(access.secret, access.renew))
        try:
            http.request("DELETE", f"{path}/{quote(one, safe='')}", is_write=True)
        finally:
            http.close()

    return remove


def _by_ews(access: Access, one: str) -> None:
    """A folder of an Exchange server, by its key."""
    id_ = opened(access, lambda server: next(found.id for found in server.folders({}) if found.key == one))
    line = Line(access)
    try:
        line.post(
            '<?xml version="1.0" encoding="utf-8"?>'
            '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" '
            'xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages" '
            'xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types">'
            '<s:Header><t:RequestServerVersion Version="Exchange2013_SP1"/></s:Header>'
            f'<s:Body><m:DeleteFolder DeleteType="HardDelete"><m:FolderIds><t:FolderId Id={quoteattr(id_)}/>'
            "</m:FolderIds></m:DeleteFolder></s:Body></s:Envelope>".encode(),
            {"Content-Type": "text/xml; charset=utf-8"},
        )
    finally:
        line.close()


def _exchange(environment: Mapping[str, str]) -> list[str]:
    options = ["--user", environment["KITH_LIVE_EXCHANGE_USER"]]
    options += ["--password-file", environment["KITH_LIVE_EXCHANGE_PASSWORD_FILE"]]
    for name in ("url", "auth", "ca_file"):
        given = environment.get(f"KITH_LIVE_EXCHANGE_{name.upper()}")
        options += [f"--{name.replace('_', '-')}", given] if given else []
    return [*options, "--allow-private"]


LIVE = {
    "google": Live(
        (
            Needed(
                "KITH_LIVE_GOOGLE_AUTHORIZED_USER", "a file with client_id, client_secret and refresh_token"
            ),
        ),
        (),
        lambda given: ["--authorized-user", given["KITH_LIVE_GOOGLE_AUTHORIZED_USER"]],
        _by_delete("https://tasks.googleapis.com", "tasks/v1/users/@me/lists"),
        frozenset({"mail", "calendar", "contacts", "tasks"}),
    ),
    "microsoft": Live(
        (Needed("KITH_LIVE_MICROSOFT_TOKEN_CACHE", "a file with msal's serialised cache of one account"),),
        (Needed("KITH_MICROSOFT_CLIENT_SECRET_FILE", "the client's secret, where it has one"),),
        lambda given: ["--token-cache", given["KITH_LIVE_MICROSOFT_TOKEN_CACHE"]],
        _by_delete("https://graph.microsoft.com", "v1.0/me/todo/lists"),
        frozenset({"mail", "calendar", "contacts", "tasks"}),
    ),
    "exchange": Live(
        (
            Needed("KITH_LIVE_EXCHANGE_USER", "who signs in, such as mara@example.com"),
            Needed("KITH_LIVE_EXCHANGE_PASSWORD_FILE", "a file with the password"),
        ),
        (
            Needed("KITH_LIVE_EXCHANGE_URL", "https://…/EWS/Exchange.asmx; else it is looked for"),
            Needed("KITH_LIVE_EXCHANGE_AUTH", "ntlm or basic; else the server is asked"),
            Needed("KITH_LIVE_EXCHANGE_CA_FILE", "the organisation's authority"),
        ),
        _exchange,
        _by_ews,
        frozenset({"mail", "calendar", "contacts", "tasks"}),
    ),
    "todoist": Live(
        (Needed("KITH_LIVE_TODOIST_TOKEN_FILE", "a file with the token"),),
        (),
        lambda given: ["--token-file", given["KITH_LIVE_TODOIST_TOKEN_FILE"]],
        _by_delete("https://api.todoist.com/api/v1", "projects"),
        frozenset({"tasks"}),
    ),
}


def settings_of(environment: Mapping[str, Any]) -> dict[str, str]:
    """The settings of Kith that a live test runs with: those of the vendors, as they are set."""
    kept = ("KITH_GOOGLE_", "KITH_MICROSOFT_", "KITH_GRAPH_", "KITH_TODOIST_")
    return {name: value for name, value in environment.items() if name.startswith(kept)}


__all__ = ["LIST", "LIVE", "Live", "Needed", "settings_of"]
