"""Signed links: what is accepted, how little they hold, and that no other text is a link of ours."""

import base64
import random
from datetime import UTC, datetime, timedelta

import itsdangerous
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import ConfigError
from schemas.records import Mailbox
from services.digest import render_email, render_html, render_text
from services.links import ACTS_FOR, UNSUBSCRIBES_FOR, Link, LinkSigner, digest_links, reconnect_link
from tests.digest import weeks

KEY, OLD = "k" * 43, "o" * 43
SIGNER = LinkSigner([KEY])
LINK = Link(1, "done", "f0123456789abcdef", "2026-W48", 1_800_000_000)
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."


@given(
    st.builds(
        Link,
        st.integers(0, 2**40),
        st.sampled_from(["done", "snooze", "dismiss", "unsubscribe", "reconnect"]),
        st.text(max_size=40),
        st.text(max_size=10),
        st.integers(0, 2**33),
    )
)
def test_a_link_is_read_as_it_was_signed(link: Link) -> None:
    """Any link comes back whole, in letters that stand in a URL as they are."""
    token = SIGNER.signed(link)
    assert SIGNER.read(token) == link
    assert set(token) <= set(LETTERS)


def test_no_tampered_token_is_accepted() -> None:
    """Of 10,000 tokens with a letter changed, put in, left out or moved, or ends swapped, none is read (S10)."""
    chance = random.Random(48)
    tokens = [
        SIGNER.signed(Link(owner, deed, f"f{owner:016x}", "2026-W48", 1_800_000_000))
        for owner in range(1, 21)
        for deed in ("done", "snooze", "dismiss", "unsubscribe")
    ]
    accepted = tried = 0
    while tried < 10_000:
        token, other = chance.choice(tokens), chance.choice(tokens)
        place = chance.randrange(len(token))
        changed = chance.choice(
            [
                token[:place] + chance.choice(LETTERS) + token[place + 1 :],
                token[:place] + chance.choice(LETTERS) + token[place:],
                token[:place] + token[place + 1 :],
                token[:place],
                token[: token.index(".")] + other[other.index(".") :],
                token.swapcase(),
                token + "=",
                token + ".",
                token[:place] + "\n" + token[place:],
            ]
        )
        if changed in tokens:
            continue
        tried += 1
        accepted += SIGNER.read(changed) is not None
    assert accepted == 0


def test_a_signature_has_one_spelling() -> None:
    """The last letter of Base64 has bits that mean nothing: the other spellings of a good signature are refused."""
    token = SIGNER.signed(LINK)
    same = base64.urlsafe_b64decode(token.rpartition(".")[2] + "=")
    others = [
        token[:-1] + letter
        for letter in LETTERS[:-1]
        if letter != token[-1]
        and base64.urlsafe_b64decode((token[:-1] + letter).rpartition(".")[2] + "=") == same
    ]
    assert others
    assert [SIGNER.read(other) for other in others] == [None] * len(others)


@given(st.one_of(st.text(max_size=600), st.text(LETTERS, max_size=600)))
def test_any_text_is_a_link_or_none(text: str) -> None:
    """Nothing raises, and nothing that was not signed is read."""
    assert SIGNER.read(text) is None


def test_keys_are_turned_over() -> None:
    """The first key signs, all are accepted; what a dropped key signed is dead."""
    old, both = LinkSigner([OLD]), LinkSigner([KEY, OLD])
    assert both.read(old.signed(LINK)) == LINK
    assert both.signed(LINK) == SIGNER.signed(LINK)
    assert SIGNER.read(old.signed(LINK)) is None
    with pytest.raises(ConfigError, match="has no key"):
        LinkSigner([])


def test_the_key_serves_this_purpose_alone() -> None:
    """What the home's key itself signs is no link, so that nothing else signed with it becomes one."""
    body = base64.urlsafe_b64encode(msgspec.msgpack.encode(LINK)).rstrip(b"=")
    for derivation in ("none", "hmac", "django-concat"):
        signer = itsdangerous.Signer(KEY, key_derivation=derivation)
        assert SIGNER.read(signer.sign(body).decode()) is None


def test_what_was_signed_otherwise_is_no_link() -> None:
    """A body of another layout under a good signature, as a later release may write it, is refused calmly."""
    for body in (
        b"",
        b"AAAA",
        base64.urlsafe_b64encode(msgspec.msgpack.encode([1, "erase", "", "", 0])).rstrip(b"="),
    ):
        assert SIGNER.read(SIGNER._signers[0].sign(body).decode()) is None


def test_a_digest_and_its_links() -> None:
    """Each follow-up gets a link for each thing to do, without a name or address; equal digests get equal links."""
    digest = weeks.full_week()
    links = digest_links(SIGNER, "https://kith.example.com/", 7, digest, is_mailed=True)
    html = render_html(digest, links)
    assert html == render_html(
        digest, digest_links(SIGNER, "https://kith.example.com", 7, digest, is_mailed=True)
    )
    followups = [item.followup for section in digest.sections for item in section.items if item.followup]
    for followup in followups:
        for action, deed in (("done", "done"), ("snooze", "snooze"), ("not_this", "dismiss")):
            url = links.action(followup, action)  # type: ignore[arg-type]
            assert url
            assert url in html
            assert url in render_text(digest, links)
            token = url.removeprefix("https://kith.example.com/go/")
            ends_at = int((datetime(2026, 11, 23, tzinfo=UTC) + ACTS_FOR).timestamp())
            assert SIGNER.read(token) == Link(7, deed, followup, "2026-W48", ends_at)  # type: ignore[arg-type]
            shown = base64.urlsafe_b64decode(token.partition(".")[0] + "==")
            assert not any(word in shown for word in (b"Ana", b"@", b"Mara"))
    assert "The links work on the computer" not in html


def test_only_a_mail_is_unsubscribed_from() -> None:
    """A digest as a page has nothing to unsubscribe; a mail's link lasts a year and stands in its headers."""
    digest = weeks.full_week()
    assert digest_links(SIGNER, "https://kith.example.com", 7, digest).unsubscribe is None
    links = digest_links(SIGNER, "https://kith.example.com", 7, digest, is_mailed=True)
    assert links.unsubscribe
    read = SIGNER.read(links.unsubscribe.rpartition("/")[2])
    monday = datetime(2026, 11, 23, tzinfo=UTC)
    assert read == Link(7, "unsubscribe", "", "2026-W48", int((monday + UNSUBSCRIBES_FOR).timestamp()))
    assert timedelta(days=360) < UNSUBSCRIBES_FOR


def test_local_links_say_so() -> None:
    """Without a public address the links work on one computer, which is said; no unsubscribe header is made."""
    digest = weeks.full_week()
    links = digest_links(SIGNER, "http://127.0.0.1:8321", 7, digest, is_mailed=True)
    assert "The links work on the computer that runs Kith." in render_text(digest, links)
    assert "The links work on the computer that runs Kith." in render_html(digest, links)
    mail = render_email(
        digest, sender=weeks_mailbox(), to=weeks_mailbox(), message_id="a@lumen.example", boundary="b",
        date=weeks.MONDAY, links=links,
    )  # fmt: skip
    assert mail["List-Unsubscribe"] is None


def weeks_mailbox() -> Mailbox:
    return Mailbox("mara@lumen.example", "Mara")


def test_links_leave_the_digest_small() -> None:
    """Fifty follow-ups with three links each stay below the size at which mail programs cut (80 KB)."""
    digest = weeks.crowded()
    links = digest_links(SIGNER, "https://kith.a-rather-long-name.example.com", 7, digest, is_mailed=True)
    assert len(render_html(digest, links).encode()) < 80_000


def test_an_account_is_reconnected_by_a_link() -> None:
    """The link names the account by its id and ends like a follow-up's."""
    url = reconnect_link(SIGNER, "https://kith.example.com", 7, "a12", datetime(2026, 11, 23, tzinfo=UTC))
    link = SIGNER.read(url.rpartition("/")[2])
    assert link is not None
    assert (link.owner, link.deed, link.about) == (7, "reconnect", "a12")
