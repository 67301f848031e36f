"""`kith connect google|microsoft`: tells what is asked and why, and gets the owner's answer by browser, device or file."""

import os
import sys
import webbrowser
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from threading import Thread
from typing import Any

from deploy.cli.context import Context
from deploy.cli.paper import hint, plain, say, wrapped
from deploy.clock import SystemSleeper
from deploy.connecting import Wish
from deploy.grants import authority_of
from deploy.loopback import Closing, Loopback
from deploy.signing import SignIn, again, check_client, from_file, granted_wish, is_hosted, sign_in_for
from schemas.errors import ConfigError, KithError, Rejected, Transient, UsageError
from schemas.oauth import SIGN_IN_WITHIN, ForeignAnswer, Grant

_FILES = {"google": "authorized_user", "microsoft": "token_cache"}
_LONGEST = 1_000_000


def signed_wish(context: Context, wish: Wish, given: Mapping[str, Any]) -> Wish | None:
    """The wish with what its owner allowed; None where they go on at the page, and nothing is to be done here.

    Raises:
        KithError: nothing was allowed, or nobody could be asked.
    """
    app = context.application
    sign_in = sign_in_for(app, context.book.owner, wish)
    file = given[_FILES[wish.kind]]
    if file:
        return granted_wish(app, sign_in, from_file(app, sign_in, _text(file, _FILES[wish.kind])))
    if given["device"]:
        if not sign_in.spec.has_device:
            authority_of(app, wish.kind).begin_device(sign_in.scopes)  # which says why not
        check_client(app, sign_in)
        _tell(sign_in)
        return granted_wish(app, sign_in, _by_device(context, sign_in))
    check_client(app, sign_in)
    if is_hosted(app):
        _send_to_page(context, sign_in)
        return None
    _tell(sign_in)
    return _in_browser(context, sign_in)


def _tell(sign_in: SignIn) -> None:
    hint(f"Kith asks {sign_in.spec.title} for the least that it needs:")
    for one in sign_in.asked:
        hint(*wrapped(f"{one.title}: {one.reason} ({one.scope.rpartition('/')[2]})", "    "))
    if sign_in.user:
        hint(f"Sign in as {plain(sign_in.user)}.")


# --- in a browser on this machine ---------------------------------------------------------------------------------------


def _in_browser(context: Context, sign_in: SignIn) -> Wish:
    app, spec = context.application, sign_in.spec
    authority = authority_of(app, spec.kind)
    came: list[Wish | KithError] = []

    def answer(query: str) -> Closing:
        try:
            wish = granted_wish(app, sign_in, authority.finish(attempt, query))
        except ForeignAnswer as error:
            return Closing(title="Who asks?", words=str(error), status=400, is_end=False)
        except KithError as error:
            came.append(error)
            command = again(sign_in)
            return Closing(
                title=f"Did {spec.title} let Kith in?",
                words=str(error),
                status=400,
                command="" if str(error).endswith(command) else command,
            )
        came.append(wish)
        return Closing(
            title=f"Did {spec.title} let Kith in?",
            words=f"Yes, as {wish.settings['user'] or 'you'}. Kith goes on in the window where you began. You may close "
            "this one.",
        )

    place = Loopback(answer)
    attempt = authority.begin(spec.loopback.format(port=place.port), sign_in.scopes)
    url = authority.url(attempt, sign_in.user)
    with place:
        is_open = _has_browser()
        if is_open:
            # Some browsers come back only when they are closed.
            Thread(target=webbrowser.open, args=(url,), name="browser", daemon=True).start()
        hint(
            "Your browser opens. If it does not, open this in it, on this machine:"
            if is_open
            else "Open this in a browser on this machine:",
            f"    {url}",
        )
        if not place.wait(SIGN_IN_WITHIN):
            raise Transient(
                f"Nobody signed in within {SIGN_IN_WITHIN.total_seconds() / 60:.0f} minutes. Nothing was changed. Begin "
                f"again: {again(sign_in)}"
            )
    (told,) = came
    if isinstance(told, KithError):
        raise told
    return told


def _has_browser() -> bool:
    """Whether a browser can open a window: those that run in a terminal would take this one."""
    return sys.platform in {"darwin", "win32"} or any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")
    )


# --- on another device --------------------------------------------------------------------------------------------------


def _by_device(context: Context, sign_in: SignIn) -> Grant:
    authority = authority_of(context.application, sign_in.spec.kind)
    code = authority.begin_device(sign_in.scopes)
    hint(f"On any device, open {plain(code.url)} and type {plain(code.user_code)}.")
    hint(
        "Type a code only where you began the sign-in yourself. Many organisations allow no sign-in by code."
    )
    waited, most, pause = timedelta(), SIGN_IN_WITHIN * 1.5, code.interval
    while waited < most:
        SystemSleeper().sleep(pause)
        waited += pause
        try:
            told = authority.finish_device(code)
        except Transient:
            # The code is good still, and may be typed just now (RFC 8628 3.5).
            pause *= 2
            continue
        if isinstance(told, Grant):
            return told
        pause += told.longer
    raise Rejected("The code's time is over. Begin again.")


# --- at the page of a server --------------------------------------------------------------------------------------------


def _send_to_page(context: Context, sign_in: SignIn) -> None:
    from deploy.hosting import ticket_url  # noqa: PLC0415  # servers alone

    url, ends_at = ticket_url(context.application, sign_in)
    if context.as_json:
        context.put({"url": url, "ends_at": ends_at})
        return
    say(
        f"Open this within an hour, in any browser; it says what {sign_in.spec.title} will be asked, and why:",
        "",
        f"    {url}",
        "",
    )
    hint("Kith must run at that address: kith up, or kith serve. After that: kith accounts")


# --- from a file --------------------------------------------------------------------------------------------------------


def _text(file: str, option: str) -> str:
    name = f"--{option.replace('_', '-')}"
    if file == "-":
        return sys.stdin.read(_LONGEST)
    try:
        with Path(file).expanduser().open(encoding="utf-8") as opened:
            text = opened.read(_LONGEST)
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is no text"
        raise ConfigError(f"{name} names {file}, which cannot be read: {why}. Correct the path.") from error
    if not text.strip():
        raise UsageError(f"{name} names {file}, which is empty.")
    return text
