"""Logging: structured, to standard error, and with nothing private in it.

A log line may name ids, counts, states and kinds. Secrets, addresses, subjects and texts are masked, whichever
library logs them; of an exception that is not Kith's own only the name and the places are shown, since its words may
quote a row, a header or a URL.
"""

import logging
import re
import sys
from collections import deque
from collections.abc import Iterable, Mapping, MutableMapping
from types import TracebackType
from typing import Any, Literal, TextIO
from urllib.parse import quote

import structlog

from schemas.errors import KithError

MASK = "[redacted]"
_PRIVATE_KEYS = re.compile(
    r"(?i)subject|summary|excerpt|body|text|snippet|address|e?mail|phone|recipient|sender|display_?name|token|secret"
    r"|passw|authorization|cookie|api_?key|code_verifier"
)
# Each is linear in its input: one class repeated, bounded by a character outside it.
ADDRESS = re.compile(r"[^\s@<>\"'(),;:\[\]]{1,64}@[^\s@<>\"'(),;:\[\]]{1,255}")
_CREDENTIALS = re.compile(r"(?i)\b([a-z][a-z0-9+.-]{1,20}://)[^\s/@]{1,300}@")
_QUERY = re.compile(r"(?i)\b(https?://[^\s?#]{1,2000})[?#][^\s\"']{1,4000}")
_BEARER = re.compile(r"(?i)\b(bearer|basic|oauth|cookie:|set-cookie:)[ =:]+[^\s,;]{6,4000}")
_PAIR = re.compile(
    r"(?i)\b(access_token|refresh_token|id_token|client_secret|code|state|password|passwd|secret|token|subject|api_key)"
    r"([\"']?\s?[=:]\s?)(\"[^\"]{0,4000}\"|'[^']{0,4000}'|[^\s,;&}]{1,4000})"
)
_LONGEST = 4_000
_SHORTEST = 6
"""A shorter secret is part of too many words to be told from them."""

Event = MutableMapping[str, Any]
_learnt: tuple[str, ...] = ()
_passing: deque[str] = deque(maxlen=400)
"""Secrets that others take the place of after an hour; were all of them kept, each line would take longer."""


def keep_out(secret: str, *, is_passing: bool = False) -> None:
    """Mask a secret wherever it stands in any line from now on, in this process; also as a URL would spell it.

    Args:
        is_passing: it is an access token, of which the last few hundred are masked.
    """
    global _learnt  # noqa: PLW0603  # logging is one for the whole process
    spellings = {one for one in (secret, quote(secret, safe="")) if len(one) >= _SHORTEST}
    new = spellings.difference(_learnt, _passing)
    if is_passing:
        _passing.extend(new)
    else:
        _learnt = (*_learnt, *new)


class Redactor:
    """A structlog processor that masks what is private in every value of a line."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        """`secrets` are masked wherever they stand."""
        self._secrets = [secret for secret in secrets if len(secret) >= _SHORTEST]

    def __call__(self, _logger: Any, _method: str, event: Event) -> Event:
        """The line without what is private."""
        for key, value in list(event.items()):
            if key == "event":
                event[key] = self.scrubbed(str(value))
            elif _PRIVATE_KEYS.search(key) and not isinstance(value, (int, float, bool, type(None))):
                event[key] = MASK
            else:
                event[key] = self._value(value)
        return event

    def scrubbed(self, text: str) -> str:
        """A text without addresses, credentials, query strings and known secrets, and not endless."""
        text = text[:_LONGEST]
        known = (*self._secrets, *_learnt, *tuple(_passing))
        # What the patterns would cut in two goes before them; a plain word after, as it may be the name that they look for.
        for secret in known:
            if not secret.isalnum():
                text = text.replace(secret, MASK)
        text = _CREDENTIALS.sub(rf"\1{MASK}@", text)
        text = _QUERY.sub(rf"\1?{MASK}", text)
        text = _BEARER.sub(rf"\1 {MASK}", text)
        text = _PAIR.sub(rf"\1\2{MASK}", text)
        text = ADDRESS.sub(MASK, text)
        for secret in known:
            text = text.replace(secret, MASK)
        return text

    def _value(self, value: Any) -> Any:
        if value is None or isinstance(value, (bool, int, float)):
            return value
        if isinstance(value, Mapping):
            return {
                str(key): MASK if _PRIVATE_KEYS.search(str(key)) else self._value(one)
                for key, one in list(value.items())[:50]
            }
        if isinstance(value, (list, tuple, set, frozenset)):
            return [self._value(one) for one in list(value)[:50]]
        return self.scrubbed(str(value))


def shown_exceptions(_logger: Any, _method: str, event: Event) -> Event:
    """An exception becomes its name and places; its words only where they are Kith's own."""
    given = event.pop("exc_info", None)
    if given is True:
        given = sys.exc_info()
    error = given[1] if isinstance(given, tuple) else given
    if isinstance(error, BaseException):
        event["error"] = _chain(error)
    return event


def _chain(error: BaseException) -> list[str]:
    told: list[str] = []
    one: BaseException | None = error
    while one is not None and len(told) < 5:
        words = f": {one}" if isinstance(one, KithError) else ""
        told.append(f"{type(one).__name__}{words} at {' < '.join(_places(one.__traceback__))}")
        one = one.__cause__ or (None if one.__suppress_context__ else one.__context__)
    return told


def _places(trace: TracebackType | None) -> list[str]:
    """The innermost eight places, innermost first."""
    places: list[str] = []
    while trace is not None:
        code = trace.tb_frame.f_code
        places.append(f"{'/'.join(code.co_filename.split('/')[-2:])}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    return places[::-1][:8]


def set_up_logs(
    style: Literal["console", "json", ""] = "",
    *,
    secrets: Iterable[str] = (),
    verbose: bool = False,
    is_quiet: bool = False,
    stream: TextIO | None = None,
) -> None:
    """Send every logger's lines to standard error, redacted.

    Args:
        style: `console` or `json`; by itself the first on a terminal and the second elsewhere.
        secrets: what is masked wherever it stands.
        verbose: DEBUG instead of INFO, for Kith's own loggers alone.
        is_quiet: nothing but ERROR, for commands, which say in their own words how they ended.
        stream: where the lines go instead.
    """
    out = stream or sys.stderr
    is_console = style == "console" or (not style and out.isatty())
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        shown_exceptions,
        Redactor(secrets),
    ]
    renderer: Any = (
        structlog.dev.ConsoleRenderer(colors=out.isatty())
        if is_console
        else structlog.processors.JSONRenderer(sort_keys=True)
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.PositionalArgumentsFormatter(), *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.INFO)
    usual = logging.ERROR if is_quiet else logging.INFO
    logging.getLogger("kith").setLevel(logging.DEBUG if verbose else usual)
    # What these say of each job and request, Kith's own lines say without arguments and tracebacks.
    for name in ("dramatiq", "uvicorn", "sqlalchemy", "alembic", "asyncio"):
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("dramatiq.worker.WorkerThread").setLevel(logging.CRITICAL)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
