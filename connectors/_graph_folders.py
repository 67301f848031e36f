"""The folders of a mailbox at Microsoft Graph: which there are, what each is for, and which are read when nobody chose.

What a folder is for is told by its well-known name, asked for by id: the names that people see are in their language
(https://learn.microsoft.com/graph/api/resources/mailfolder, read 2026-11).
"""

from collections.abc import Collection, Iterable, Mapping
from urllib.parse import quote

import msgspec
from msgspec import Raw, Struct, field

from connectors._graph import Ask, Graph, Rows
from connectors._graph_mail_state import Place, State
from connectors._graph_rows import id_of
from connectors._mail_text import clean
from schemas.connector import Unreadable
from schemas.errors import CursorExpired, Missing, Rejected, Transient

DELTA = "me/mailFolders/delta"
SELECT = "id,displayName,parentFolderId,isHidden,totalItemCount"
MOST_FOLDERS = 10_000
_ROLES = {
    "inbox": "inbox",
    "sentitems": "sent",
    "archive": "archive",
    "drafts": "drafts",
    "deleteditems": "trash",
    "junkemail": "junk",
    "outbox": "outbox",
    "conversationhistory": "chats",
    "recoverableitemsdeletions": "purged",
    "searchfolders": "views",
    "syncissues": "faults",
    "scheduled": "outbox",
}
"""Well-known names, and what we call what they are for."""
_LEFT_OUT = frozenset({"drafts", "trash", "junk", "outbox", "chats", "purged", "views", "faults"})
_VIEW = "#microsoft.graph.mailsearchfolder"
_DEPTH = 100
_STRANGE = "it is not as Microsoft's pages say"


class _Row(Struct, frozen=True, rename="camel"):
    """A folder, or what of it has changed."""

    id: str
    kind: str = field(default="", name="@odata.type")
    removed: Raw = field(default=Raw(), name="@removed")
    display_name: str | None = None
    parent_folder_id: str | None = None
    is_hidden: bool | None = None
    total_item_count: int | None = None


class Folder(Struct, frozen=True):
    """A folder as it is read: its id, its name with those of the folders around it, and what it is for."""

    id: str
    path: str
    role: str = ""

    @property
    def way(self) -> str:
        """Where it is asked for."""
        return f"me/mailFolders/{quote(self.id, safe='')}"


def folders_ask(state: State) -> Ask:
    """The request that tells which folders have come, changed or gone since the last look."""
    return Ask(state.tree_link or DELTA, query={} if state.tree_link else {"$select": SELECT})


def see_folders(graph: Graph, state: State, first: Rows | None) -> list[Unreadable]:
    """Take in what has become of the folders; `first` is the answer to `folders_ask`, None where that delta ended.

    Returns:
        The rows that tell of no folder: one that was known stays as it was.

    Raises:
        Rejected: there are more than anybody has.
    """
    tree = dict(state.tree) if first is not None and state.tree_link else {}
    known = set(state.tree)
    strange: list[Unreadable] = []
    try:
        begin = first if first is not None else graph.get(DELTA, Rows, {"$select": SELECT})
        for page in graph.pages_from(begin):
            for place, row in enumerate(page.value, 1):
                if _take(row, tree):
                    continue
                one = id_of(row)
                if one in state.tree:
                    tree[one] = state.tree[one]
                where = f"folder …{one[-24:]}" if one else f"row {place} of a page"
                strange.append(Unreadable(f"the list of mail folders, {where}", _STRANGE))
            if len(tree) > MOST_FOLDERS:
                raise Rejected(
                    f"The mailbox has more than {MOST_FOLDERS:,} folders. Kith reads no such account."
                )
    except CursorExpired as fault:
        if first is None:
            raise Transient("Microsoft has no list of folders to begin with. Kith tries again.") from fault
        return see_folders(graph, state, None)
    state.tree, state.tree_link = tree, page.delta_link
    if not state.roles or not tree.keys() <= known:
        _ask_roles(graph, state)
    return strange


def _take(raw: Raw, tree: dict[str, Place]) -> bool:
    """Note what a row says; whether it can be read."""
    try:
        row = msgspec.json.decode(raw, type=_Row)
    except (msgspec.DecodeError, RecursionError):
        return False
    if bytes(row.removed):
        tree.pop(row.id, None)
        return True
    before = tree.get(row.id, Place(""))
    is_apart = before.is_apart if row.is_hidden is None else row.is_hidden
    tree[row.id] = Place(
        before.name if row.display_name is None else clean(row.display_name)[:200],
        row.parent_folder_id or before.parent,
        is_apart or row.kind.lower() == _VIEW,
        before.count if row.total_item_count is None else max(0, row.total_item_count),
    )
    return True


def _ask_roles(graph: Graph, state: State) -> None:
    asks = [Ask(f"me/mailFolders/{name}", query={"$select": "id"}) for name in _ROLES]
    for name, said in zip(_ROLES, graph.batch(asks), strict=True):
        if isinstance(said.error, Rejected):
            # Not every mailbox has every one of them; a name that Graph does not know is none either.
            continue
        state.roles.setdefault(said.read(_Row).id, _ROLES[name])


def all_folders(state: State) -> list[Folder]:
    """Every folder, INBOX and Sent first; what is below one that is for something is for the same."""
    found = [_folder(one, state.tree, state.roles) for one in state.tree]
    first = {"inbox": 0, "sent": 1}
    return sorted(found, key=lambda one: (first.get(one.role, 2), one.path, one.id))


def _folder(one: str, tree: Mapping[str, Place], roles: Mapping[str, str]) -> Folder:
    role = roles.get(one, "")
    names = [tree[one].name or "?"]
    above = tree[one].parent
    for _ in range(_DEPTH):
        if above not in tree:
            break
        if not role and roles.get(above) in _LEFT_OUT:
            role = roles[above]
        names.append(tree[above].name or "?")
        above = tree[above].parent
    return Folder(one, "/".join(reversed(names)), role)


def is_read(folder: Folder, state: State) -> bool:
    """Whether a folder is read when nobody chose."""
    return folder.role not in _LEFT_OUT and not state.tree[folder.id].is_apart


def chosen_folders(state: State, names: Collection[str]) -> list[Folder]:
    """Those that the owner named, by id, path or what they are for; where none is named, those that are read then.

    Raises:
        Missing: there is none of those that were named.
    """
    there = all_folders(state)
    if not names:
        return [one for one in there if is_read(one, state)]
    wanted = {name.casefold() for name in names}
    chosen = [one for one in there if one.id in names or wanted & {one.path.casefold(), one.role or one.id}]
    if not chosen and not state.folders:
        raise Missing(f"The mailbox has no folder {', '.join(map(repr, names))}. Check --folders.")
    return chosen


def gone_for_good(graph: Graph, state: State, ids: Iterable[str]) -> list[str]:
    """Those of these folders that Graph, asked for each alone, does not know either.

    The others are among the folders from then on, listed or not: what is hidden is told by the folder itself.
    """
    asked = list(ids)
    said = graph.batch([Ask(Folder(one, "").way, query={"$select": SELECT}) for one in asked])
    for told in said:
        if told.error is None:
            _take(Raw(told.body), state.tree)
    return [one for one, told in zip(asked, said, strict=True) if isinstance(told.error, Missing)]
