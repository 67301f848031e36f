"""Progress on standard error, on a terminal only."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from deploy.cli.context import Context
from deploy.cli.paper import plain

Advance = Callable[[str, int, int], None]
_LABELS = {"history": "Deriving history", "people": "Telling people", "threads": "Telling threads"}


@contextmanager
def progress(context: Context) -> Iterator[Advance]:
    """Something to tell what is being done, how much of it is, and of how much."""
    if not sys.stderr.isatty() or context.as_json:
        yield lambda _what, _done, _total: None
        return
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import (  # noqa: PLC0415
        BarColumn,
        Progress,
        TaskID,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    bars = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=30),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    tasks: dict[str, TaskID] = {}

    def advance(what: str, done: int, total: int) -> None:
        label = _LABELS.get(what, plain(what, 40))
        if label not in tasks:
            tasks[label] = bars.add_task(label, total=total or None)
        bars.update(tasks[label], completed=done, total=total or None)

    with bars:
        yield advance
