"""`kith import`."""

from datetime import date

from deploy.cli.context import FAILED, OK, PARTIAL, Context
from deploy.cli.paper import console, hint, say, table
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
        print_report(report, dry_run)
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


def print_report(report: ImportReport, dry_run: bool) -> None:
    """The report as a table, its skips and its first rejects."""
    rows = [
        (
            entry.source,
            entry.kind,
            *(
                f"{n:,}"
                for n in (
                    entry.read,
                    entry.added,
                    entry.changed,
                    entry.unchanged,
                    entry.skipped,
                    entry.rejected,
                )
            ),
        )
        for entry in report.sources
    ]
    columns = ("source", "kind", "read", "added", "changed", "unchanged", "skipped", "rejected")
    console().print(table(columns, rows, right=range(2, 8)))
    skips: dict[str, int] = {}
    for entry in report.sources:
        for reason, count in entry.skips.items():
            skips[reason] = skips.get(reason, 0) + count
    if skips:
        say(
            "",
            "Left out on purpose: "
            + "; ".join(f"{count:,} {reason}" for reason, count in sorted(skips.items())),
        )
    if report.rejects:
        say("", "Could not be understood:")
        console().print(
            table(("where", "reason"), [(r.where, r.reason) for r in report.rejects[:_REJECTS_SHOWN]])
        )
        if len(report.rejects) > _REJECTS_SHOWN:
            say(f"and {len(report.rejects) - _REJECTS_SHOWN} more: kith rejects")
    if dry_run:
        hint("", "Nothing was changed. Without --dry-run it is.")
    elif any(entry.added for entry in report.sources):
        hint("", "Next: kith people, kith followups, kith digest")
