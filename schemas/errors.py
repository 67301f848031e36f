"""The whole error hierarchy; callers switch on these classes, never on words or on a vendor's name.

Each message says what was asked, what came back and what to do next, in words a person understands, and holds
no secret, subject or body text.
"""

from datetime import timedelta


class KithError(Exception):
    """Something the user should hear of; its text is the whole of what is printed."""


class ConfigError(KithError):
    """The settings, the home or a scope do not allow what was asked; nothing was begun."""


class UsageError(KithError):
    """The command's words are off (an unknown or ambiguous person, a date nobody can read)."""


class HomeBusy(KithError):
    """Another process already runs this home."""


class HomeTooNew(ConfigError):
    """A later release of Kith wrote this home; this one refuses to touch it."""


class SuspiciousSnapshot(KithError):
    """A snapshot would retire everything held in its window; it is held back until confirmed."""


class UnreadableFile(KithError):
    """A whole file cannot be understood as what it claims to be."""


class ConnectorError(KithError):
    """Anything an outside system did or refused."""


class Transient(ConnectorError):
    """It may work later: 5xx, a reset, a time-out while reading."""


class RateLimited(Transient):
    """The other side asks for patience of exactly `retry_after`."""

    def __init__(self, message: str, *, retry_after: timedelta) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class QuotaSpent(RateLimited):
    """What the other side allows in a time is used up, by our own count: nothing was refused, and nothing went wrong."""


class ReauthRequired(ConnectorError):
    """The grant is gone or refused; only the owner can renew it."""


class CursorExpired(ConnectorError):
    """The other side no longer knows the cursor; pull from `None`."""


class PartlyRead(ConnectorError):
    """Some of several collections could not be read, and all others were read to their end: no failure of the whole."""


class Ambiguous(ConnectorError):
    """A write's answer never came; it may or may not have happened."""


class Rejected(ConnectorError):
    """Asking again is useless."""


class Missing(Rejected):
    """What was named is not there (any more): a folder, a list, a task."""


class Deleted(Missing):
    """A task is nowhere while its list is there: its owner deleted it, and it is not made again."""
