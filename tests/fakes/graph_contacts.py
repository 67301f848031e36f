"""Contacts of one mailbox at Microsoft Graph, with state: folders, of which the default one is not listed, and their deltas.

https://learn.microsoft.com/graph/api/contact-delta and contactfolder-delta as of 2026-11. `me/contacts/delta` takes no option,
as a live probe showed. What the vendor's pages leave open a test chooses: `knows_default_by_name` (whether the default folder
answers to `contacts` in a path), `lists_default`, `is_partial` and `repeats` (`graph_lists.Lists`).
"""

import base64
from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from schemas.clock import Clock
from tests.fakes.api import Json, Reply, Request
from tests.fakes.graph import (
    VERSION,
    Mailbox,
    allows,
    has_immutable_ids,
    link,
    refuse,
    selected,
)
from tests.fakes.graph_lists import NOW, Lists, Walk, projected

READ = ("Contacts.Read", "Contacts.ReadWrite")
DEFAULT = "AQMkAD/RGVmYXVsdA=+="
_CONTACT = frozenset(
    """id parentFolderId changeKey createdDateTime lastModifiedDateTime displayName givenName middleName surname nickName
    fileAs title initials generation emailAddresses businessPhones mobilePhone homePhones companyName department jobTitle
    officeLocation profession businessHomePage categories birthday personalNotes imAddresses""".split()
)


class Kept(Struct):
    """A contact: its folder, what it says, and when it changed."""

    id: str
    folder: str
    props: Json
    revision: int = 0
    changed: frozenset[str] = frozenset()
    is_gone: bool = False


class _Walk(Walk, kw_only=True):
    """What was chosen too."""

    select: frozenset[str]


class GraphContacts(Lists):
    """One mailbox's contacts. Every method but `serves` and `answer` is a test's, or the hands of people."""

    scopes = READ

    def __init__(self, clock: Clock | None = None, mailbox: Mailbox | None = None) -> None:
        super().__init__(clock, mailbox)
        self.knows_default_by_name = True
        self.lists_default = False
        self.contacts: dict[str, Kept] = {}
        self.folders: dict[str, str] = {DEFAULT: "Contacts"}
        self._log: list[Kept] = []

    # ------ hands

    def add_folder(self, name: str) -> str:
        """One more folder; its id."""
        one = f"AQMkAD/{base64.b64encode(name.encode()).decode()}+="
        self.folders[one] = name
        return one

    def delete_folder(self, one: str) -> None:
        for contact in [contact for contact in self.contacts.values() if contact.folder == one]:
            self.delete(contact.id)
        del self.folders[one]

    def add(self, name: str, emails: Sequence[str] = (), *, folder: str = DEFAULT, **more: Any) -> str:
        """A contact; its id."""
        self._made += 1
        props = {
            "displayName": name,
            "givenName": None,
            "middleName": None,
            "surname": None,
            "nickName": None,
            "fileAs": name,
            "emailAddresses": [{"name": name, "address": address} for address in emails],
            "businessPhones": [],
            "mobilePhone": None,
            "homePhones": [],
            "companyName": None,
            "jobTitle": None,
            "businessHomePage": None,
            "categories": [],
            "birthday": "1980-04-15T11:59:00Z",
            "personalNotes": "nobody's business",
            **more,
        }
        one = f"AAkALg/{base64.b64encode(f'C{self._made:08d}'.encode()).decode()}+="
        self.contacts[one] = Kept(one, folder, props)
        self._touch(self.contacts[one])
        return one

    def change(self, one: str, **props: Any) -> None:
        """Change properties of a contact."""
        contact = self.contacts[one]
        contact.props |= props
        self._touch(contact, frozenset(props))

    def delete(self, one: str) -> None:
        """Delete a contact."""
        contact = self.contacts.pop(one)
        contact.is_gone = True
        self._touch(contact)

    def put_into(self, one: str, folder: str) -> None:
        """Move a contact to another folder; its immutable id stays."""
        contact = self.contacts.pop(one)
        contact.is_gone = True
        self._touch(contact)
        self.contacts[one] = Kept(one, folder, dict(contact.props))
        self._touch(self.contacts[one])

    def _touch(self, contact: Kept, changed: frozenset[str] = frozenset()) -> None:
        self._revision += 1
        contact.revision, contact.changed = self._revision, changed
        self.told("me/contacts")
        if contact not in self._log:
            self._log.append(contact)

    # ------ the wire

    def serves(self, path: str, /) -> bool:
        """Contacts and their folders."""
        return path.removeprefix(VERSION).startswith("/me/contact")

    def _answer(self, request: Request, path: list[str]) -> Reply:
        match path:
            case ["contactFolders", "delta"]:
                allows(request, {"$select", "$deltatoken", "$skiptoken"})
                shown = {
                    one: name for one, name in self.folders.items() if one != DEFAULT or self.lists_default
                }
                rows = [
                    {"id": one, "displayName": name, "parentFolderId": "root"} for one, name in shown.items()
                ]
                there = link(self._server, ["me", *path], "deltatoken", self.tokens.make(None))
                return Reply(200, {"value": rows, "@odata.deltaLink": there})
            case ["contacts", "delta"]:
                allows(request, {"$deltatoken", "$skiptoken"})
                return self._contacts_delta(request, ["me", *path], DEFAULT)
            case ["contactFolders", folder, "contacts", "delta"]:
                allows(request, {"$select", "$deltatoken", "$skiptoken"})
                return self._contacts_delta(request, ["me", *path], self._folder(folder))
            case ["contacts", one]:
                return self._one(request, one, None)
            case ["contactFolders", folder, "contacts", one]:
                return self._one(request, one, self._folder(folder))
            case _:
                raise refuse(400, "BadRequest", "Resource not found for the segment.")

    def _folder(self, one: str) -> str:
        if one == "contacts" and self.knows_default_by_name:
            return DEFAULT
        if one not in self.folders:
            raise refuse(404, "ErrorItemNotFound", "The specified folder could not be found in the store.")
        return one

    def _one(self, request: Request, one: str, folder: str | None) -> Reply:
        allows(request, {"$select"})
        contact = self.contacts.get(one)
        if contact is None or folder not in {None, contact.folder}:
            raise refuse(404, "ErrorItemNotFound", "The specified object was not found in the store.")
        return Reply(200, self._row(contact, request, selected(request, _CONTACT)))

    def _contacts_delta(self, request: Request, path: list[str], folder: str) -> Reply:
        def begin() -> _Walk:
            return _Walk(folder, self._revision, select=selected(request, _CONTACT))

        return self._delta(request, path, folder, begin, self._all, self._changed)

    def _all(self, walk: _Walk, request: Request) -> list[list[Json]]:
        return [
            [self._row(contact, request, walk.select)]
            for contact in self.contacts.values()
            if contact.folder == walk.of
        ]

    def _changed(self, walk: _Walk, request: Request) -> list[list[Json]]:
        rows: list[Json] = []
        for contact in sorted(self._log, key=lambda contact: contact.revision):
            if contact.folder != walk.of or contact.revision <= walk.revision:
                continue
            if contact.is_gone:
                rows.append({"id": contact.id, "@removed": {"reason": "deleted"}})
                continue
            row = self._row(contact, request, walk.select)
            if self.is_partial and contact.changed:
                row = {name: value for name, value in row.items() if name == "id" or name in contact.changed}
            rows.append(row)
        return [[row] for row in rows]

    def _row(self, contact: Kept, request: Request, select: frozenset[str]) -> Json:
        row = {
            "@odata.etag": f'W/"{contact.revision:08d}"',
            "id": contact.id if has_immutable_ids(request) else f"R{contact.id}",
            "parentFolderId": contact.folder,
            "changeKey": f"{contact.revision:08d}",
            "createdDateTime": "2026-01-01T00:00:00Z",
            "lastModifiedDateTime": f"{NOW:%Y-%m-%dT%H:%M:%S}.{contact.revision:07d}Z",
            **contact.props,
        }
        return self.garble(projected(row, select))
