"""`kith doctor` on accounts that are signed in to by OAuth: each broken sign-in has its finding and its cure."""

from collections.abc import Callable
from datetime import timedelta
from typing import NamedTuple

import pytest

from tests.cli.test_signing import MARA, Desk, google, microsoft
from tests.fakes.authority import GoogleSignIn, MicrosoftSignIn

assert google
assert microsoft

Act = Callable[[Desk], None]


def as_google(desk: Desk) -> GoogleSignIn:
    assert isinstance(desk.sign_in, GoogleSignIn)
    return desk.sign_in


def refused(error: str, number: int) -> Act:
    def act(desk: Desk) -> None:
        assert isinstance(desk.sign_in, MicrosoftSignIn)
        desk.sign_in.refuses = error, number

    return act


def in_testing(desk: Desk) -> None:
    as_google(desk).is_testing = True
    desk.later(days=8)


def session_over(desk: Desk) -> None:
    as_google(desk).subtype = "invalid_rapt"


def wrong_secret(desk: Desk) -> None:
    desk.kith.environment["KITH_GOOGLE_CLIENT_SECRET"] = "another-canary"


def no_client(desk: Desk) -> None:
    del desk.kith.environment["KITH_GOOGLE_CLIENT_ID"]


def unlisted(desk: Desk) -> None:
    desk.api.lists.clear()


class Broken(NamedTuple):
    """A vendor, what broke, how grave that is, and words of what is found and of the cure."""

    kind: str
    breaks: Act
    state: str
    finding: str
    remedy: str


AGAIN = "kith connect {} --user mara@example.com"
TABLE = {
    "nothing": Broken("google", lambda _: None, "ok", "it signs in", ""),
    "nothing there": Broken("microsoft", lambda _: None, "ok", "it signs in", ""),
    "withdrawn": Broken("google", lambda desk: desk.sign_in.end(MARA), "fault", "withdrawn", AGAIN),
    "testing": Broken("google", in_testing, "fault", '"In production"', AGAIN),
    "session": Broken("google", session_over, "fault", "organisation wants you", AGAIN),
    "wrong secret": Broken(
        "google", wrong_secret, "fault", "KITH_GOOGLE_CLIENT_SECRET", "kith resume google-"
    ),
    "no client": Broken("google", no_client, "fault", "KITH_GOOGLE_CLIENT_ID", "kith resume google-"),
    "password": Broken(
        "microsoft", lambda desk: desk.sign_in.end(MARA, "password"), "fault", "password was changed", AGAIN
    ),
    "unused": Broken("microsoft", lambda desk: desk.sign_in.end(MARA, "expired"), "fault", "90 days", AGAIN),
    "second factor": Broken(
        "microsoft", refused("interaction_required", 50076), "fault", "second factor", AGAIN
    ),
    "consent": Broken(
        "microsoft", refused("invalid_grant", 65001), "fault", "withdrawn, or was never given", AGAIN
    ),
    "secret expired": Broken(
        "microsoft",
        refused("invalid_client", 7000222),
        "fault",
        "secret has expired",
        "kith resume microsoft-",
    ),
    "wrong directory": Broken(
        "microsoft",
        refused("invalid_request", 90002),
        "fault",
        "KITH_MICROSOFT_TENANT",
        "kith resume microsoft-",
    ),
    "list deleted": Broken("google", unlisted, "fault", "is there no more", "--tasks LIST"),
    "authority down": Broken(
        "microsoft",
        lambda desk: desk.server.faults.order("503", 9),
        "fault",
        "cannot answer now",
        "tries again by itself",
    ),
    "asked to wait": Broken(
        "google", lambda desk: desk.server.faults.order("429", 9), "warning", "asks to wait", "asks again in"
    ),
}


@pytest.mark.parametrize("name", TABLE)
def test_each_broken_sign_in_has_its_cure(request: pytest.FixtureRequest, name: str) -> None:
    """What is wrong and what to do is told in words, with no secret among them; nothing is changed by looking."""
    broken = TABLE[name]
    desk: Desk = request.getfixturevalue(broken.kind)
    assert desk.connect("--no-sync", "--tasks").status == 0
    desk.later(hours=2)
    broken.breaks(desk)
    before = desk.accounts()
    told = desk.kith("--json", "doctor")
    document = desk.kith.json("doctor", status=told.status)
    (check,) = [one for one in document["checks"] if f"({broken.kind}-" in one["name"]]
    assert check["state"] == broken.state, check
    assert broken.finding in check["finding"], check
    assert broken.remedy.format(broken.kind) in (check["remedy"] or ""), check
    assert desk.accounts() == before
    assert "canary" not in desk.kith("doctor").out


def test_a_mended_client_needs_no_new_sign_in(google: Desk) -> None:  # the fixture
    """After the secret is right again, the account is resumed, and reads on with the grant that it had."""
    google.connect("--no-sync")
    google.later(hours=2)
    good = google.kith.environment["KITH_GOOGLE_CLIENT_SECRET"]
    wrong_secret(google)
    assert google.kith("sync").status == 4
    google.kith.environment["KITH_GOOGLE_CLIENT_SECRET"] = good
    assert google.kith("resume", "google-").status == 0
    assert google.kith("sync").status == 0
    assert len(google.sign_in.given) == 1
    google.clock.advance(timedelta())
