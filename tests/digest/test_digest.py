"""What the digest says, in which order, and that its forms agree."""

import html as entities
import re
from datetime import date

import pytest
from msgspec.structs import replace
from selectolax.lexbor import LexborHTMLParser

from schemas.errors import UsageError
from schemas.interface import Counts, DigestItem, DigestSection
from schemas.records import Signal
from services.digest import (
    Links,
    Numbers,
    SourceNote,
    acted_on,
    build,
    preheader,
    render_html,
    render_text,
    subject,
)
from services.digest.words import age_words, cut, day_words, initials, listed
from tests.digest import weeks
from tests.digest.weeks import WEEK, a_followup, a_mail, a_meeting, a_person, a_state, at


def test_sections_stand_in_the_order_of_use() -> None:
    """People who wait come first, then promises, then what is waited for; empty sections are left out."""
    keys = [section.key for section in weeks.full_week().sections]
    assert keys == [
        "waiting_for_you",
        "you_promised",
        "you_wait_for",
        "thanks",
        "this_week",
        "people_met",
        "reconnect",
        "moved_jobs",
        "keep_in_touch",
        "new_connections",
        "goals",
        "board",
    ]
    assert (weeks.full_week().from_, weeks.full_week().to) == (date(2026, 11, 23), date(2026, 11, 29))


def test_the_subject_names_the_first_thing() -> None:
    """Who waits and whom one meets alone is in the subject."""
    assert subject(weeks.full_week()) == "Your week: Ana and one other wait for you; Thursday with Priya"
    assert subject(weeks.one_meeting()) == "Your week: Thursday with Priya"
    assert subject(weeks.empty_week()) == "Your week: nothing is waiting for you"


def test_an_empty_week_is_one_sentence() -> None:
    """With nothing to say the digest says so once, without numbers."""
    text = render_text(weeks.empty_week())
    assert text == "Good morning, Mara. Monday, 23 November\n\nNothing is waiting for you. Enjoy the week.\n"
    assert preheader(weeks.empty_week()) == "Nothing is waiting for you. Enjoy the week."


def test_a_line_quotes_what_was_asked_and_says_why() -> None:
    """A person waiting is shown with the words of their question and the reason of the line."""
    item = weeks.full_week().sections[0].items[0]
    assert item.text == 'Ana Okafor asked on Tuesday: "Could you look at section 3 before Friday?"'
    assert item.why == 'asked you alone, no answer yet, in "Grant draft"'
    assert (item.person, item.followup, item.evidence) == ("p01", "f01", ["i01"])


def test_meetings_are_what_is_still_to_come() -> None:
    """This week holds meetings ahead that stand: no cancelled, declined, past, lonely or crowded ones."""
    ana = a_person("p1", "Ana Okafor", counts=Counts(meetings=1))
    meetings = [
        a_meeting("past", at(11, 23, 7), ["p1"], "Past"),
        a_meeting("held", at(11, 24, 10), ["p1"], "Held"),
        a_meeting("sunday", at(11, 29, 23), ["p1"], "Sunday"),
        a_meeting("next", at(11, 30, 9), ["p1"], "Next week"),
        a_meeting("off", at(11, 24, 11), ["p1"], "Off", is_cancelled=True),
        a_meeting("no", at(11, 24, 12), ["p1"], "No", owner_partstat="declined"),
        a_meeting("they", at(11, 24, 13), ["p1"], "They", declined=("p1",)),
        a_meeting("crowd", at(11, 24, 14), ["p1"], "Crowd", group_size=13),
        a_meeting("alone", at(11, 24, 15), [], "Alone"),
    ]
    digest = build(a_state([ana], meetings=meetings), (), WEEK)
    assert [item.evidence for item in digest.sections[0].items] == [["held"], ["sunday"]]
    assert digest.sections[0].items[0].when == "Tue 10:00"


def test_a_series_is_one_line() -> None:
    """A meeting every day stands once in the week, with how often it returns."""
    ana = a_person("p1", "Ana Okafor")
    daily = [a_meeting(f"m{day}", at(11, day, 9), ["p1"], "Stand-up", series="s") for day in range(24, 28)]
    items = build(a_state([ana], meetings=daily), (), WEEK).sections[0].items
    assert [item.text for item in items] == ["Tue 09:00  Ana Okafor: Stand-up (and 3 more times this week)"]


def test_numbers_are_of_the_week_behind() -> None:
    """The balance counts people, meetings and answers of the seven days before the week, and only those."""
    numbers = weeks.full_week().numbers
    assert (numbers["people"], numbers["meetings"], numbers["answers"]) == (6, 2, 3)
    assert (numbers["from"], numbers["to"]) == ("2026-11-16", "2026-11-22")
    assert "Of 12 suggestions last month you acted on 7." in " ".join(render_text(weeks.full_week()).split())


def test_a_week_gone_by_tells_what_belonged_to_it() -> None:
    """Moves stand in the weeks in which they were news, and under a look back; never today's under an old week."""
    ana = a_person("p1", "Ana Okafor", organization="Nordlicht", moved_on=date(2026, 11, 20))
    ben = a_person("p2", "Ben Asante", organization="Oriel", moved_on=date(2025, 1, 2))
    state = a_state([ana, ben])
    moved = {
        week: [item.name for section in build(state, (), week).sections for item in section.items]
        for week in ("2024-W52", "2025-W01", "2025-W02", "2025-W04", "2026-W46", "2026-W47", "2026-W48")
    }
    assert moved == {
        "2024-W52": [],
        "2025-W01": ["Ben Asante"],
        "2025-W02": ["Ben Asante"],
        "2025-W04": [],
        "2026-W46": [],
        "2026-W47": ["Ana Okafor"],
        "2026-W48": ["Ana Okafor"],
    }
    old = build(state, (), "2025-W01")
    assert render_text(old).startswith("Looking back, Mara. The week of 30 December 2024\n")
    assert "Looking back, Mara." in render_html(old)
    empty = build(state, (), "2024-W52")
    assert subject(empty) == "Your week: nothing was put before you that week"
    assert preheader(empty) == "Nothing was put before you that week."
    assert render_text(empty) == (
        "Looking back, Mara. The week of 23 December 2024\n\nNothing was put before you that week.\n"
    )
    assert "Enjoy the week" not in render_html(empty)


def test_acted_on_counts_what_was_shown_in_the_month_before() -> None:
    """Done and satisfied count as acted on; what was surfaced earlier or never does not count at all."""
    shown = [a_followup(f"f{n}", "thanks", None, "", "") for n in range(5)]
    for followup, state in zip(shown, ("done", "satisfied", "open", "dismissed", "expired"), strict=True):
        followup.state = state  # type: ignore[assignment]  # zip widens the literal
        followup.surfaced_at = at(11, 2)
    shown[4].surfaced_at = at(10, 2)
    assert acted_on([*shown, a_followup("f9", "thanks", None, "", "")], date(2026, 11, 23)) == (4, 2)


def test_every_line_on_an_export_says_its_age() -> None:
    """Lines that rest on LinkedIn name the export's date and, where Kith words it, its age."""
    for section in weeks.linkedin_aged().sections:
        for item in section.items:
            assert "LinkedIn export of" in item.why
    assert (
        "From your LinkedIn export of 3 May, 29 weeks old." in weeks.linkedin_aged().sections[0].items[0].why
    )


def test_troubles_are_said_even_in_an_empty_week() -> None:
    """A source out of sync is named before anything claims that nothing waits."""
    digest = build(
        a_state(),
        (),
        WEEK,
        sources=[SourceNote(name="Mail", trouble="Mail has been quiet since 2 November.")],
    )
    assert render_text(digest).index("quiet since") < render_text(digest).index("Nothing is waiting")
    assert "in sync" not in render_text(digest)


@pytest.mark.parametrize(
    "week", ["", "2026", "2026-W54", "2026-W00", "W48", "2026-48", "２０２６-W48", "x" * 9999]
)
def test_an_odd_week_is_refused(week: str) -> None:
    """What is not an ISO week is refused with an example of one."""
    with pytest.raises(UsageError, match="2026-W47"):
        build(a_state(), (), week)


@pytest.mark.parametrize("name", weeks.GOLDEN)
def test_html_and_text_say_the_same(name: str) -> None:
    """Every sentence and every link of the page's items is in the text part, and each link of the text in the page."""
    digest = weeks.GOLDEN[name]()
    page, text = render_html(digest, weeks.LINKS), render_text(digest, weeks.LINKS)
    in_page = {entities.unescape(url) for url in re.findall(r'href="([^"]*)"', page)}
    assert in_page == set(re.findall(r"^(?:  )?[A-Za-z ]+: (https?://\S+)$", text, re.MULTILINE))
    plain, shown = _bare(text), _bare(LexborHTMLParser(page).css_first("main").text(separator=" "))  # type: ignore[union-attr]  # it has a main
    for section in digest.sections:
        assert _bare(section.title) in plain
        assert _bare(section.title) in shown
        for item in section.items:
            for said in (item.text, item.why):
                assert _bare(said) in plain
                assert (
                    _bare(said.removeprefix(item.when or "").strip().removeprefix(item.name or "")) in shown
                )


def _bare(text: str) -> str:
    """Letters and figures alone: quotation marks, case and line ends are each form's own."""
    return "".join(char for char in text.casefold() if char.isalnum())


def test_a_name_that_the_subject_repeats_still_stands_before_its_line() -> None:
    """A meeting that is called like whom one met: the line begins with the name, as in the text."""
    met = DigestItem(
        "p1",
        'Lucía Serrano, on 18 November, in "Lucía Serrano, charla"',
        "First meeting.",
        None,
        "Lucía Serrano",
    )
    told = replace(weeks.empty_week(), sections=[DigestSection("met", "People you met", [met])])
    shown = LexborHTMLParser(render_html(told)).text()
    assert "Lucía Serrano, on 18 November, in “Lucía Serrano, charla”" in " ".join(shown.split())


def test_without_links_none_are_drawn() -> None:
    """No dead link is ever drawn: without addresses the page has no anchor at all."""
    assert "<a " not in render_html(weeks.full_week())
    assert "http" not in render_text(weeks.full_week())


def test_local_links_say_so() -> None:
    """Links that lead to the machine itself are admitted to."""
    local = Links(person=lambda person: f"http://127.0.0.1:8321/people/{person}")
    note = "The links work on the computer that runs Kith."
    assert note in render_html(weeks.full_week(), local)
    assert note in render_text(weeks.full_week(), local)
    assert note not in render_html(weeks.full_week(), weeks.LINKS)


def test_fifty_items_stay_under_the_size_at_which_mail_is_clipped() -> None:
    """Fifty asks with links of usual length make at most 80 KB of HTML, and as many lines of text."""
    links = Links(
        action=lambda followup, action: f"https://kith.example.com/go/{followup}.{action}.{'s' * 43}",
        person=weeks.LINKS.person,
        evidence=weeks.LINKS.evidence,
        settings=weeks.LINKS.settings,
        unsubscribe=weeks.LINKS.unsubscribe,
    )
    digest = weeks.crowded(50)
    page = render_html(digest, links).encode()
    assert len(page) <= 80_000
    assert page.count(b">Done</a>") == 50
    assert len(LexborHTMLParser(page).css("h3")) == 7


def test_nothing_remote_is_named() -> None:
    """The page loads nothing: no image, font, style or script comes from anywhere."""
    page = render_html(weeks.full_week(), weeks.LINKS)
    assert not re.search(r"<(img|link|script|iframe|object)|src=|url\(|@import|@font-face|background=", page)


@pytest.mark.parametrize(("scheme", "paper"), [("light", "#FBFAF7"), ("dark", "#14161A")])
def test_colours_are_readable(scheme: str, paper: str) -> None:
    """Text, quiet text and what can be done stand at 4.5:1 or more on the paper of their scheme."""
    page = render_html(weeks.full_week(), weeks.LINKS)
    dark = page[page.index("prefers-color-scheme:dark") : page.index("</style>")]
    source = dark if scheme == "dark" else page.replace(dark, "")
    inks = set(re.findall(r"(?<![-\w])color:(#[0-9A-F]{6})", source))
    assert len(inks) == 3
    for ink in inks:
        assert _contrast(ink, paper) >= 4.5


def _contrast(one: str, other: str) -> float:
    """The contrast of two colours (WCAG 2.2, 1.4.3)."""

    def luminance(colour: str) -> float:
        parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize(
    ("day", "said"),
    [
        (date(2026, 11, 23), "today"),
        (date(2026, 11, 22), "yesterday"),
        (date(2026, 11, 24), "tomorrow"),
        (date(2026, 11, 17), "Tuesday"),
        (date(2026, 11, 16), "16 November"),
        (date(2026, 3, 14), "14 March"),
        (date(2023, 3, 14), "March 2023"),
    ],
)
def test_days_are_said_as_people_say_them(day: date, said: str) -> None:
    """Near days by name, further ones by date, old ones by month and year."""
    assert day_words(day, date(2026, 11, 23)) == said


def test_small_words() -> None:
    """Ages, lists, initials and cuts read well at their edges."""
    assert [age_words(days) for days in (0, 1, 13, 14, 203)] == [
        "of today",
        "1 day old",
        "13 days old",
        "2 weeks old",
        "29 weeks old",
    ]
    assert listed(["Ana"]) == "Ana"
    assert listed(["Ana", "Jonas", "Mei"]) == "Ana, Jonas and Mei"
    assert listed(["Ana", "Jonas", "Mei", "Tom", "Ravi"]) == "Ana, Jonas, Mei and 2 others"
    assert [initials(name) for name in ("Ana Okafor", "ana", "田中 美衣", "", "'; --")] == [
        "AO",
        "A",
        "田",
        "·",
        "·",
    ]
    assert cut("a" * 10, 10) == "a" * 10
    assert cut("one two three four", 16) == "one two three…"
    assert build(a_state(), (), WEEK, Numbers()).sections == []


def test_a_day_gone_by_is_not_taken_for_one_to_come() -> None:
    """A promise past its day says so, and a question asked twice says when it was asked again."""
    mei = a_person("p1", "Mei Tanaka")
    mails = [
        a_mail(
            "i1",
            at(11, 18),
            "owner",
            "Deck",
            Signal("promise", "I'll send it."),
            Signal("promise", "The deck by Friday.", due=date(2026, 11, 20)),
            to=("p1",),
        ),
        a_mail(
            "i2", at(11, 18), "p1", "Budget", Signal("ask", "Can you?", due=date(2026, 11, 25)), cc=("p9",)
        ),
        a_mail("i3", at(11, 20), "p1", "Budget", Signal("ask", "Can you now?")),
    ]
    followups = [
        a_followup("f1", "promise", "p1", "", "", evidence=["i1"], due=date(2026, 11, 20)),
        a_followup("f2", "awaiting_me", "p1", "", "", evidence=["i2", "i3"], due=date(2026, 11, 25)),
    ]
    waiting, promised = build(a_state([mei], mails), followups, WEEK).sections
    assert promised.items[0].text == 'Mei Tanaka, due on Friday, now past: "The deck by Friday."'
    assert waiting.items[0].why == (
        'asked you and one other, no answer yet, in "Budget"; asked again on Friday; wanted by Wednesday'
    )


def test_an_all_day_meeting_of_today_is_still_ahead() -> None:
    """It began at midnight, and yet the day is to come; its line keeps a space after the time."""
    ana = a_person("p1", "Ana Okafor")
    offsite = a_meeting("m1", at(11, 23, 0), ["p1"], "Offsite", is_all_day=True, ends_at=at(11, 24, 0))
    digest = build(a_state([ana], meetings=[offsite]), (), WEEK)
    assert "Mon, all day  Ana Okafor: Offsite (" in render_text(digest)
    assert subject(digest) == "Your week: Monday with Ana"
