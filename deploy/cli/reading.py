"""Commands that read the book."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import get_args
from zoneinfo import ZoneInfo

from deploy.cli.context import Context
from deploy.cli.ending import OK
from deploy.cli.paper import (
    FIRST_STEPS,
    Column,
    cut,
    day,
    hint,
    plain,
    quiet,
    say,
    strong,
    table,
    width,
    wrapped,
)
from schemas.errors import UsageError
from schemas.ids import public_id
from schemas.interface import (
    Followup,
    FollowupList,
    Interaction,
    InteractionList,
    Kind,
    PeopleList,
    Person,
    PersonPage,
    Rule,
)
from services.book import Book
from services.lookup import find_person, list_people, page_of, search_history
from services.people import owners_words

_SORTS = ("strength", "last", "name")
_SHOWN = 30
_WEEK = re.compile(r"(?:19|20|21)\d\d-W\d\d")
_ARROW = {"in": "←", "out": "→", "both": "↔"}
_KIND = {"email": "mail", "linkedin_message": "LinkedIn", "linkedin_invitation": "invited"}


def _zone(context: Context) -> ZoneInfo:
    with context.book.store.read() as unit:
        said = owners_words(unit, context.book.owner)
    return ZoneInfo(said.owner.timezone) if said.owner else ZoneInfo("UTC")


def people(
    context: Context,
    query: str,
    sort: str,
    role: str | None,
    tag: str | None,
    limit: int | None,
    after: str | None,
    show_all: bool,
) -> int:
    """The people, strongest first; `after` is the id of the last one of the page before."""
    _known("--sort", sort, _SORTS)
    book = context.kept()
    statuses = ("person", "waiting", "automated") if show_all else ("person", "waiting")
    found = list_people(book, query, sort=sort, role=_folded(role), tag=_folded(tag), statuses=statuses)
    if after is not None:
        begin = next((index for index, one in enumerate(found, 1) if one.id == after), None)
        if begin is None:
            raise UsageError(f"{plain(after, 40)} is no cursor of this list. Begin again without --after.")
        found = found[begin:]
    if context.as_json:
        page = found[:limit] if limit else found
        context.put(PeopleList(page, page[-1].id if len(page) < len(found) else None))
        return OK
    if not found:
        asked = [query, f"the role {role}" if role else "", f"the tag {tag}" if tag else ""]
        wanted = " and ".join(plain(one, 60) for one in asked if one)
        say(f"Nobody matches {wanted}." if wanted else "Nobody yet.")
        if not wanted:
            hint("", *FIRST_STEPS)
        return OK
    _print_people(context, found, limit, is_asked=bool(query))
    return OK


def _folded(word: str | None) -> str | None:
    """Roles and tags are kept as `kith role` and `kith tag` fold them."""
    return " ".join(word.lower().split()) if word is not None else None


_PEOPLE = (
    Column("name", least=18),
    Column("what and where", least=24),
    Column("last"),
    Column("mail →/←", is_figure=True, goes=1),
    Column("met", is_figure=True, goes=1),
    Column("roles and tags", least=8, goes=2),
    Column("address", least=16, goes=3),
)


def _print_people(context: Context, found: Sequence[Person], limit: int | None, *, is_asked: bool) -> None:
    zone, now = _zone(context), context.book.clock.now()
    known = [one for one in found if one.status != "waiting"]
    shown = (found if is_asked else known)[: limit or _SHOWN]
    rows = [
        (
            _named(one),
            _work_of(one),
            day(one.last_at, now, zone),
            f"{one.counts.sent}/{one.counts.received}" if one.counts.sent or one.counts.received else "",
            str(one.counts.meetings or ""),
            ", ".join((*one.roles, *one.tags)),
            one.emails[0] if one.emails else (one.linkedin or "").removeprefix("https://www."),
        )
        for one in shown
    ]
    if rows:
        say(*table(_PEOPLE, rows), "")
    people, waiting = sum(one.status == "person" for one in found), len(found) - len(known)
    more = f"; {waiting:,} more wrote and wait to be known" if waiting else ""
    say(*wrapped(f"{people:,} {'person' if people == 1 else 'people'}{more}."))
    if len(shown) < len(known) and not limit:
        hint(f"The first {len(shown)} are shown; --limit N shows more, --json all.")


def _named(one: Person) -> str:
    return plain(one.name) or "(no name)"


def _work_of(one: Person) -> str:
    return ", ".join(filter(None, (one.title, one.organization)))


def _known(option: str, given: str | None, may_be: Sequence[str]) -> None:
    if given is not None and given not in may_be:
        raise UsageError(f"{option} knows {', '.join(may_be)}; not {plain(given, 40)}.")


def show(context: Context, who: str) -> int:
    """One person."""
    book = context.kept()
    row = find_person(book, who)
    page = page_of(book, row)
    if context.as_json:
        context.put(page)
    else:
        _print_person(context, page)
    return OK


def _print_person(context: Context, page: PersonPage) -> None:
    zone, now = _zone(context), context.book.clock.now()
    one = page.person
    say("", strong(_named(one)))
    if _work_of(one):
        say(plain(_work_of(one)))
    say("")
    first = page.interactions[-1] if page.interactions else None
    facts = (
        ("", {"waiting": "waits to be known", "automated": "a machine"}.get(one.status, "")),
        ("why", one.verdict if one.status != "person" else ""),
        ("addresses" if len(one.emails) > 1 else "address", ", ".join(one.emails)),
        ("phone", ", ".join(one.phones)),
        ("LinkedIn", one.linkedin),
        ("roles", ", ".join(one.roles)),
        ("tags", ", ".join(one.tags)),
        ("rhythm", f"every {one.cadence_days} days" if one.cadence_days else ""),
        ("so far", _so_far(one)),
        ("last", f"{day(one.last_at, now, zone)}, {_last_of(one)}" if one.last_at else ""),
        (
            "first",
            f"{day(first.at, now, zone)}, {_KIND.get(first.kind, first.kind)}{_about(first)}"
            if first
            else "",
        ),
        (
            "favours",
            f"{one.balance.given} given, {one.balance.received} received"
            if one.balance.given or one.balance.received
            else "",
        ),
    )
    say(*(f"  {quiet(f'{label:<9}')}  {plain(value)}" for label, value in facts if value))
    waiting = [one for one in page.followups if one.state in {"open", "snoozed"}]
    if waiting:
        say("", strong("FOLLOW-UPS"), *_lines_of(waiting, short_ids(context.book)))
    if page.interactions:
        say("", strong("TIMELINE"))
    month = ""
    for event in page.interactions[:_SHOWN]:
        this = f"{event.at.astimezone(zone):%B %Y}"
        if this != month:
            month = this
            say(quiet(month))
        say(f"  {_line(event, zone)}")
    if len(page.interactions) > _SHOWN:
        hint(f"and {len(page.interactions) - _SHOWN:,} earlier: kith show {one.id} --json")


def _so_far(one: Person) -> str:
    counts = one.counts
    linkedin = counts.linkedin_sent + counts.linkedin_received
    parts = (
        (counts.sent, "mail sent", "mails sent"),
        (counts.received, "received", "received"),
        (counts.meetings, "meeting", "meetings"),
        (counts.audiences, "large meeting", "large meetings"),
        (linkedin, "LinkedIn message", "LinkedIn messages"),
    )
    return ", ".join(f"{n:,} {single if n == 1 else plural}" for n, single, plural in parts if n)


def _last_of(one: Person) -> str:
    if one.last_channel == "meeting":
        return "a meeting"
    what = "mail" if one.last_channel == "email" else "LinkedIn message"
    return f"your {what}" if one.last_direction == "out" else f"their {what}"


def _about(event: Interaction) -> str:
    return f', "{plain(event.subject, 60)}"' if event.subject else ""


def _line(event: Interaction, zone: ZoneInfo) -> str:
    at = event.at.astimezone(zone)
    kind = _KIND.get(event.kind, event.kind)
    head = f"{at.day:>2} {at:%a %H:%M}  {_ARROW[event.direction]} {kind:<8}  "
    return head + cut(plain(event.subject or event.excerpt or ""), width() - len(head) - 2)


def search(
    context: Context,
    query: str,
    person: str | None,
    kind: str | None,
    since: str | None,
    until: str | None,
    limit: int,
) -> int:
    """Search history."""
    _known("--kind", kind, get_args(Kind))
    book = context.kept()
    zone = _zone(context)
    found = search_history(
        book,
        query,
        person=find_person(book, person) if person else None,
        kind=kind,
        since=_midnight(since, zone),
        until=_midnight(until, zone),
        limit=limit,
    )
    if context.as_json:
        context.put(InteractionList(found))
        return OK
    names = {one.id: one.name for one in list_people(book, statuses=("person", "waiting", "automated"))}
    rows = [
        (
            f"{one.at.astimezone(zone):%Y-%m-%d}",
            f"{_ARROW[one.direction]} {_KIND.get(one.kind, one.kind)}",
            ", ".join(names.get(part.id, "") for part in one.people[:3])
            + (f" and {len(one.people) - 3} more" if len(one.people) > 3 else ""),
            one.subject or one.excerpt or "",
        )
        for one in found
    ]
    if rows:
        say(*table(("day", "kind", Column("with", least=16), Column("about", least=16)), rows))
    else:
        say(f"Nothing matches {plain(query, 60)}.")
    return OK


def _midnight(text: str | None, zone: ZoneInfo) -> datetime | None:
    if text is None:
        return None
    try:
        return datetime.combine(date.fromisoformat(text), time(), zone).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise UsageError(f"{text} is not a date of use here. Write it like 2025-01-31.") from error


def followups(context: Context, show_all: bool, person: str | None, rule: str | None) -> int:
    """The follow-ups, each with its reason."""
    _known("--rule", rule, get_args(Rule))
    book = context.book
    book.keep()
    key = find_person(book, person).key if person else None
    wanted = public_id("p", key) if key is not None else None
    found = [
        one
        for one in book.followups()
        if (show_all or one.state == "open")
        and (rule is None or one.rule == rule)
        and (wanted is None or one.person == wanted or wanted in one.people)
    ]
    if context.as_json:
        context.put(FollowupList(found))
    else:
        print_followups(book, found, show_all)
        if found:
            hint("", "kith done ID, kith snooze ID --until 7d, kith dismiss ID; kith show PERSON tells more")
    return OK


def print_followups(book: Book, found: Sequence[Followup], show_all: bool = False) -> None:
    """Follow-ups under the headings of the digest, in its order; within one, what is due first, then the newest."""
    if not found:
        say("No follow-ups yet." if show_all else "Nothing is waiting for you.")
        return
    ids = short_ids(book)
    gap: list[str] = []
    from services.digest.build import SECTION_OF_RULE, TITLES  # noqa: PLC0415  # not needed to show a person

    for section, title in TITLES.items():
        here = [one for one in found if SECTION_OF_RULE.get(one.rule) == section]
        if here:
            here.sort(key=lambda one: (one.due or date.max, -one.created_at.timestamp(), one.id))
            say(*gap, strong(title.upper()), *_lines_of(here, ids))
            gap = [""]


def _lines_of(found: Sequence[Followup], ids: Mapping[str, str]) -> Iterator[str]:
    wide = max(len(ids[one.id]) for one in found)
    for one in found:
        states = {"open": "", "snoozed": f"until {one.until.day} {one.until:%B}" if one.until else "snoozed"}
        # A promise says its day in its title, in the words of the one who promised.
        due = f"by {one.due.day} {one.due:%B}" if one.due and one.rule != "promise" else ""
        said = ", ".join(filter(None, (due, states.get(one.state, one.state))))
        indent = " " * (wide + 4)
        first, *rest = wrapped(f"{plain(one.title, 200)}{f' ({said})' if said else ''}", indent)
        yield f"  {quiet(ids[one.id].ljust(wide))}  {first.strip()}"
        yield from rest
        yield from map(quiet, wrapped(one.why, indent + "  "))


def short_ids(book: Book) -> dict[str, str]:
    """Every follow-up's id by its beginning, as long as it must be for no two to be alike."""
    every = [one.id for one in book.followups()]
    length = next(n for n in range(6, 18) if len({one[:n] for one in every}) == len(every) or n == 17)
    return {one: one[:length] for one in every}


def digest(context: Context, week: str | None, out: str | None, *, send: bool = False) -> int:
    """Compose the digest, and print, write or send it."""
    from services.composing import compose  # noqa: PLC0415
    from services.digest import render_html, render_json, render_text  # noqa: PLC0415

    if week is not None and not _WEEK.fullmatch(week):
        raise UsageError(f"{plain(week, 20)!r} is not a week. Write it like 2026-W47.")
    composed = compose(context.book, week)
    if out is not None:
        folder = Path(out).expanduser()
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "digest.html").write_text(render_html(composed), encoding="utf-8")
        (folder / "digest.txt").write_text(render_text(composed), encoding="utf-8")
        (folder / "digest.json").write_bytes(render_json(composed))
    if context.as_json:
        context.put(composed)
    elif out is not None:
        say(f"Written: {out}/digest.html, digest.txt, digest.json")
    elif not send:
        say(render_text(composed))
    return _send(context, composed.week) if send else OK


def _send(context: Context, week: str) -> int:
    from deploy.logs import set_up_logs  # noqa: PLC0415
    from deploy.posting import send_digest  # noqa: PLC0415

    set_up_logs(context.settings.log_format, verbose=context.verbose, is_quiet=True)
    sent = send_digest(context.application, context.book.owner, week)
    if not context.as_json:
        say(sent)
    return OK
