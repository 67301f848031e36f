"""What strangers write into a digest stays text: in the page, in the mail's headers and in its lines."""

from email import message_from_bytes
from email.policy import default
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from schemas.errors import ConfigError
from schemas.interface import Digest, DigestItem, DigestSection
from schemas.records import Mailbox
from services.digest import Links, discreet, render_email, render_html, render_text, subject
from services.digest.render import typeset
from services.digest.words import clean
from tests.digest import weeks

TAGS = (
    "script",
    "img",
    "svg",
    "iframe",
    "object",
    "embed",
    "math",
    "form",
    "input",
    "video",
    "base",
    "link",
    "meta",
)
_BODIES = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "<iframe src=javascript:alert(1)>",
    "<a href='javascript:alert(1)'>x</a>",
    "<math><mtext><script>alert(1)</script>",
    "<body onload=alert(1)>",
    "<object data=data:text/html;base64,PHNjcmlwdD4=>",
    "<base href=//evil.example>",
    "<meta http-equiv=refresh content=0;url=//evil.example>",
    "<link rel=stylesheet href=//evil.example/x.css>",
    "<style>@import '//evil.example/x.css'</style>",
    "<form action=//evil.example><input name=q>",
    "<video><source onerror=alert(1)>",
    "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
    "{% for x in ().__class__.__base__.__subclasses__() %}{{ x }}{% endfor %}",
    "${alert(1)} #{alert(1)} <%= alert(1) %>",
    "javascript:alert(1)",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "<scr\u0000ipt>alert(1)</scr\u0000ipt>",
)
_OPENERS = ("", '"', "'", "-->", "</title>", "</style>", "</bdi>", "</p></td></table>", "]]>", "<!--")
PAYLOADS = [opener + body for opener, body in product(_OPENERS, _BODIES)]


def _digest_of(text: str, section: str = "waiting_for_you") -> Digest:
    item = DigestItem(
        person=text,
        text=f"Thu 10:00 {text}",
        why=text,
        followup=text,
        name=text,
        about=text,
        when=None,
        evidence=[text],
    )
    timed = DigestItem(person=None, text=text, why=text, followup=None, name=text, when=text)
    return Digest(
        week=text,
        from_=weeks.full_week().from_,
        to=weeks.full_week().to,
        owner=text,
        sections=[DigestSection(section, text, [item, timed, item])],
        numbers={"troubles": [text], "people": text, "suggested": 3},
        subject=text,
        greeting=text,
    )


def test_no_payload_lives() -> None:
    """Two hundred payloads in every field leave no tag, no handler and no script address in the page."""
    assert len(PAYLOADS) == 200
    shape = _shape(render_html(_digest_of("plain"), Links(action=lambda f, a: f, person=lambda p: p)))
    for payload in PAYLOADS:
        echo = Links(
            action=lambda followup, _: followup, person=lambda person: person, evidence=lambda key: key
        )
        page = render_html(_digest_of(payload), echo)
        tree = LexborHTMLParser(page)
        found = [node for node in tree.css("*") if node.tag in TAGS and node.tag != "meta"]
        assert found == [], payload
        for node in tree.css("*"):
            assert not any(name.lower().startswith("on") for name in node.attributes), payload
            assert not (node.attributes.get("href") or "").lower().startswith(("javascript", "data")), payload
        # Quotation marks may add isolation; nothing else may change what the page is made of.
        assert _shape(page) == shape, payload


def _shape(page: str) -> list[str]:
    return [str(node.tag) for node in LexborHTMLParser(page).css("*") if node.tag not in {"bdi", "strong"}]


@given(st.text(max_size=400))
@settings(max_examples=150, deadline=None)
def test_any_text_is_one_clean_line(text: str) -> None:
    """Cleaning any text gives one line within its limit, without controls or bidi overrides, and is settled at once."""
    line = clean(text, 60)
    assert len(line) <= 60
    assert not set(line) & set(
        "\r\n\t\x00\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\ufeff"
    )
    assert clean(line, 60) == line


@given(st.text(alphabet="\"'<>&“” ab", max_size=60))
@settings(max_examples=200, deadline=None)
def test_typeset_is_always_balanced(text: str) -> None:
    """However quotation marks fall, the only tags are pairs of ours, and the words are the words."""
    html = str(typeset(text, "a"))
    assert html.count("<bdi>") == html.count("</bdi>")
    words = LexborHTMLParser(f"<p>{html}</p>").css_first("p")
    assert words is not None
    assert words.text().replace("“", '"').replace("”", '"').replace("’", "'") == text.replace(
        "“", '"'
    ).replace("”", '"')


@pytest.mark.parametrize("breaker", ["\r\n", "\n", "\r", "\x00", "\u2028", "\u2029", "\x85", "\x0b", "\r\n "])
def test_no_text_adds_a_header(breaker: str) -> None:
    """Line ends of every kind in names and subjects add no header and no recipient."""
    evil = f"Ana{breaker}Bcc: everyone@evil.example{breaker}{breaker}body"
    digest = _digest_of(evil)
    mail = _mail(digest, sender=Mailbox("kith@lumen.example", evil), to=Mailbox("mara@lumen.example", evil))
    assert set(mail.keys()) == {
        "From",
        "To",
        "Subject",
        "Date",
        "Message-ID",
        "List-Id",
        "Auto-Submitted",
        "MIME-Version",
        "Content-Type",
    }
    assert [address.addr_spec for address in mail["To"].addresses] == ["mara@lumen.example"]
    assert [address.addr_spec for address in mail["From"].addresses] == ["kith@lumen.example"]
    assert mail["Subject"] == subject(digest)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "mara",
        "a@b\r\nBcc: x@evil.example",
        "a@b, x@evil.example",
        "<a@b>",
        "a b@c",
        "a@b@c\x00",
        "a" * 300 + "@b",
        "a@ß.example",
    ],
)
def test_an_odd_address_is_refused(address: str) -> None:
    """An address that could not stand alone in a header stops the mail and says so."""
    with pytest.raises(ConfigError):
        _mail(weeks.one_meeting(), to=Mailbox(address, "Mara"))


@pytest.mark.parametrize("odd", ["", "a b", 'x"', "a\r\nb", "x" * 300])
def test_an_odd_message_id_or_boundary_is_refused(odd: str) -> None:
    """What the caller hands in for the envelope is checked like everything else."""
    with pytest.raises(ConfigError):
        _mail(weeks.one_meeting(), message_id=odd)
    with pytest.raises(ConfigError):
        _mail(weeks.one_meeting(), boundary=odd)


def test_one_click_unsubscribe_needs_a_public_address() -> None:
    """List-Unsubscribe stands in the mail only with a public https address, whole however long."""
    public = "https://kith.example.com/go/" + "x" * 300
    mail = _mail(weeks.one_meeting(), links=Links(unsubscribe=public))
    assert mail["List-Unsubscribe"] == f"<{public}>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    for address in (
        "http://127.0.0.1:8321/go/x",
        "https://localhost/go/x",
        "http://kith.example.com/x",
        None,
    ):
        assert "List-Unsubscribe" not in _mail(weeks.one_meeting(), links=Links(unsubscribe=address))


def test_discreet_digest_names_nobody() -> None:
    """The digest for shared eyes holds no name, no quotation and no link, but says how much there is."""
    digest = weeks.full_week()
    shown = (
        render_html(discreet(digest), weeks.LINKS) + render_text(discreet(digest)) + subject(discreet(digest))
    )
    for name in ("Ana", "Priya", "Jonas", "Lumen", "section 3", "platform team", "/people/"):
        assert name not in shown
    assert subject(discreet(digest)) == "Your week: 9 suggestions"


def _mail(digest: Digest, **envelope: Any) -> Any:
    facts: dict[str, Any] = {
        "sender": Mailbox("kith@lumen.example", "Kith"),
        "to": Mailbox("mara@lumen.example", "Mara"),
        "message_id": "digest.1@lumen.example",
        "boundary": "=_kith",
        "date": weeks.MONDAY,
    } | envelope
    return message_from_bytes(render_email(digest, **facts).as_bytes(), policy=default)
