"""Commands that read the book."""

from datetime import UTC, date, datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

from deploy.cli.context import OK, Context
from deploy.cli.paper import console, day, hint, plain, say, table
from schemas.errors import UsageError
from schemas.ids import public_id
from schemas.interface import (
    DuplicateList,
    Followup,
    FollowupList,
    Interaction,
    InteractionList,
    PeopleList,
    PersonPage,
)
from services.lookup import find_person, list_people, page_of, search_history
from services.people import owners_words

_SORTS = ("strength", "last", "name")
_SHOWN = 30
_ARROW = {"in": "←", "out": "→", "both": "↔"}
_KIND = {
    "email": "mail",
    "meeting": "meeting",
    "linkedin_message": "LinkedIn",
    "linkedin_invitation": "LinkedIn invitation",
}


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
    show_all: bool,
) -> int:
    """The people, strongest first."""
    if sort not in _SORTS:
        raise UsageError(f"--sort knows {', '.join(_SORTS)}; not {sort}.")
    book = context.kept()
    statuses = ("person", "waiting", "automated") if show_all else ("person", "waiting")
    found = list_people(book, query, sort=sort, role=role, tag=tag, statuses=statuses)
    if context.as_json:
        context.put(PeopleList(found[:limit] if limit else found))
        return OK
    shown = [one for one in found if one.status != "waiting"][: limit or _SHOWN]
    waiting = sum(one.status == "waiting" for one in found)
    if not found:
        say("Nobody yet. Start with: kith import PATH…" if not query else f"Nobody matches {query}.")
        return OK
    zone, now = _zone(context), book.clock.now()
    rows = [
        (
            one.name,
            ", ".join(filter(None, (one.title, one.organization))),
            day(one.last_at, now, zone),
            f"{one.counts.sent}/{one.counts.received}",
            str(one.counts.meetings),
            ", ".join((*one.roles, *one.tags)),
            one.emails[0] if one.emails else one.linkedin or "",
        )
        for one in shown
    ]
    columns = ("name", "what and where", "last", "mail →/←", "met", "roles", "address")
    console().print(table(columns, rows, right=(3, 4)))
    total = sum(one.status == "person" for one in found)
    say("", f"{total:,} people" + (f"; {waiting:,} more wrote and wait to be known" if waiting else "") + ".")
    if len(shown) < total and not limit:
        hint(f"The first {len(shown)} are shown; --limit N shows more, --json all.")
    return OK


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
    say(plain(one.name), "─" * min(68, max(8, len(one.name))))
    what = ", ".join(filter(None, (one.title, one.organization)))
    for label, value in (
        ("", what),
        ("addresses", ", ".join(one.emails)),
        ("phones", ", ".join(one.phones)),
        ("LinkedIn", one.linkedin or ""),
        ("roles", ", ".join(one.roles)),
        ("tags", ", ".join(one.tags)),
        ("rhythm", f"every {one.cadence_days} days" if one.cadence_days else ""),
        ("status", "" if one.status == "person" else f"{one.status}: {one.verdict or ''}"),
    ):
        if value:
            say(f"{label + ':' if label else ''} {plain(value)}".strip())
    counts = one.counts
    say(
        f"{counts.sent} mails sent, {counts.received} received, {counts.meetings} meetings"
        + (f", {counts.linkedin_sent + counts.linkedin_received} LinkedIn messages" if one.linkedin else "")
        + (
            f"; since {day(one.first_at, now, zone)}, last {day(one.last_at, now, zone)}"
            if one.last_at
            else ""
        )
        + "."
    )
    if one.balance.given or one.balance.received:
        say(f"Favours: {one.balance.given} given, {one.balance.received} received.")
    if page.interactions:
        first = page.interactions[-1]
        say(
            f"How you met: {_KIND.get(first.kind, first.kind)}, {day(first.at, now, zone)}"
            + _about(first)
            + "."
        )
    waiting = [one for one in page.followups if one.state in {"open", "snoozed"}]
    if waiting:
        say("", "FOLLOW-UPS")
        for followup in waiting:
            say(f"{plain(followup.title)}   [{followup.id}]", f"    {plain(followup.why, 300)}")
    say("", "TIMELINE")
    month = ""
    for event in page.interactions[:_SHOWN]:
        this = event.at.astimezone(zone).strftime("%B %Y")
        if this != month:
            month = this
            say(month)
        say(f"  {_line(event, zone)}")
    if len(page.interactions) > _SHOWN:
        hint(f"and {len(page.interactions) - _SHOWN:,} earlier: kith show {one.id} --json")


def _about(event: Interaction) -> str:
    return f", “{plain(event.subject, 60)}”" if event.subject else ""


def _line(event: Interaction, zone: ZoneInfo) -> str:
    at = event.at.astimezone(zone)
    said = plain(event.subject or event.excerpt or "", 70)
    kind = _KIND.get(event.kind, event.kind)
    return f"{at:%a %d %H:%M} {_ARROW[event.direction]} {kind:<9} {said}"


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
            _KIND.get(one.kind, one.kind),
            ", ".join(names.get(part.id, "") for part in one.people[:3]),
            one.subject or one.excerpt or "",
        )
        for one in found
    ]
    if rows:
        console().print(table(("day", "kind", "with", "about"), rows))
    else:
        say(f"Nothing matches {plain(query)}.")
    return OK


def _midnight(text: str | None, zone: ZoneInfo) -> datetime | None:
    if text is None:
        return None
    try:
        return datetime.combine(date.fromisoformat(text), time(), zone).astimezone(UTC)
    except ValueError as error:
        raise UsageError(f"{text} is not a date. Write it like 2025-01-31.") from error


def followups(context: Context, show_all: bool, person: str | None, rule: str | None) -> int:
    """The follow-ups, each with its reason."""
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
        _print_followups(found, show_all)
    return OK


def _print_followups(found: list[Followup], show_all: bool) -> None:
    if not found:
        say("Nothing is waiting for you." if not show_all else "No follow-ups yet.")
        return
    for one in reversed(found):
        due = f"  by {one.due.day} {one.due:%B}" if one.due else ""
        state = f"  ({one.state})" if one.state != "open" else ""
        say(f"{plain(one.title)}{due}{state}   [{one.id}]", f"    {plain(one.why, 400)}")
    hint("", "kith done ID, kith snooze ID --until 7d, kith dismiss ID")


def duplicates(context: Context) -> int:
    """Pairs that may be one person."""
    from services.identity.duplicates import duplicates as pairs  # noqa: PLC0415

    book = context.kept()
    found = pairs(book.store, book.owner)
    if context.as_json:
        context.put(DuplicateList(found))
        return OK
    names = {one.id: one for one in list_people(book, statuses=("person", "waiting", "automated"))}
    for pair in found:
        a, b = names[pair.a], names[pair.b]
        say(f"{_who(a.name, a.emails, a.linkedin)}  =  {_who(b.name, b.emails, b.linkedin)} ?")
        say(f"    {plain('; '.join(pair.why))}", f"    kith merge {pair.a} {pair.b}")
    if not found:
        say("No two entries look like one person.")
    return OK


def _who(name: str, emails: list[str], linkedin: str | None) -> str:
    return plain(f"{name} <{emails[0] if emails else linkedin or ''}>")


def digest(context: Context, week: str | None, out: str | None) -> int:
    """Compose the digest and print or write it."""
    from services.composing import compose  # noqa: PLC0415
    from services.digest import render_html, render_json, render_text  # noqa: PLC0415

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
    else:
        say(render_text(composed))
    return OK
