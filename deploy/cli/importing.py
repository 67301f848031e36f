"""`kith import`."""

from collections import Counter
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from deploy.cli.context import Context
from deploy.cli.ending import FAILED, OK, PARTIAL
from deploy.cli.paper import Column, hint, print_rejects, say, table, wrapped
from deploy.cli.progress import progress
from deploy.importing import import_paths
from schemas.errors import UsageError
from schemas.interface import ImportReport

_REJECTS_SHOWN = 10


def import_(context: Context, paths: list[str], kind: str | None, since: str | None, dry_run: bool) -> int:
    """Read paths into the book and print the report."""
    book = context.book
    with progress(context) as advance:
        report = import_paths(
            context.application, book, paths, kind=kind, since=_date(since), dry_run=dry_run, advance=advance
        )
    if context.as_json:
        context.put(report)
    else:
        print_report(report)
        tell_next(report, dry_run)
    return status_of(report)


def _date(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"{text} is not a date. Write it like 2025-01-31.") from error


def status_of(report: ImportReport) -> int:
    """0 when all was understood, 1 when nothing was, 3 when some of it was not."""
    if not any(entry.rejected for entry in report.sources):
        return OK
    return FAILED if all(entry.read == entry.rejected for entry in report.sources) else PARTIAL


_FIGURES = ("read", "added", "changed", "unchanged", "skipped", "rejected", "deleted")
_ALWAYS = frozenset({"read", "added", "unchanged"})


def print_report(report: ImportReport) -> None:
    """The report as a table, its skips and its first rejects; columns with nothing in them are left out."""
    names = _short_names([entry.source for entry in report.sources])
    figures = [
        name for name in _FIGURES if name in _ALWAYS or any(getattr(entry, name) for entry in report.sources)
    ]
    rows = [
        (names[entry.source], entry.kind, *(f"{getattr(entry, name):,}" for name in figures))
        for entry in report.sources
    ]
    columns = [
        Column("source", least=12),
        Column("kind"),
        *(Column(name, is_figure=True) for name in figures),
    ]
    say(*table(columns, rows))
    skips: Counter[str] = Counter()
    for entry in report.sources:
        skips.update(entry.skips)
    if skips:
        told = "; ".join(f"{count:,} {reason}" for reason, count in sorted(skips.items()))
        say("", *wrapped(f"Left out on purpose: {told}."))
    if report.rejects:
        say("", "Could not be understood:")
        print_rejects(report.rejects[:_REJECTS_SHOWN])
        if len(report.rejects) > _REJECTS_SHOWN:
            say(f"and {len(report.rejects) - _REJECTS_SHOWN:,} more: kith rejects")


def tell_next(report: ImportReport, dry_run: bool) -> None:
    """What to do after a reading, where it brought something or only told what it would bring."""
    if dry_run:
        hint("", "Nothing was changed. Without --dry-run it is.")
    elif any(entry.added for entry in report.sources):
        hint("", "Next: kith people, kith followups, kith digest")


def _short_names(paths: Sequence[str]) -> dict[str, str]:
    """Each path by as much of its end as tells it from the others."""
    names = {}
    for path in paths:
        parts = Path(path).parts or (path,)
        others = [Path(other).parts for other in paths if other != path]
        taken = next(
            (n for n in range(1, len(parts)) if all(other[-n:] != parts[-n:] for other in others)), len(parts)
        )
        names[path] = str(Path(*parts[-taken:]))
    return names
