"""The weeks that golden digests show: Mara and her people, and the weeks that try to break the page."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from schemas.interface import Counts, Digest, DigestItem, DigestSection, Followup, Rule
from schemas.records import Signal
from services.digest import Links, Numbers, SourceNote, build
from services.state import OWNER, MeetingView, PersonView, Said, State

ZONE = ZoneInfo("Europe/Lisbon")
MONDAY = datetime(2026, 11, 23, 7, 30, tzinfo=ZONE).astimezone(UTC)
WEEK = "2026-W48"
LINKS = Links(
    action=lambda followup, action: f"https://kith.example.com/go/{followup}.{action}",
    person=lambda person: f"https://kith.example.com/people/{person}",
    evidence=lambda key: f"https://kith.example.com/interactions/{key}",
    settings="https://kith.example.com/settings",
    unsubscribe="https://kith.example.com/go/unsubscribe.3f9a",
)


def at(month: int, day: int, hour: int = 9, minute: int = 0, year: int = 2026) -> datetime:
    """An instant by the wall clock in Lisbon."""
    return datetime(year, month, day, hour, minute, tzinfo=ZONE).astimezone(UTC)


def a_person(key: str, name: str, **facts: Any) -> PersonView:
    facts.setdefault("first_name", name.split(" ", maxsplit=1)[0])
    return PersonView(id=key, name=name, **facts)


def a_followup(key: str, rule: Rule, person: str | None, title: str, why: str, **facts: Any) -> Followup:
    facts = {"evidence": [], "due": None, "people": [], "created_at": at(11, 20), "state": "open", **facts}
    return Followup(
        id=key,
        rule=rule,
        person=person,
        title=title,
        why=why,
        until=None,
        closed_at=None,
        closed_by=None,
        surfaced_at=MONDAY,
        tasks=[],
        **facts,
    )


def a_mail(key: str, when: datetime, author: str, subject: str = "", *signals: Signal, **facts: Any) -> Said:
    facts.setdefault("to", (OWNER,) if author != OWNER else ())
    facts.setdefault("owner_part", "from" if author == OWNER else "to")
    facts.setdefault("thread", f"t-{key}")
    return Said(
        id=key,
        kind="email",
        at=when,
        author=author,
        subject=subject,
        signals=signals,
        direction="out" if author == OWNER else "in",
        **facts,
    )


def a_meeting(
    key: str, when: datetime, people: Sequence[str], summary: str = "", **facts: Any
) -> MeetingView:
    facts.setdefault("group_size", len(people) + 1)
    facts.setdefault("ends_at", when + timedelta(minutes=30))
    return MeetingView(id=key, at=when, people=tuple(people), summary=summary, **facts)


def a_state(
    people: Sequence[PersonView] = (),
    mails: Sequence[Said] = (),
    meetings: Sequence[MeetingView] = (),
    **facts: Any,
) -> State:
    threads: dict[str, tuple[Said, ...]] = {}
    for mail in sorted(mails, key=lambda mail: mail.at):
        threads[mail.thread or mail.id] = (*threads.get(mail.thread or mail.id, ()), mail)
    known: dict[str, Any] = {
        "owner_name": "Mara Nunes",
        "owner_emails": ("mara@lumen.example",),
        "zone": ZONE,
        "now": MONDAY,
    } | facts
    return State(
        people={person.id: person for person in people},
        threads=threads,
        meetings=tuple(sorted(meetings, key=lambda meeting: meeting.at)),
        **known,
    )


def empty_week() -> Digest:
    """Nobody waits, nothing is booked."""
    return build(a_state(), (), WEEK)


def one_meeting() -> Digest:
    """One meeting with somebody never met, and nothing else."""
    priya = a_person(
        "p2",
        "Priya Raman",
        title="Pricing lead",
        organization="Oriel",
        last_at=at(11, 4),
        counts=Counts(received=3),
    )
    return build(a_state([priya], meetings=[a_meeting("m1", at(11, 26, 10), ["p2"])]), (), WEEK)


def full_week() -> Digest:
    """A Monday in November with something in nearly every section."""
    people = [
        a_person(
            "p01",
            "Ana Okafor",
            title="Research director",
            organization="Lumen",
            strength=0.9,
            counts=Counts(meetings=14),
        ),
        a_person(
            "p02",
            "Priya Raman",
            title="Pricing lead",
            organization="Oriel",
            strength=0.4,
            counts=Counts(meetings=1, received=5),
        ),
        a_person(
            "p03",
            "Mei Tanaka",
            title="Chief of staff",
            organization="Lumen",
            strength=0.8,
            counts=Counts(meetings=9),
        ),
        a_person(
            "p04",
            "Jonas Weiß",
            title="Events",
            organization="Haus am Kai",
            strength=0.5,
            counts=Counts(received=11),
        ),
        a_person(
            "p05",
            "Carla Mendes",
            title="VP Product",
            organization="Lumen",
            strength=0.95,
            counts=Counts(meetings=40),
        ),
        a_person(
            "p06",
            "Björn Lindqvist",
            title="Head of platform",
            organization="Nordlicht",
            strength=0.3,
            linkedin_seen_on=date(2026, 5, 3),
            moved_on=date(2026, 5, 3),
            moved_from="Fjord Systems",
        ),
        a_person("p07", "Tom Bergström", title="Engineering director", organization="Ostra", strength=0.7),
        a_person("p08", "Lena Fischer", title="Partner", organization="Quay Ventures", strength=0.6),
        a_person(
            "p09",
            "Omar Haddad",
            title="Founder",
            organization="Tessel",
            strength=0.2,
            counts=Counts(meetings=1, received=2),
            met_through="p08",
        ),
        a_person(
            "p10",
            "Sofia Peña",
            title="Design manager",
            organization="Calle Nueve",
            linkedin_seen_on=date(2026, 11, 20),
            connected_on=date(2026, 11, 9),
        ),
        a_person(
            "p11",
            "Hélène Marchand",
            title="Creative lead",
            organization="Atelier Nord",
            linkedin_seen_on=date(2026, 11, 20),
            moved_on=date(2026, 11, 20),
            moved_from="Maison Claire",
            strength=0.5,
        ),
        a_person("p12", "Irina Sokolova", title="CTO", organization="Ostra", strength=0.1),
        a_person(
            "p13",
            "Ravi Menon",
            title="Staff engineer",
            organization="Lumen",
            strength=0.7,
            counts=Counts(meetings=20),
        ),
    ]
    mails = [
        a_mail(
            "i01",
            at(11, 17, 15),
            "p01",
            "Re: Grant draft",
            Signal("ask", "Could you look at section 3 before Friday?"),
            thread="t1",
        ),
        a_mail(
            "i02",
            at(11, 19, 11),
            "p13",
            "Deploy window",
            Signal("ask", "Can you tell me which of the two windows suits your team?"),
            to=(OWNER, "p05"),
            thread="t2",
        ),
        a_mail("i03", at(11, 18, 10), "p03", "Board prep", thread="t3"),
        a_mail(
            "i04",
            at(11, 18, 16),
            OWNER,
            "Re: Board prep",
            Signal("promise", "I'll send you the deck by Friday.", due=date(2026, 11, 27)),
            to=("p03",),
            thread="t3",
        ),
        a_mail("i05", at(11, 3, 9), OWNER, "Venue for the spring offsite", to=("p04",), thread="t5"),
        a_mail(
            "i06",
            at(11, 12, 9),
            OWNER,
            "Re: Pricing",
            Signal("promise", "I owe you the paper on pricing, you will have it before we meet."),
            to=("p02",),
            thread="t6",
        ),
        a_mail("i07", at(11, 16, 9), "p08", "Mara, meet Omar", introduces=("p09",), thread="t7"),
        a_mail("i08", at(11, 16, 14), OWNER, "Re: Mara, meet Omar", to=("p08", "p09"), thread="t7"),
        a_mail("i09", at(11, 20, 17), "p05", "Budget note", thread="t8"),
        a_mail("i10", at(11, 20, 18), OWNER, "Re: Budget note", to=("p05",), thread="t8"),
    ]
    meetings = [
        a_meeting(
            "m01", at(6, 12, 10), ["p02", *(f"x{n}" for n in range(6))], "Lisbon conference, pricing table"
        ),
        a_meeting("m02", at(11, 19, 14), ["p09"], "Coffee with Omar"),
        a_meeting("m03", at(11, 13, 15, 30), ["p05"], "1:1", series="s1"),
        a_meeting("m04", at(11, 26, 10), ["p02"], "Pricing, next steps"),
        a_meeting("m05", at(11, 27, 15, 30), ["p05"], "1:1", series="s1"),
        a_meeting("m06", at(11, 24, 11), ["p01", "p03", "p13"], "Grant review"),
        a_meeting("m07", at(11, 20, 11), ["p01", "p03"], "Board prep"),
        a_meeting("m08", at(11, 25, 16), ["p04"], "Cancelled tour", is_cancelled=True),
        a_meeting("m09", at(11, 25, 9), ["p13"], "Stand-up", series="s2", owner_partstat="declined"),
    ]
    followups = [
        a_followup(
            "f01",
            "awaiting_me",
            "p01",
            "Answer Ana Okafor: Grant draft",
            '"Could you look at section 3 before Friday?" Tuesday, to you alone.',
            evidence=["i01"],
        ),
        a_followup(
            "f02",
            "awaiting_me",
            "p13",
            "Answer Ravi Menon: Deploy window",
            "Thursday, to you and one other.",
            evidence=["i02"],
        ),
        a_followup(
            "f03",
            "promise",
            "p03",
            "Send Mei the deck (you said by Friday)",
            '"I\'ll send you the deck by Friday." Wednesday, in "Board prep".',
            evidence=["i04"],
            due=date(2026, 11, 27),
        ),
        a_followup(
            "f04",
            "promise",
            "p02",
            "Send Priya the paper on pricing",
            "You wrote it on 12 November.",
            evidence=["i06"],
        ),
        a_followup(
            "f05",
            "awaiting_them",
            "p04",
            "Ask Jonas again about the venue?",
            "You asked on 3 November. Jonas usually answers in 2 days (9 of 11 times); now 14 working days.",
            evidence=["i05"],
        ),
        a_followup(
            "f06",
            "thanks",
            "p08",
            "Thank Lena Fischer for the introduction to Omar",
            "Lena introduced you on Monday; you and Omar talked on Thursday.",
            evidence=["i07", "m02"],
        ),
        a_followup(
            "f07",
            "reconnect",
            "p06",
            "Write to Björn Lindqvist again?",
            "You worked together 2019-2021, 140 mails and 36 meetings; silent since March 2023. Now at Nordlicht.",
            evidence=["i90"],
        ),
        a_followup(
            "f08",
            "keep_in_touch",
            "p07",
            "Talk to Tom Bergström",
            "Your rhythm with Tom: every 6 weeks. Last: lunch on 2 October. Nothing booked.",
            evidence=["m90"],
        ),
        a_followup(
            "f09",
            "new_connection",
            "p10",
            "Say hello to Sofia Peña",
            "Connected on LinkedIn on 9 November; no message yet.",
            evidence=["c10"],
        ),
    ]
    extra = [
        DigestSection(
            "goals",
            "Your goal: lead a platform team by 2029",
            [
                DigestItem(
                    "p07",
                    "Next step: 20 minutes with Tom Bergström, by 30 November.",
                    "Tom was in 11 meetings with Irina Sokolova, whom you want to know.",
                    None,
                    evidence=["m91"],
                ),
            ],
        ),
        DigestSection(
            "board",
            "Your board",
            [
                DigestItem(
                    None, "Nobody outside your company gives you feedback.", "Last asked: Ravi, in May.", None
                ),
            ],
        ),
    ]
    numbers = Numbers(suggested=12, acted=7, mails=412, meetings=26)
    sources = [SourceNote(name="Mail"), SourceNote(name="Calendar")]
    return build(
        a_state(people, mails, meetings, export_on=date(2026, 11, 20)),
        followups,
        WEEK,
        numbers,
        sources,
        extra,
    )


def long_thread() -> Digest:
    """A question at the end of forty mails, in a subject nobody should have written."""
    ana, jonas = a_person("p01", "Ana Okafor"), a_person("p04", "Jonas Weiß")
    subject = "Re: AW: Fwd: Re: " + "the very long matter of the venue and all that follows from it, " * 6
    mails = [
        a_mail(
            f"i{n:02}",
            at(10, 1) + timedelta(days=n, hours=n % 5),
            "p01" if n % 2 else OWNER,
            subject,
            thread="t1",
        )
        for n in range(40)
    ]
    ask = "Shall we take the boat house, as you said in the summer, or would you rather wait for what Jonas hears from the other three places he wrote to in October, one of which never answered and one of which is a swimming pool now?"
    mails.append(
        a_mail(
            "i99",
            at(11, 21),
            "p01",
            subject,
            Signal("ask", ask),
            to=(OWNER, "p04", "p05", "p06"),
            thread="t1",
        )
    )
    followup = a_followup(
        "f01",
        "awaiting_me",
        "p01",
        "Answer Ana Okafor",
        "Saturday.",
        evidence=["i99"],
        due=date(2026, 11, 24),
    )
    return build(a_state([ana, jonas], mails), [followup], WEEK)


def non_latin() -> Digest:
    """Names in other scripts, right-to-left ones among them, beside Latin words and figures."""
    people = [
        a_person("p1", "田中 美衣", first_name="美衣", title="部長", organization="東京ライン"),
        a_person("p2", "محمد الهاشمي", first_name="محمد", organization="دار النور"),
        a_person("p3", "יעל כהן", first_name="יעל", counts=Counts(meetings=0)),
        a_person("p4", "Ελένη Παπαδοπούλου", first_name="Ελένη"),
        a_person("p5", "김민준", first_name="민준"),
        a_person("p6", "Nguyễn Thị Minh Khai", first_name="Khai"),
        a_person("p7", "Дарья Ковальчук", first_name="Дарья"),
    ]
    mails = [
        a_mail("i1", at(11, 19), "p1", "来週の件", Signal("ask", "来週の会議の資料を送っていただけますか？")),
        a_mail("i2", at(11, 20), "p2", "موعد الاجتماع", Signal("ask", "هل يناسبك يوم الخميس الساعة 10:00؟")),
        a_mail("i3", at(11, 10), OWNER, "הצעת מחיר 2026", to=("p3",)),
    ]
    meetings = [
        a_meeting("m1", at(11, 25, 9), ["p3"], "פגישה ראשונה"),
        a_meeting("m2", at(11, 26, 14), ["p4", "p5", "p6", "p7"], "Übergabe"),
    ]
    followups = [
        a_followup("f1", "awaiting_me", "p1", "Answer 田中 美衣", "Thursday.", evidence=["i1"]),
        a_followup("f2", "awaiting_me", "p2", "Answer محمد الهاشمي", "Friday.", evidence=["i2"]),
        a_followup(
            "f3", "awaiting_them", "p3", "Ask יעל again?", "You asked on 10 November.", evidence=["i3"]
        ),
        a_followup(
            "f4", "keep_in_touch", "p6", "Talk to Nguyễn Thị Minh Khai", "Your rhythm: every 4 weeks."
        ),
    ]
    return build(a_state(people, mails, meetings), followups, WEEK)


HOSTILE = 'Ana\r\nBcc: everyone@evil.example\r\n\r\n<script>alert(1)</script>{{ 7*7 }}{% raw %}"><img src=x onerror=alert(1)>\u202egpj.exe\u2028\u0000'


def hostile() -> Digest:
    """Every text a stranger can write tries to end a header, a tag, a template or a line."""
    mallory = a_person("p1", HOSTILE, first_name=HOSTILE, title=HOSTILE, organization=HOSTILE)
    tall = a_person(
        "p2",
        "Z" + "\u0351" * 5000 + "algo " + "x" * 10_000,
        first_name="Z\u0351\u0351\u0351\u0351\u0351\u0351",
    )
    mails = [
        a_mail("i1", at(11, 19), "p1", f"Re: {HOSTILE}", Signal("ask", HOSTILE + '" onmouseover="alert(1)')),
        a_mail("i2", at(11, 19), "p2", "javascript:alert(1)", Signal("ask", "</bdi></style></title>" * 20)),
    ]
    meetings = [
        a_meeting("m1", at(11, 26, 10), ["p1"], HOSTILE),
        a_meeting("m2", at(11, 20, 10), ["p2"], HOSTILE),
    ]
    followups = [
        a_followup("f1", "awaiting_me", "p1", HOSTILE, HOSTILE, evidence=["i1"]),
        a_followup("f2", "awaiting_me", "p2", HOSTILE, HOSTILE, evidence=["i2"]),
        a_followup("f3", "keep_in_touch", "p1", HOSTILE, HOSTILE),
    ]
    state = a_state([mallory, tall], mails, meetings, owner_name=HOSTILE)
    return build(state, followups, WEEK, sources=[SourceNote(name=HOSTILE, trouble=HOSTILE)])


def long_words() -> Digest:
    """Names, subjects and questions without a space to break a line at: links, keys, tracking numbers."""
    word = "Auftragsbestätigungsnummer" * 20
    who = a_person("p1", word, first_name=word, title=word, organization=word)
    mails = [a_mail("i1", at(11, 19), "p1", word, Signal("ask", f"https://files.example/{word}?"))]
    meetings = [a_meeting("m1", at(11, 26, 10), ["p1"], word), a_meeting("m2", at(11, 20, 10), ["p1"], word)]
    followups = [
        a_followup("f1", "awaiting_me", "p1", word, word, evidence=["i1"]),
        a_followup("f2", "keep_in_touch", "p1", word, word),
    ]
    return build(
        a_state([who], mails, meetings), followups, WEEK, sources=[SourceNote(name=word, trouble=word)]
    )


def linkedin_aged() -> Digest:
    """Everything here rests on an export, and each line says how old that is."""
    people = [
        a_person(
            "p1",
            "Björn Lindqvist",
            organization="Nordlicht",
            moved_on=date(2026, 5, 3),
            moved_from="Fjord Systems",
            linkedin_seen_on=date(2026, 5, 3),
        ),
        a_person("p2", "Sofia Peña", organization="Calle Nueve", linkedin_seen_on=date(2026, 11, 20)),
        a_person(
            "p3",
            "Hélène Marchand",
            organization="Atelier Nord",
            moved_on=date(2026, 11, 20),
            moved_from="Maison Claire",
            linkedin_seen_on=date(2026, 11, 20),
        ),
        a_person(
            "p4",
            "Yusuf Demir",
            organization="Harbour",
            moved_on=date(2026, 11, 20),
            moved_from="Lumen",
            linkedin_seen_on=date(2026, 11, 20),
        ),
    ]
    followups = [
        a_followup(
            "f1",
            "reconnect",
            "p1",
            "Write to Björn Lindqvist again?",
            "Silent since March 2023. Now at Nordlicht.",
        ),
        a_followup(
            "f2",
            "new_connection",
            "p2",
            "Say hello to Sofia Peña",
            "Connected on LinkedIn on 9 November; no message yet.",
        ),
        a_followup(
            "f3",
            "congratulate",
            "p3",
            "Congratulate Hélène Marchand on the move to Atelier Nord",
            "From your LinkedIn export of 20 November.",
        ),
    ]
    return build(a_state(people, export_on=date(2026, 11, 20)), followups, WEEK)


def crowded(items: int = 50) -> Digest:
    """More than any week should hold: the size bar is measured on it."""
    people = [
        a_person(
            f"p{n:016x}",
            f"Person Number {n} of Somewhere",
            title="Senior director of research",
            organization="Long Name Holdings",
        )
        for n in range(items)
    ]
    mails = [
        a_mail(
            f"i{n:016x}",
            at(11, 17),
            person.id,
            "The subject of a usual mail, some words long",
            Signal(
                "ask",
                f"Could you look at section {n} of the draft before Friday, and tell Jonas whether it can go out?",
            ),
        )
        for n, person in enumerate(people)
    ]
    followups = [
        a_followup(
            f"f{n:016x}",
            "awaiting_me",
            person.id,
            f"Answer {person.name}",
            "Tuesday.",
            evidence=[f"i{n:016x}"],
        )
        for n, person in enumerate(people)
    ]
    return build(a_state(people, mails), followups, WEEK)


GOLDEN = {
    "empty-week": empty_week,
    "one-meeting": one_meeting,
    "full-week": full_week,
    "long-thread": long_thread,
    "non-latin": non_latin,
    "hostile": hostile,
    "linkedin-aged": linkedin_aged,
}
