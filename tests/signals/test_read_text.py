"""The text stage reads any text: what it keeps, what it finds, and how long it may take."""

import pickle
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.connector import TextContext
from services.signals.reading import read_text
from tests.cost import cpu_seconds

CONTEXT = TextContext(at=datetime(2026, 11, 25, 9, tzinfo=UTC), utc_offset=60)
HTML = TextContext(at=CONTEXT.at, is_html=True)
SIZE = 64 * 1024

HOSTILE = {
    "deep quotes": ">" * SIZE,
    "deep quotes in lines": "> > > > > > > >\n" * (SIZE // 16),
    "long dashes": "-" * SIZE,
    "lines of dashes": "-----\n" * (SIZE // 6),
    "on on on": "On " * (SIZE // 3) + "wrote:",
    "on on on in lines": "On \n" * (SIZE // 4) + "wrote:",
    "wrote wrote": "On 3 March Ana wrote:\n" * (SIZE // 22),
    "headers": "From: a\n" * (SIZE // 8),
    "two headers": "From: a\nSent: b\nx\n" * (SIZE // 18),
    "colons": ":" * SIZE,
    "one word": "a" * SIZE,
    "spaces": " " * SIZE,
    "dots": ". " * (SIZE // 2),
    "questions": "Can you? " * (SIZE // 9),
    "please": "please " * (SIZE // 7),
    "if you": "if you have any " * (SIZE // 16),
    "i'll": "i'll " * (SIZE // 5),
    "names": "Ana " * (SIZE // 4) + "meet",
    "meet names": "meet Ana " * (SIZE // 9),
    "best best": "best " * (SIZE // 5),
    "closings": "Best regards,\n" * (SIZE // 14),
    "digits": "1" * SIZE,
    "phones": "+49 30 9018 20 " * (SIZE // 15),
    "signature digits": "Hi\n-- \n" + "1 (2) 3." * (SIZE // 8),
    "addresses": "a@b." * (SIZE // 4),
    "new address": "my new email is " * (SIZE // 16) + "@",
    "numbers of days": "in a couple of " * (SIZE // 15) + "days",
    "by by": "I will send it by " + "by the " * (SIZE // 7),
    "on leave": "office urgent " * (SIZE // 14),
    "nul": "\0" * SIZE,
    "right to left": "\u202e\u0645\u0631\u062d\u0628\u0627 " * (SIZE // 7),
    "breaks": "\r\n" * (SIZE // 2),
    "link links": "http://" * (SIZE // 7) + "?",
    "quotation marks": '"' * SIZE,
    "opened quotation marks": '"a b c ' * (SIZE // 7) + "?",
    "no need": "could you no need to " * (SIZE // 21),
    "never mind": "never mind the " * (SIZE // 15),
    "banner": "message from an external " * (SIZE // 25) + "\n\nyes",
    "no longer work": "i no longer work contact " * 50,
}
HOSTILE_HTML = {
    "deep div": "<div>" * (SIZE // 5),
    "unclosed bold": "<p>" + "".join(f"<b id={n}>" for n in range(2500)) + "<p>x" * 6000,
    "angles": "<" * SIZE,
    "open tags": "<a" * (SIZE // 2),
    "quotes in a tag": "<p " + '"' * SIZE,
    "comments": "<!--" * (SIZE // 4),
    "entities": "&amp;" * (SIZE // 5),
    "quote nests": "<blockquote type=cite>" * (SIZE // 22),
    "tables": "<table>" * (SIZE // 7),
    "nested quotes": "<div>a:<blockquote>" * (SIZE // 20),
    "quotes in a row": "<p>a:</p><blockquote>b</blockquote>" * (SIZE // 36),
    "spaces in a tag": "<p" + " " * SIZE,
    "gmail quotes": "<div class=gmail_quote>" * (SIZE // 23),
    "hidden": "<p style='display:none'>" * (SIZE // 24),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_text_is_read_in_time(name: str) -> None:
    """64 KB built to make patterns go back and forth take little time (S18)."""
    assert cpu_seconds(lambda: read_text(HOSTILE[name], CONTEXT), 1.5) < 1.5


@pytest.mark.parametrize("name", HOSTILE_HTML)
def test_hostile_html_is_read_in_time(name: str) -> None:
    """64 KB of HTML built to swell in a parser take little time."""
    assert cpu_seconds(lambda: read_text(HOSTILE_HTML[name], HTML), 1.5) < 1.5


@given(st.text(max_size=2000), st.booleans())
def test_any_text_is_read(text: str, is_html: bool) -> None:
    """No text raises, and what is kept stays within its bounds."""
    reading = read_text(text, TextContext(at=CONTEXT.at, is_html=is_html))
    assert len(reading.excerpt) <= 280
    assert len(reading.signals) <= 8
    assert all(len(signal.text) <= 280 for signal in reading.signals)


@given(
    st.lists(
        st.sampled_from(
            [
                "> ",
                "On 3 March Ana wrote:",
                "\n",
                "-- \n",
                "Best,\n",
                "From: a\nTo: b\nSubject: c\n",
                "yes ",
                "\x00",
                "\u202e",
            ]
        )
    )
)
def test_any_shape_of_reply_is_read(parts: list[str]) -> None:
    """No order of quotes, attributions and signatures raises."""
    assert "\x00" not in read_text("".join(parts), CONTEXT).excerpt


def test_it_can_be_handed_to_another_process() -> None:
    """The function and what it takes and gives can be pickled."""
    reading = read_text("Could you call me tomorrow?", CONTEXT)
    assert pickle.loads(pickle.dumps(read_text)) is read_text
    assert pickle.loads(pickle.dumps((CONTEXT, reading))) == (CONTEXT, reading)


def test_the_examples_of_the_voice_are_read() -> None:
    """A mail that asks, promises and thanks gives each with its day, and no courtesy becomes an ask."""
    text = (
        "Hi Mara,\n\nThanks so much for introducing me to Omar last week. I'll send you the deck by Friday.\n"
        "Could you look at section 3 before Friday?\n\nLet me know if you have any questions.\n\n"
        "Best regards,\nAna Okafor\nHead of Product, Nordlicht GmbH\n+49 30 901820\nlinkedin.com/in/ana-okafor\n"
    )
    reading = read_text(text, CONTEXT)
    assert [(s.kind, s.due) for s in reading.signals] == [
        ("thanks", None),
        ("promise", date(2026, 11, 27)),
        ("ask", date(2026, 11, 27)),
    ]
    assert set(reading.signature) == {
        "title:Head of Product",
        "org:Nordlicht GmbH",
        "phone:+49 30 901820",
        "linkedin:ana-okafor",
    }
    assert reading.excerpt.startswith("Hi Mara, Thanks so much")


def test_an_introduction_names_the_addresses_in_the_text() -> None:
    """Whom an introduction is about is read from its text."""
    reading = read_text("Mara, meet Omar Haddad (cc'd), omar@example.com, who runs platform.", CONTEXT)
    assert [(s.kind, s.about) for s in reading.signals] == [("introduction", ("omar@example.com",))]


def test_a_quoted_request_is_not_the_writers() -> None:
    """What stands in a quote neither asks nor gives hints."""
    text = "Fine.\n\nOn Mon, 23 Nov 2026 at 10:00, Mara <mara@example.com> wrote:\n> Could you call me?\n> +49 30 901820\n"
    reading = read_text(text, CONTEXT)
    assert (reading.excerpt, reading.signals, reading.signature) == ("Fine.", (), ())


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("My email address has changed, please use ana@new.example from now on.", "newemail:ana@new.example"),
        ("Meine neue E-Mail-Adresse lautet ana@new.example.", "newemail:ana@new.example"),
        ("Ma nouvelle adresse est ana@new.example.", "newemail:ana@new.example"),
        ("Mi nuevo correo es ana@new.example.", "newemail:ana@new.example"),
        ("Il mio nuovo indirizzo è ana@new.example.", "newemail:ana@new.example"),
    ],
)
def test_a_new_address_is_told(text: str, hint: str) -> None:
    """ "My address has changed" gives the new one."""
    assert hint in read_text(text, CONTEXT).signature


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        ("Automatic reply: Budget", "I am away."),
        ("Abwesenheitsnotiz: Budget", "Ich bin nicht da."),
        (
            "Budget",
            "I am out of the office until 3 March with limited access to email. For urgent matters contact Tom.",
        ),
        ("Budget", "Ich bin im Urlaub und habe keinen Zugriff auf meine Mails."),
    ],
)
def test_an_automatic_answer_is_only_that(subject: str, text: str) -> None:
    """A machine's answer asks and promises nothing."""
    reading = read_text(text, TextContext(at=CONTEXT.at, subject=subject))
    assert [s.kind for s in reading.signals] == ["auto_reply"]


@pytest.mark.parametrize(
    ("subject", "text"),
    [("Re: Automatic reply: Budget", "Ha, enjoy."), ("Budget", "I'm out of the office on Friday.")],
)
def test_a_human_away_is_no_machine(subject: str, text: str) -> None:
    """A person who says that they are away has written themselves."""
    assert "auto_reply" not in [
        s.kind for s in read_text(text, TextContext(at=CONTEXT.at, subject=subject)).signals
    ]


@pytest.mark.parametrize(
    "text",
    [
        "Could you believe the rain? No reply needed, see you on Monday.",
        "Could you please file this.\n\nNo need to answer.",
        "Can you believe it? Please file this. You don't need to send anything; I don't expect an answer.",
        "Bitte ablegen. Du musst nicht antworten.",
        "Peux-tu le garder pour toi ? Pas besoin de répondre.",
        "¿Puedes guardarlo? No hace falta que respondas.",
        "Puoi tenerlo? Non serve che tu risponda, non serve rispondere.",
    ],
)
def test_who_wants_no_answer_asks_nothing(text: str) -> None:
    """Where a writer says that no answer is needed, no question of theirs waits for one."""
    assert "ask" not in [signal.kind for signal in read_text(text, CONTEXT).signals]


@pytest.mark.parametrize(
    "text",
    [
        "Could you look at the draft? No need to answer before Monday.",
        "Could you look at the draft? I got no answer last time.",
        "Könntest du draufschauen? Du musst nicht sofort antworten.",
    ],
)
def test_a_question_without_haste_still_asks(text: str) -> None:
    """An answer that may come later, or that is missed, is wanted."""
    assert "ask" in [signal.kind for signal in read_text(text, CONTEXT).signals]


@pytest.mark.parametrize(
    "text",
    [
        "Never mind, found it.",
        "Hi Mara,\n\nplease ignore my last mail, the key was in my bag.",
        "It's sorted now, thanks!",
        "Hat sich erledigt, danke!",
        "Laisse tomber, j'ai trouvé.",
        "Olvídalo, está resuelto.",
        "Lascia perdere, ho risolto.",
    ],
)
def test_who_takes_a_question_back_says_so(text: str) -> None:
    """ "Never mind" settles what was asked before, and asks nothing."""
    kinds = [signal.kind for signal in read_text(text, CONTEXT).signals]
    assert "settled" in kinds
    assert "ask" not in kinds


@pytest.mark.parametrize(
    "text",
    [
        "Never mind the first question. Could you send me the second file?",
        "I found it very interesting.",
        "Found it interesting, thanks.",
        "The dispute will be settled in court.",
        "We never mind a visit.",
    ],
)
def test_a_new_question_or_a_tale_settles_nothing(text: str) -> None:
    """What is still asked, and what is only told of, is not taken back."""
    assert "settled" not in [signal.kind for signal in read_text(text, CONTEXT).signals]


@pytest.mark.parametrize(
    "text",
    [
        "Merci de votre message. Je suis absente du bureau jusqu'au 30 novembre. En cas d'urgence, contactez Paul.",
        "Gracias por su mensaje. Estoy fuera de la oficina hasta el 30. Para asuntos urgentes, contacte con Juan.",
        "Grazie per il messaggio. Sono fuori ufficio fino al 30. In caso di urgenza contattare Marco.",
        "Bedankt voor uw bericht. Ik ben afwezig tot 30 november. Voor dringende zaken kunt u contact opnemen met Jan.",
        "Obrigado pela sua mensagem. Estou fora do escritório até 30 de novembro. Em caso de urgência contacte o João.",
        "Tack för ditt mejl. Jag är på semester till den 30 november. Vid brådskande ärenden kontakta Sven.",
        "Dziękuję za wiadomość. Jestem na urlopie do 30 listopada. W pilnych sprawach proszę o kontakt z Janem.",
        "Ich bin ab dem 30.11. wieder erreichbar. Ihre Nachricht wird nicht weitergeleitet.",
        "Thanks for your message. I'm travelling with no access to email until the 30th and will reply on my return.",
        "I'm on parental leave until March. Please contact Tom Ford for anything urgent.",
        "Thank you for your email! I no longer work at K. Please contact sales@k.example.",
        "We have received your email and will get back to you within two business days.",
    ],
)
def test_absence_is_a_machines_in_many_languages(text: str) -> None:
    """An absence notice without any header of a machine is known by its words, and neither asks nor answers."""
    assert [
        one.kind for one in read_text(text, TextContext(at=CONTEXT.at, subject="Re: Budget")).signals
    ] == ["auto_reply"]


@pytest.mark.parametrize(
    "text",
    [
        "I was travelling last week and will send you the file on Monday.",
        "We no longer work with Acme. Could you send me the new supplier's name?",
        "Ich war im Urlaub und bin zurück. Kannst du mir das Angebot schicken?",
        "I received your message, thank you. Could you call me?",
        "We received your parcel yesterday; I'll send the invoice by Friday.",
        "Ik ben morgen afwezig, kun je me overmorgen bellen?",
    ],
)
def test_a_human_who_was_away_is_no_machine(text: str) -> None:
    """A person who tells of a journey, or of what came, has written themselves."""
    assert "auto_reply" not in [signal.kind for signal in read_text(text, CONTEXT).signals]


def test_an_excerpt_ends_at_a_word() -> None:
    """A long text is cut at a word, in at most 280 characters."""
    excerpt = read_text("Wort " * 200, CONTEXT).excerpt
    assert len(excerpt) <= 280
    assert excerpt.endswith("Wort…")
