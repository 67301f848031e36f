"""Files and folders that are read again by themselves: what is dropped into them is in the book a minute later.

A folder that did not change costs a few stats, as the connectors keep where they were.
"""

from datetime import timedelta
from threading import Event

import structlog

from deploy.importing import import_paths
from deploy.wiring import Application
from schemas.errors import ConfigError
from workers.loop import Loop

EVERY = timedelta(seconds=60)
_log = structlog.get_logger("kith.watching")


class Watch:
    """Reads `KITH_WATCH` for the owner of a home."""

    def __init__(self, app: Application, every: timedelta = EVERY) -> None:
        """Nothing is read yet.

        Raises:
            ConfigError: the home has several owners, and nothing tells whose files these are.
        """
        self._app = app
        self._every = every
        if app.settings.watch and len(app.owners()) > 1:
            raise ConfigError(
                "KITH_WATCH names files, but this home has several owners and nothing tells whose they are. Import "
                "them with kith --owner EMAIL import PATH, and take KITH_WATCH out."
            )

    def run(self, stopped: Event) -> None:
        """Look again and again until `stopped`."""
        if self._app.settings.watch:
            Loop("watch", self.look, lambda: self._every).run(stopped)

    def look(self) -> None:
        """Read what is new in the watched paths, and have the owner's book told."""
        owners = self._app.owners()
        if not owners:
            return
        owner = owners[0][0]
        report = import_paths(
            self._app, self._app.book_of(owner), [str(path) for path in self._app.settings.watch], keep=False
        )
        added = sum(entry.added for entry in report.sources)
        changed = sum(entry.changed for entry in report.sources)
        if added or changed:
            rejected = sum(entry.rejected for entry in report.sources)
            _log.info("watched files read", added=added, changed=changed, rejected=rejected)
