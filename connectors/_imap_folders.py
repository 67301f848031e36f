"""An account's folders: which there are, what each is for, and which are read when nobody chose.

What a folder is for is told by the server (RFC 6154); only a server that tells it of none is guessed at by the names
that mail programs give, in their languages.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress

from msgspec import Struct
from msgspec.structs import replace

from connectors._imap_grammar import Value, name_in, number_of, pairs_of, parsed, quoted, rest_of
from connectors._imap_session import Refused, Session, uids_in
from connectors._imap_uids import UidSet
from schemas.errors import Rejected, Transient

MOST_FOLDERS = 10_000
_LINES = 2 * MOST_FOLDERS + 1_000
_ASKED_AT_ONCE = 50
_STATUS_BYTES = 65_536
_ROLES = {
    b"\\ALL": "all",
    b"\\ARCHIVE": "archive",
    b"\\DRAFTS": "drafts",
    b"\\FLAGGED": "flagged",
    b"\\IMPORTANT": "flagged",
    b"\\JUNK": "junk",
    b"\\SENT": "sent",
    b"\\TRASH": "trash",
}
_LEFT_OUT = frozenset({"drafts", "junk", "trash"})
_VIEWS = frozenset({"all", "flagged"})
"""Folders that show what is in others (RFC 6154 2)."""
_UNREADABLE = frozenset({b"\\NOSELECT", b"\\NONEXISTENT"})
_NAMES = {
    "drafts": """drafts draft entwürfe brouillons borradores bozze rascunhos concepten utkast kladder luonnokset
        szkice wersje·robocze koncepty piszkozatok черновики 草稿 草稿箱 下書き 임시보관함 taslaklar""",
    "junk": """junk spam junk·e-mail junk·email junk-e-mail bulk·mail bulk werbung unerwünscht courrier·indésirable
        indésirables pourriel correo·no·deseado posta·indesiderata lixo·eletrônico lixo·electrónico ongewenste·e-mail
        skräppost søppelpost uønsket·e-mail roskaposti wiadomości-śmieci nevyžádaná·pošta levélszemét спам 垃圾邮件
        垃圾郵件 迷惑メール 스팸편지함 gereksiz""",
    "trash": """trash deleted deleted·items deleted·messages bin papierkorb gelöscht gelöschte·elemente
        gelöschte·objekte corbeille éléments·supprimés messages·supprimés papelera elementos·eliminados cestino
        posta·eliminata lixeira itens·excluídos itens·eliminados prullenbak verwijderde·items papperskorgen
        borttaget papirkurv slettede·elementer slettet·post roskakori poistetut kosz elementy·usunięte koš
        odstraněná·pošta törölt·elemek корзина удаленные 已删除 已删除邮件 已刪除的郵件 ゴミ箱 휴지통 çöp·kutusu""",
    "sent": """sent sent·items sent·messages sent·mail gesendet gesendete·elemente gesendete·objekte
        messages·envoyés éléments·envoyés envoyés enviados elementos·enviados posta·inviata inviata inviati
        itens·enviados verzonden verzonden·items skickat sendt sendte·elementer lähetetyt wysłane elementy·wysłane
        odeslaná·pošta elküldött·elemek отправленные 已发送 已发送邮件 寄件備份 送信済み 送信済みメール 보낸편지함
        gönderilmiş·öğeler""",
    "archive": "archive archives archiv archiviert archivo archivio arquivo archief arkiv arkisto archiwum архив 存档 アーカイブ",
}
_BY_NAME = {word.replace("·", " "): role for role, words in _NAMES.items() for word in words.split()}


class Standing(Struct, frozen=True):
    """What a folder holds, as STATUS or EXAMINE tells; 0 where it does not."""

    uidvalidity: int = 0
    uidnext: int = 0
    messages: int = 0
    modseq: int = 0


class Folder(Struct, frozen=True):
    """A folder that can be opened; `standing` is None where the list did not tell."""

    name: str
    role: str = ""
    is_foreign: bool = False
    standing: Standing | None = None


def list_folders(session: Session, *, with_standing: bool = False) -> list[Folder]:
    """Every folder that can be opened, INBOX and Sent first.

    Args:
        with_standing: their standings as well, where the server tells them in one answer; they cost it a look at each.

    Raises:
        Transient: the server names none at all, which no server means.
        Rejected: it names more than anybody has.
    """
    answer = None
    if with_standing and session.can("LIST-STATUS") and session.can("LIST-EXTENDED"):
        special = "SPECIAL-USE " if session.can("SPECIAL-USE") else ""
        try:
            answer = session.ask(f'LIST "" "*" RETURN ({special}STATUS ({_items(session)}))', most=_LINES)
        except Refused:
            answer = None
    if answer is None:
        try:
            answer = session.ask('LIST "" "*"', most=_LINES)
        except Refused as refused:
            raise session.trouble(refused, "to list its folders") from refused
    listed = list(answer.named(b"LIST"))
    if len(listed) > MOST_FOLDERS:
        raise Rejected(
            f"{session.host} names more than {MOST_FOLDERS:,} folders. Kith reads no such account."
        )
    standings = {
        _name(values[0]): standing_of(values[1]) for values in answer.named(b"STATUS") if len(values) > 1
    }
    foreign = _foreign_prefixes(session)
    folders = _with_roles([one for one in (_listed(values, foreign, standings) for values in listed) if one])
    if not folders:
        raise Transient(f"{session.host} names no folder at all. Kith tries again later.")
    first = {"inbox": 0, "sent": 1}
    return sorted(folders.values(), key=lambda one: (first.get(one.role, 2), one.name))


def is_listed(session: Session, name: str) -> bool:
    """Whether the server, asked for this folder alone, still names it."""
    pattern = quoted(name)
    if "*" in pattern or "%" in pattern:
        # As a pattern it may match others too: then the whole list decides.
        return any(one.name == name for one in list_folders(session))
    try:
        answer = session.ask(f'LIST "" {pattern}')
    except Refused:
        return True
    return any(_listed(values, (), {}) is not None for values in answer.named(b"LIST"))


def standings_of(session: Session, folders: Sequence[Folder]) -> list[Folder]:
    """The folders with their standings, asked for one by one where the list did not tell."""
    found: dict[str, Standing] = {}

    def keep(line: bytes) -> None:
        values = parsed(rest_of(session.wire, line, _STATUS_BYTES))
        if len(values) > 3 and isinstance(values[1], bytes) and values[1].upper() == b"STATUS":
            found[_name(values[2])] = standing_of(values[3])

    untold = [one.name for one in folders if one.standing is None]
    for begin in range(0, len(untold), _ASKED_AT_ONCE):
        names = untold[begin : begin + _ASKED_AT_ONCE]
        for tag in [session.send(f"STATUS {quoted(name)} ({_items(session)})") for name in names]:
            # A folder that will not tell is opened to see.
            with suppress(Refused):
                session.finish(tag, keep)
    return [replace(one, standing=one.standing or found.get(one.name)) for one in folders]


class Opened(Struct, frozen=True):
    """A folder as it was opened: its standing, and which UIDs it lost since the state that was named, where it told."""

    standing: Standing
    vanished: UidSet | None = None


def open_folder(session: Session, name: str, *, life: int = 0, modseq: int = 0) -> Opened:
    """Open a folder for reading alone (EXAMINE, so that nothing is marked as seen).

    Args:
        life: the UIDVALIDITY, with `modseq`, since which vanished UIDs are asked for, of servers that can tell
            and own up to it: of one that names QRESYNC but does not enable it nothing of the kind is believed.

    Raises:
        Refused: the server said NO or BAD.
        Rejected: the folder gives its messages no lasting numbers.
    """
    asks = "QRESYNC" in session.enabled and life and modseq
    extra = f" (QRESYNC ({life} {modseq}))" if asks else " (CONDSTORE)" if session.can("CONDSTORE") else ""
    answer = session.ask(f"EXAMINE {quoted(name)}{extra}")
    uidvalidity = number_of(answer.codes.get("UIDVALIDITY", b""))
    if not uidvalidity or "UIDNOTSTICKY" in answer.codes:
        raise Rejected(
            f"{session.host} gives the messages in {name} no lasting numbers. Leave that folder out."
        )
    messages = answer.count_of(b"EXISTS")
    uidnext = number_of(answer.codes.get("UIDNEXT", b""))
    if not uidnext:
        uidnext = session.search("ALL").largest() + 1
    standing = Standing(uidvalidity, uidnext, messages, number_of(answer.codes.get("HIGHESTMODSEQ", b"")))
    vanished = None
    if asks and uidvalidity == life:
        vanished = UidSet()
        for values in answer.named(b"VANISHED"):
            if isinstance(values[-1], bytes):
                vanished |= uids_in(values[-1])
    return Opened(standing, vanished)


def _items(session: Session) -> str:
    has_modseq = session.can("CONDSTORE") or session.can("QRESYNC")
    return "UIDVALIDITY UIDNEXT MESSAGES" + (" HIGHESTMODSEQ" if has_modseq else "")


def standing_of(value: Value) -> Standing:
    """The items of a STATUS response."""
    items = pairs_of(value)
    return Standing(
        number_of(items.get(b"UIDVALIDITY")),
        number_of(items.get(b"UIDNEXT")),
        number_of(items.get(b"MESSAGES")),
        number_of(items.get(b"HIGHESTMODSEQ")),
    )


def _name(value: Value) -> str:
    name = name_in(value)
    return "INBOX" if name.upper() == "INBOX" else name


def _listed(
    values: list[Value], foreign: Sequence[str], standings: Mapping[str, Standing]
) -> tuple[Folder, str, bool] | None:
    """A folder, its delimiter, and whether the server told what it is for."""
    if len(values) < 3 or not isinstance(values[0], list) or not isinstance(values[2], bytes):
        return None
    marks = {mark.upper() for mark in values[0] if isinstance(mark, bytes)}
    name = _name(values[2])
    # A name with a line break in it cannot be asked for; no mail program makes one.
    if not name or marks & _UNREADABLE or any(ord(char) < 32 for char in name):
        return None
    role = (
        "inbox" if name == "INBOX" else next((_ROLES[mark] for mark in sorted(marks) if mark in _ROLES), "")
    )
    delimiter = values[1].decode("ascii", "replace") if isinstance(values[1], bytes) else ""
    is_foreign = any(name.startswith(prefix) for prefix in foreign)
    return Folder(name, role, is_foreign, standings.get(name)), delimiter, role not in {"", "inbox"}


def _with_roles(listed: Sequence[tuple[Folder, str, bool]]) -> dict[str, Folder]:
    """The folders by name; guessed at by name where no role was told, and below Trash everything is trash."""
    is_told = any(told for _, _, told in listed)
    roles: dict[str, str] = {}
    for folder, delimiter, _ in listed:
        roles[folder.name] = folder.role
        if not folder.role and not is_told:
            leaf = folder.name.rpartition(delimiter)[2] if delimiter else folder.name
            roles[folder.name] = _BY_NAME.get(leaf.casefold(), "")
    folders: dict[str, Folder] = {}
    for folder, delimiter, _ in listed:
        role = roles[folder.name]
        path = folder.name.split(delimiter) if delimiter else [folder.name]
        if not role:
            above = (delimiter.join(path[:end]) for end in range(1, len(path)))
            role = next((roles[name] for name in above if roles.get(name) in _LEFT_OUT), "")
        folders[folder.name] = replace(folder, role=role)
    return folders


def _foreign_prefixes(session: Session) -> tuple[str, ...]:
    """What the names of other people's and shared folders begin with (RFC 2342)."""
    if not session.can("NAMESPACE"):
        return ()
    try:
        answer = session.ask("NAMESPACE")
    except Refused:
        return ()
    spaces = [space for values in answer.named(b"NAMESPACE") for kind in values[1:3] for space in kind or ()]
    return tuple(_name(space[0]) for space in spaces if isinstance(space, list) and space and space[0])


def is_read(folder: Folder, session: Session, folders: Iterable[Folder]) -> bool:
    """Whether a folder is read when nobody chose.

    Where all mail is in one folder and the others are its labels, as at Gmail, that one alone.
    """
    if session.can("X-GM-EXT-1") and any(one.role == "all" for one in folders):
        return folder.role == "all"
    return folder.role not in _LEFT_OUT | _VIEWS and not folder.is_foreign
