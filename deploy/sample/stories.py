"""The letters that a follow-up rests on, and those that look like one and are none; with what should come of them.

Each story is a function that files its letters, meetings and messages and notes the outcome it stands for.
"""

from datetime import date, datetime, time, timedelta

from msgspec import Struct

from deploy.sample.archive import BERLIN, Archive
from deploy.sample.linkedin import Asked, Praise, Skill
from deploy.sample.meetings import Change, Guest, Planned
from deploy.sample.people import BY_KEY, CONFERENCE, OWNER, TEAM
from schemas.interface import Rule

MON, TUE, WED, THU, FRI = range(5)
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


class Outcome(Struct, frozen=True):
    """That a rule should, may or must not have something open for a person; `reason` says what was written."""

    rule: Rule
    identity: str
    reason: str


class Outcomes(Struct):
    """What the stories amount to."""

    expected: list[Outcome]
    allowed: list[Outcome]
    forbidden: list[Outcome]
    words: list[tuple[str, ...]]


class _Teller:
    """An archive at hand, and the outcomes noted so far."""

    def __init__(self, archive: Archive) -> None:
        self.archive = archive
        self.outcomes = Outcomes([], [], [], [])

    def at(self, day: date, clock: str, key: str = "mara") -> datetime:
        hour, minute = clock.split(":")
        return datetime.combine(day, time(int(hour), int(minute), 24), BY_KEY[key].tz)

    def expect(self, rule: Rule, key: str, reason: str) -> None:
        self.outcomes.expected.append(Outcome(rule, _identity(key), reason))

    def allow(self, rule: Rule, key: str, reason: str) -> None:
        self.outcomes.allowed.append(Outcome(rule, _identity(key), reason))

    def forbid(self, rule: Rule, key: str, reason: str) -> None:
        self.outcomes.forbidden.append(Outcome(rule, _identity(key), reason))


def _identity(key: str) -> str:
    return BY_KEY[key].identity


def _long(day: date) -> str:
    return f"{day.day} {_MONTHS[day.month - 1]}"


def tell(archive: Archive) -> Outcomes:
    """File every story and return what should come of them."""
    teller = _Teller(archive)
    for story in (
        _waiting_for_me,
        _not_waiting_for_me,
        _promised,
        _waiting_for_them,
        _introduced,
        _met,
        _conference,
        _rhythm,
        _manager,
        _dormant,
        _next_week,
        _on_linkedin,
        _strangers,
    ):
        story(teller)
    return teller.outcomes


def _waiting_for_me(t: _Teller) -> None:
    a = t.archive
    tuesday = a.last(TUE, 2)
    first = a.write("ana", t.at(tuesday - timedelta(days=7), "16:12", "ana"), ["mara"], "Night-care standard, second draft",
        "The second draft of the night-care standard is back from the clinical group, and it is shorter by a third. They kept the whole of your part on handovers.\n\nI have put it in the shared folder.")  # fmt: skip
    reply = a.write(
        "mara",
        t.at(tuesday - timedelta(days=6), "09:31"),
        ["ana"],
        "",
        "Shorter by a third is the best review one can get. I read it on the train this morning: the part on alarms is much clearer than ours was.",
        answers=first,
    )
    a.write(
        "ana",
        t.at(tuesday, "09:42", "ana"),
        ["mara"],
        "",
        "That is good to hear, I was nervous about the alarms.\n\nThe group meets again at the end of the week and section 3 is the one they will pick apart. Could you look at section 3 before Friday? Two pages, and your eye for what a nurse would never do is what it needs.",
        answers=reply,
    )
    t.expect("awaiting_me", "ana", "asked on Tuesday whether section 3 can be reviewed before Friday")

    day = a.workday(5)
    a.write("claire", t.at(day, "11:05", "claire"), ["mara"], "Chambres pilotes du deuxième étage",
        "Le chantier du deuxième étage avance plus vite que prévu et l'électricien passe la semaine prochaine. Il lui faut la liste définitive.\n\nPourriez-vous me confirmer le nombre de chambres à équiper et nous dire si les capteurs du couloir sont compris ?", language="fr")  # fmt: skip
    t.expect("awaiting_me", "claire", "asked in French how many rooms are to be fitted")

    day = a.workday(4)
    a.write("emeka", t.at(day, "14:50", "emeka"), ["mara"], "Twenty classrooms in Cork",
        "We won the Cork schools! Twenty classrooms, and they want the light to follow the timetable rather than the sun.\n\nYou did something like it with Lindenhof. Would you be willing to walk our two designers through how you set the scenes up? An hour by video would do, any afternoon next week.", shape="html")  # fmt: skip
    t.expect("awaiting_me", "emeka", "asked in an HTML-only mail for an hour with two designers")


def _not_waiting_for_me(t: _Teller) -> None:
    a = t.archive
    day = a.workday(9)
    ask = a.write(
        "malcolm",
        t.at(day, "10:20", "malcolm"),
        ["mara"],
        "Reading room levels",
        "The trustees want one figure for the reading room. Is 300 lux at the tables still your recommendation?",
    )
    reply = a.write(
        "mara",
        t.at(day, "13:44"),
        ["malcolm"],
        "",
        "Yes, 300 at the tables and a good deal less in the aisles. The readers lean into the light, which is half of the charm of the place.",
        answers=ask,
    )
    a.write(
        "malcolm",
        t.at(a.following(day), "09:03", "malcolm"),
        ["mara"],
        "",
        "Perfect, thanks very much Mara. Exactly what I needed.",
        answers=reply,
    )
    t.forbid("awaiting_me", "malcolm", "a closing that only says thanks")

    day = a.workday(8)
    ask = a.write(
        "tomasz",
        t.at(day, "09:15", "tomasz"),
        ["mara", "lena"],
        "Consent sheets for Gdynia",
        "We are printing tomorrow morning. Do you want the recordings kept for 90 days as in the first study, or for the full year?",
    )
    a.write(
        "lena",
        t.at(day, "10:02", "lena"),
        ["tomasz", "mara"],
        "",
        "90 days, as before. The sheet in the folder is the approved one, version 5.",
        answers=ask,
        hello=False,
    )
    t.forbid("awaiting_me", "tomasz", "Lena, asked as well, has answered")

    day = a.workday(7)
    a.write(
        "ravi",
        t.at(day, "11:40", "ravi"),
        ["mara"],
        "Event names in the log",
        "Before I rename half of the events: which of them do you still use in the night-shift charts? We can also go through it in person.",
    )
    a.meet(t.at(a.following(day), "15:00"), "Event names with Ravi", ["ravi"], minutes=30, organizer="ravi")
    t.forbid("awaiting_me", "ravi", "they met about it two days later")

    day = a.workday(6)
    a.write(
        "gustav",
        t.at(day, "16:30", "gustav"),
        ["dmitri"],
        "Kotikoulu, payment terms",
        "Anneli asks for 60 days instead of 30. Can we carry that until the end of the quarter, and who has to sign it?",
        cc=["mara"],
    )
    t.forbid("awaiting_me", "gustav", "the question is Dmitri's, the owner stands in Cc")

    day = a.workday(10)
    ask = a.write(
        "mara",
        t.at(day, "09:20"),
        ["thandi"],
        "Generator hours",
        "One detail for the report: does the clinic in Mthatha run on the generator every night or only at weekends?",
    )
    a.write(
        "thandi",
        t.at(day, "15:31", "thandi"),
        ["mara"],
        "",
        "Every night from ten until four, since September. The nurses have learned to do the ward round before ten.",
        answers=ask,
    )
    t.forbid("awaiting_me", "thandi", "the only question is the owner's own, quoted below the answer")
    t.forbid("awaiting_them", "thandi", "answered the same day")

    day = a.workday(6)
    a.write(
        "grace",
        t.at(day, "22:47", "grace"),
        ["mara"],
        "Quiet night",
        "Just wanted to tell you, it was the quietest night on the ward since I started. Who would have thought a corridor could do that. No need to reply, I am off to bed.",
    )
    t.forbid("awaiting_me", "grace", "a question that asks nothing, and no reply is wanted")

    day = a.workday(6)
    ask = a.write(
        "chidi",
        t.at(day, "12:12", "chidi"),
        ["mara"],
        "Sample size for Lagos",
        "We can reach 40 midwives, not 60. Would you still call that a study?",
    )
    a.write(
        "mara",
        t.at(day, "17:25"),
        ["chidi"],
        "",
        "I would. Forty people who work nights say more than sixty who do not. Write down who could not come and why, and it is a study.",
        answers=ask,
    )
    t.forbid("awaiting_me", "chidi", "answered")

    day = a.workday(11)
    a.write(
        "aisha",
        t.at(day, "10:41", "aisha"),
        ["mara"],
        "Trustees' evening",
        "The evening is on, forty people and soup. Are you bringing the tape?",
    )
    a.write(
        "mara",
        t.at(a.following(day), "08:55"),
        ["aisha"],
        "Soup and tape",
        "I am bringing the tape, two rolls, and an appetite for the soup. See you there.",
    )
    t.allow("awaiting_me", "aisha", "answered in another thread")


def _promised(t: _Teller) -> None:
    a = t.archive
    wednesday = a.last(WED, 1)
    first = a.write("mei", t.at(wednesday - timedelta(days=1), "10:15", "mei"), ["mara"], "Board prep",
        "The board meets in Kyoto in two weeks. Three of the members have never been in a hospital at night, and they will decide about one. I would like to show them your pictures and as few words as possible.")  # fmt: skip
    a.write(
        "mara",
        t.at(wednesday, "11:08"),
        ["mei"],
        "",
        "What a good idea to begin with the pictures. I'll send you the deck by Friday. It is twelve slides now and should be eight by then.",
        answers=first,
    )
    t.expect("promise", "mei", "the deck, by Friday")

    day = a.working_days_ago(4)
    due = a.coming(WED, 2)
    first = a.write(
        "carla",
        t.at(day, "15:20", "carla"),
        ["mara"],
        "Research line for next year",
        "Dmitri closes the plan soon. I need one page from you on what the research line buys us, in words that survive a finance meeting.",
    )
    a.write(
        "mara",
        t.at(day, "17:02"),
        ["carla"],
        "",
        f"One page, and no adjectives. I'll send you the budget note by {_long(due)}.",
        answers=first,
    )
    t.expect("promise", "carla", "the budget note, by a day of next week")

    day = a.workday(4)
    first = a.write(
        "sabine",
        t.at(day, "08:40", "sabine"),
        ["mara"],
        "Messwerte Altbau",
        "vielen Dank noch für die Begehung in der vergangenen Woche. Der Träger tagt Ende des Monats, bis dahin möchten wir die Vorlage fertig haben.",
        language="de",
    )
    a.write(
        "mara",
        t.at(day, "12:18"),
        ["sabine"],
        "",
        "die Begehung war auch für uns lehrreich, vor allem der Flur im Altbau. Ich schicke Ihnen die Messwerte bis Mittwoch, nach Räumen geordnet.",
        answers=first,
        language="de",
    )
    t.expect("promise", "sabine", "die Messwerte, bis Mittwoch")

    day = a.workday(8)
    first = a.write(
        "pedro",
        t.at(day, "10:02", "pedro"),
        ["mara"],
        "Baseline for Rio Claro",
        "The director loved the idea of a before and an after. For the before we have nothing on paper yet.",
    )
    note = a.write(
        "mara",
        t.at(day, "16:40"),
        ["pedro"],
        "",
        "We measured it when we came the first time, so there is a before. I'll send you the numbers tomorrow.",
        answers=first,
    )
    a.write(
        "mara",
        t.at(a.following(day), "10:12"),
        ["pedro"],
        "",
        "As promised, the numbers, room by room. Bed 7 is the outlier, there was a lamp in the sink.",
        answers=note,
        attachments=(
            (
                "baseline-rio-claro.csv",
                "text/csv",
                b"room,lux_night,lux_day\n1,41,310\n2,38,295\n7,112,301\n",
            ),
        ),
    )
    t.forbid("promise", "pedro", "the numbers went out the next day")

    day = a.workday(10)
    first = a.write(
        "mara",
        t.at(day, "10:30"),
        ["yuki"],
        "Cover for the winter issue",
        "The third version is the one. All of us chose it without talking to each other, which has never happened here.",
    )
    a.write(
        "yuki",
        t.at(a.following(day), "09:40", "yuki"),
        ["mara"],
        "",
        "That makes me very happy. I'll send you the print files tomorrow.",
        answers=first,
    )
    t.forbid("promise", "yuki", "the promise is Yuki's, not the owner's")

    day = a.workday(9)
    first = a.write(
        "dave",
        t.at(day, "11:11", "dave"),
        ["mara"],
        "Image rights, Harbour Library",
        "The photographs taken in the reading room are fine to print as they are. For the website we should blur the lady with the hat.",
    )
    a.write(
        "mara",
        t.at(day, "15:00"),
        ["dave"],
        "",
        "The lady with the hat is Malcolm's aunt, and she has signed twice to be on the safe side. So she stays, hat and all.",
        answers=first,
    )
    t.forbid("promise", "dave", "nothing was promised")


_VENUE: tuple[tuple[str, str], ...] = (
    (
        "Is the small hall heated before eight in the morning?",
        "Ab sieben, wenn ich es am Abend vorher einstelle. So from seven on, just tell me the day.",
    ),
    ("How many chairs fit if we keep the long tables?", "Sixty-two. Sixty if people want to breathe."),
    (
        "May we hang paper from the rail in the upper hall?",
        "Paper yes, fabric no, because of the sprinklers.",
    ),
    (
        "Does the goods lift take a hospital bed?",
        "It does, head first. We had a grand piano in it last year.",
    ),
    (
        "What time does the bar downstairs begin to make noise?",
        "Half past five on weekdays. On Thursdays there is a choir, which you may like.",
    ),
    (
        "Can we have the upper hall one evening earlier to set up?",
        "From six, after the yoga people. They are quick.",
    ),
    ("Who has the key on a Sunday?", "I have, and my phone is on. Ring twice."),
    (
        "Is there a room where two people can talk undisturbed?",
        "The old porter's lodge. It has a stove and two armchairs.",
    ),
    (
        "Could the caterer use your kitchen for the soup?",
        "Yes, if they leave it as they find it. The last ones did not.",
    ),
    (
        "Do the blackout curtains really close?",
        "Nearly. There is a gap of a hand's width on the left, we pin it.",
    ),
    (
        "What would the hall cost for three days instead of one?",
        "Two and a half times the one day. The cleaning is included.",
    ),
)


def _waiting_for_them(t: _Teller) -> None:
    a = t.archive
    jonas = BY_KEY["jonas"]
    for place, (ask, answer) in enumerate(_VENUE):
        start = a.now - timedelta(days=640 - 49 * place)
        at = a.at_desk(start, OWNER)
        at -= timedelta(
            days=max(0, at.weekday() - WED)
        )  # asked early in the week, so that no weekend lies between
        first = a.write(
            "mara", at, ["jonas"], ("Upper hall", "Werkhalle, a detail", "Small hall")[place % 3], ask
        )
        hours = 96.0 if place in {3, 8} else 26 + a.rng.random() * 18
        a.write("jonas", a.at_desk(at + timedelta(hours=hours), jonas), ["mara"], "", answer, answers=first)
    asked = a.working_days_ago(9)
    a.write(
        "mara",
        t.at(asked, "10:05"),
        ["jonas"],
        "The venue in spring",
        "We have settled on three days at the end of April, forty people by day and eighty on the second evening. Is the upper hall free then, and could we have the lodge as well?",
    )
    t.expect(
        "awaiting_them", "jonas", "asked nine working days ago about the venue; usually answers in two days"
    )

    asked = a.working_days_ago(11)
    a.write(
        "mara",
        t.at(asked, "14:26"),
        ["luca"],
        "Slides from the studio course",
        "Ruth told me about the exercise with the blindfolds. Could you send me the slides from that week? I would try it with our new people.",
    )
    t.expect("awaiting_them", "luca", "asked eleven working days ago for the slides")

    asked = a.working_days_ago(1)
    a.write(
        "mara",
        t.at(asked, "11:50"),
        ["marcus"],
        "Chairs",
        "Did the chairs arrive, and do you need hands to carry them on the day?",
    )
    t.forbid("awaiting_them", "marcus", "asked a working day ago, which is early yet")

    for days, text in (
        (44, "Could you tell me by when the corner stand has to be paid?"),
        (
            35,
            "A second try: could you tell me by when the corner stand has to be paid? Our accounts close in ten days.",
        ),
        (
            27,
            "Are you still the right person for the corner stand? If it is somebody else now, a name is enough.",
        ),
    ):
        a.write("mara", t.at(a.workday(days), "09:35"), ["viktor"], "Corner stand, payment", text)
    t.forbid("awaiting_them", "viktor", "three messages without an answer: a fourth is no help")

    day = a.workday(13)
    first = a.write(
        "mara",
        t.at(day, "09:58"),
        ["agnes"],
        "Une question de métier",
        "Tu factures la préparation d'un atelier ou seulement le jour même ?",
        language="fr",
    )
    a.write(
        "agnes",
        t.at(a.following(day), "18:20", "agnes"),
        ["mara"],
        "",
        "La préparation toujours, le jour même presque jamais. C'est l'inverse de ce qu'ils croient payer.",
        answers=first,
        language="fr",
    )
    t.forbid("awaiting_them", "agnes", "answered the next day")


def _introduced(t: _Teller) -> None:
    a = t.archive
    day = a.workday(5)
    first = a.write("samir", t.at(day, "10:10", "samir"), ["mara", "omar"], "Mara <> Omar",
        "Mara, meet Omar, who backs small hardware companies and asks better questions than most engineers. Omar, meet Mara, who knows what people do in hospitals at four in the morning.\n\nI would like to introduce you two because you are working on the same thing from opposite ends. Over to you.", hello=False)  # fmt: skip
    reply = a.write(
        "mara",
        t.at(day, "12:36"),
        ["omar"],
        "",
        "Pleased to meet you, Omar. I am in the office all week and the coffee is bearable. The door code is on the bell.",
        answers=first,
    )
    a.write(
        "omar",
        t.at(a.following(day), "09:02", "omar"),
        ["mara"],
        "",
        "I come by this week, then, and bring the better coffee. I read your paper on the night ward; the pizza box made my day.",
        answers=reply,
    )
    talk = t.at(a.workday(1), "10:00")
    a.meet(
        talk, "Omar El-Sayed, coffee", ["omar"], minutes=45, location="Lumenworks, kitchen", organizer="omar"
    )
    t.expect("thanks", "samir", "introduced Omar, and nothing was said to Samir since")
    t.allow("meeting", "omar", "a first meeting outside the company, a day ago")
    t.forbid("thanks", "omar", "he was introduced, he did not introduce")

    day = a.workday(6)
    first = a.write(
        "katya",
        t.at(day, "15:15", "katya"),
        ["mara", "duncan"],
        "Introduction: Duncan Faraday",
        "Mara, let me introduce Duncan, bursar of four schools that are about to change every lamp they own. Duncan, Mara is the person I told you about.",
        hello=False,
    )
    a.write(
        "mara",
        t.at(day, "17:30"),
        ["katya", "duncan"],
        "",
        "Thank you so much for thinking of me, Katya, what a kind introduction.\n\nDuncan, it is good to meet you. I know two schools that did it in one summer and I know what they would do differently.",
        answers=first,
    )
    t.forbid("thanks", "katya", "thanked the same afternoon")
    t.forbid("awaiting_them", "duncan", "nothing was asked of him")
    t.forbid("awaiting_them", "omar", "nothing was asked of him, and he has answered")


def _met(t: _Teller) -> None:
    a = t.archive
    day = a.working_days_ago(5)
    first = a.write(
        "katrin",
        t.at(a.working_days_ago(12), "09:10", "katrin"),
        ["mara"],
        "Licht in Bestandsbauten",
        "ich habe Ihren Vortrag in Leipzig gehört und würde gern von unseren 1.400 Wohnungen erzählen. Eine Einladung für ein erstes Gespräch liegt in Ihrem Kalender.",
        language="de",
    )
    a.write(
        "mara",
        t.at(a.working_days_ago(11), "08:50"),
        ["katrin"],
        "",
        "das klingt nach einer Aufgabe, die mir gefällt. Der Termin passt.",
        answers=first,
        language="de",
    )
    a.meet(
        t.at(day, "14:00"),
        "Stadtwerke Ulmen und Lumenworks: erstes Gespräch",
        ["katrin", "gustav"],
        minutes=60,
        organizer="katrin",
        zone_name="W. Europe Standard Time",
        location="Ulmen, Haus 2, Raum 210",
    )
    t.expect("meeting", "katrin", "first met five working days ago, nothing sent since")

    day = a.working_days_ago(6)
    a.meet(t.at(day, "11:00"), "Lucía Serrano, charla", ["lucia"], minutes=45, organizer="lucia")
    a.write(
        "mara",
        t.at(a.working_days_ago(5), "09:20"),
        ["lucia"],
        "Después de la charla",
        "Fue un gusto conocerte. La charla del foro me parece muy bien tal como la contaste, con la sala a oscuras al principio.",
        language="es",
    )
    t.forbid("meeting", "lucia", "the owner wrote the next morning")

    day = a.working_days_ago(7)
    a.meet(
        t.at(day, "16:00"),
        "Meridian Schools, first call",
        ["duncan"],
        minutes=30,
        organizer="duncan",
        is_cancelled=True,
    )
    t.forbid("meeting", "duncan", "cancelled")
    a.meet(
        t.at(a.working_days_ago(4), "17:00"),
        "Growthly demo",
        ["brent"],
        minutes=30,
        organizer="brent",
        answers={"mara": "DECLINED"},
    )
    t.forbid("meeting", "brent", "the owner declined")
    for figure in TEAM:
        t.forbid("meeting", figure.key, "a colleague, not an outside meeting")


def _conference(t: _Teller) -> None:
    a = t.archive
    start = a.last(WED, 19)
    lunch = t.at(start + timedelta(days=1), "12:30")
    a.meet(
        datetime.combine(start, time(), BERLIN),
        "Service Design Days Lisbon",
        [],
        days=3,
        location="Estufa Fria, Lisbon",
    )
    a.meetings[-1] = _without_people(a.meetings[-1])
    keys = [figure.key for figure in CONFERENCE]
    a.meet(
        lunch,
        "Lunch table: care and transport",
        keys,
        minutes=75,
        organizer="beatriz",
        zone_name="UTC",
        location="Estufa Fria, table 9",
    )
    a.meet(
        t.at(start + timedelta(days=2), "10:30"),
        "Coffee with Priya",
        ["priya"],
        minutes=30,
        organizer="priya",
        zone_name="UTC",
        location="Estufa Fria, terrace",
    )
    a.write(
        "mara",
        t.at(start + timedelta(days=5), "09:15"),
        ["priya"],
        "After Lisbon",
        "It was good to have half an hour on the terrace. What you said on rotas and daylight has been going round in my head ever since.",
    )

    first = a.write(
        "mara",
        t.at(start + timedelta(days=5), "10:02"),
        ["maeve"],
        "Table nine",
        "I keep telling people about your ferry timetable. It was lovely to sit next to you at table nine.",
    )
    a.write(
        "maeve",
        t.at(start + timedelta(days=6), "11:47", "maeve"),
        ["mara"],
        "",
        "And I keep telling people about the tape. The ferry people were delighted to be talked about at all.",
        answers=first,
    )
    first = a.write(
        "stephan",
        t.at(start + timedelta(days=6), "08:12", "stephan"),
        ["mara"],
        "Gruss aus Bern",
        "it was a fine table. I have put the photograph of the tape in our control room, next to the clock.",
    )
    a.write(
        "mara",
        t.at(start + timedelta(days=6), "16:30"),
        ["stephan"],
        "",
        "Next to the clock is where it belongs. Greetings to the control room.",
        answers=first,
    )
    for key in ("beatriz", "anders", "leila", "hugo"):
        t.expect("conference", key, "first met at the lunch table in Lisbon, no word since")
        t.allow("meeting", key, "met in Lisbon, no word since")
    for key in ("maeve", "stephan"):
        t.forbid("conference", key, "they have written since")
        t.allow("meeting", key, "written to a few days after")


def _without_people(meeting: Planned) -> Planned:
    """The owner's own block in the calendar: nobody was asked to it."""
    return Planned(
        summary=meeting.summary, starts_at=meeting.starts_at, days=meeting.days, location=meeting.location
    )


def _rhythm(t: _Teller) -> None:
    a = t.archive
    t.outcomes.words += [
        ("role", BY_KEY["tom"].address, "mentor"),
        ("cadence", BY_KEY["tom"].address, "42d"),
        ("role", BY_KEY["irina"].address, "mentor"),
        ("role", BY_KEY["ruth"].address, "friendly-critic"),
        ("cadence", BY_KEY["ruth"].address, "30d"),
        ("role", BY_KEY["zeynep"].address, "mentee"),
        ("role", BY_KEY["carla"].address, "manager"),
        ("tag", BY_KEY["ravi"].address, "deployments"),
        ("note", BY_KEY["bjorn"].address, "Taught me to count the people who are not in the room."),
    ]
    lunch = max(
        meeting.starts_at
        for meeting in a.meetings
        if meeting.organizer is not None and meeting.guests[-1].address == BY_KEY["tom"].address
    )
    a.write(
        "mara",
        lunch + timedelta(hours=4, minutes=25),
        ["tom"],
        "The bridge",
        "I walked home over the long bridge and thought about your sentence on patience. It is on a card on my desk now.",
    )
    for key in ("irina", "zeynep"):
        t.allow("keep_in_touch", key, "a mentor and a mentee have a rhythm of their own")
    t.expect("keep_in_touch", "tom", "every six weeks; last lunch nine weeks ago and nothing booked")
    a.meet(
        t.at(a.coming(THU, 3), "12:30"),
        "Ruth, Mensa",
        ["ruth"],
        minutes=60,
        organizer="ruth",
        location="Mensa Havelstadt",
    )
    t.forbid("keep_in_touch", "ruth", "a meeting is booked")
    a.meet(
        t.at(a.workday(16), "13:00"), "Ruth and Mara, reading hour", ["ruth"], minutes=60, organizer="mara"
    )
    a.write(
        "mara",
        t.at(a.following(a.workday(16)), "09:10"),
        ["ruth"],
        "Die Stunde gestern",
        "die Lesestunde hat mir gutgetan. Kapitel vier ist jetzt zwei Seiten kürzer.",
        language="de",
    )


def _manager(t: _Teller) -> None:
    a = t.archive
    monday = a.today - timedelta(days=a.today.weekday())
    start = t.at(monday - timedelta(weeks=98) + timedelta(days=4), "15:30").replace(second=0)
    every = timedelta(weeks=2)
    past = [start]
    while past[-1] + every < a.now:
        past.append(past[-1] + every)
    moved = past[-5]
    changes = (
        Change(moved, moved_to=moved + timedelta(days=3, hours=-5)),
        Change(past[-2], is_cancelled=True),
        Change(past[-1], is_cancelled=True),
    )
    winter = tuple(at for at in past[:-5] if (at.month, at.day) >= (12, 22) or (at.month, at.day) <= (1, 3))
    a.meet(
        start,
        "Carla / Mara 1:1",
        ["carla"],
        minutes=30,
        organizer="carla",
        every_weeks=2,
        until=a.now + timedelta(weeks=20),
        excluded=winter,
        changes=changes,
    )
    t.allow("manager", "carla", "the 1:1 was cancelled twice in a row")
    t.allow("keep_in_touch", "carla", "a manager has a rhythm")


def _dormant(t: _Teller) -> None:
    t.expect(
        "reconnect",
        "bjorn",
        "forty letters and a meeting a fortnight until eleven months ago; moved to Nordlicht",
    )
    t.allow("reconnect", "oliver", "a dormant tie as well")
    t.allow("reconnect", "julian", "left the company half a year ago")
    t.allow("congratulate", "bjorn", "moved between the two exports")
    t.allow("congratulate", "helene", "moved between the two exports")
    t.allow("congratulate", "ewa", "moved between the two exports")
    t.allow("congratulate", "tariq", "another title at the same company")
    t.outcomes.allowed.append(
        Outcome("congratulate", BY_KEY["zeynep"].profile, "moved between the two exports")
    )
    for key in ("lena", "nikhil", "ana", "tomasz"):
        t.forbid("reconnect", key, "in touch all the time")


def _next_week(t: _Teller) -> None:
    """What is planned: the digest's section on the week."""
    a = t.archive
    a.meet(
        t.at(a.coming(THU), "10:00"),
        "Priya Raman, Tidewater",
        ["priya"],
        minutes=45,
        organizer="priya",
        zone_name="W. Europe Standard Time",
        location="Video",
    )
    a.meet(
        t.at(a.coming(TUE), "13:30"),
        "Northgate: standard, last round",
        ["ana", "grace", "lena"],
        minutes=60,
        organizer="ana",
    )
    a.meet(t.at(a.coming(FRI), "11:00"), "Tomasz: Gdynia debrief", ["tomasz", "lena"], minutes=45)
    a.meet(
        t.at(a.coming(WED), "16:00"),
        "Hosting partners' round",
        ["gustav", "dmitri", "thandi", "pedro"],
        minutes=60,
        organizer="gustav",
        answers={"pedro": "TENTATIVE"},
    )
    a.meet(datetime.combine(a.coming(MON, 5), time(), BERLIN), "Company holiday", [], days=1)
    a.meetings[-1] = _without_people(a.meetings[-1])
    a.meet(datetime.combine(a.coming(MON, 26), time(), BERLIN), "Holiday in Umeå", [], days=10)
    a.meetings[-1] = _without_people(a.meetings[-1])
    a.meet(t.at(a.coming(TUE, 9), "09:00"), "Zeynep, portfolio", ["zeynep"], minutes=60)
    a.meet(
        t.at(a.workday(20), "14:00"),
        "Budget round (moved to spring)",
        ["dmitri", "carla"],
        minutes=60,
        organizer="dmitri",
        is_cancelled=True,
    )
    room = Guest("Room Aurora (14)", "room-aurora@resource.calendar.example", "ACCEPTED", "ROOM")
    a.meet(
        t.at(a.workday(34), "10:00"),
        "Northgate reference day",
        ["ana", "grace", "lena", "nikhil", "ravi"],
        minutes=180,
        organizer="ana",
        extra=(room,),
    )
    a.write(
        "mara",
        t.at(a.following(a.workday(34)), "08:45"),
        ["ana", "grace"],
        "Reference day",
        "What a day. Forty visitors, one fire drill and not a single lamp out of place. The photographs are in the folder.",
    )


def _on_linkedin(t: _Teller) -> None:
    a = t.archive
    hello = (
        ("tariq", 410, "in", "Hi Mara, saw your talk in Graz. We are fitting two airports and everything you said about tired people applies."),
        ("tariq", 409, "out", "Hi Tariq, airports are hospitals with luggage. Glad it was of use."),
        ("yolanda", 300, "in", "Your chapter on night work is on our reading list this term. I thought you should know that it starts arguments."),
        ("yolanda", 299, "out", "Arguments are the best a chapter can hope for. Thank you for telling me."),
        ("ewa", 220, "in", "We met at the school building day in Poznań. I promised you the picture of the blue classroom, here it is."),
        ("ewa", 219, "out", "The blue classroom! It looks even calmer than you described it."),
        ("zeynep", 131, "in", "I got the job! Junior designer at Formwerk, from the first of the month. Thank you for the mock interviews."),
        ("zeynep", 131, "out", "Of course you did. I am proud of you, and a little of the mock interviews."),
        ("bjorn", 500, "in", "The pilot made it into the annual report, page 40, with your picture upside down."),
        ("bjorn", 500, "out", "Upside down is how I felt for most of it. Page 40 is going on the fridge."),
        ("haruto", 38, "in", "Thank you for accepting. We build scheduling for care homes and your work comes up in every second conversation."),
        ("haruto", 37, "out", "That is kind of you to say. Care homes are where I would start again if I could."),
        ("ben", 64, "in", "Mara, a quick one. A lighting group in Vienna is looking for a design chief and your name came up twice. I know you are happy where you are."),
        ("ben", 63, "out", "I am, and it is flattering all the same. My answer is no for this year."),
        ("camille", 90, "in", "Bonjour Mara, votre exposition à Gand m'a beaucoup touchée."),
        ("camille", 88, "out", "Merci Camille, cela me fait très plaisir."),
    )  # fmt: skip
    for place, (key, ago, direction, text) in enumerate(hello):
        at = t.at(a.workday(ago), f"{9 + place % 8}:{10 + place * 2}")
        a.message(key if direction == "in" else "mara", key, at, text)
    for key in ("sofia", "mattias", "bianca"):
        t.expect("new_connection", key, "connected in the last weeks, never written to")
    t.forbid("new_connection", "haruto", "they have written")
    for key in ("beatriz", "leila", "salma", "minh"):
        t.allow("new_connection", key, "connected during the conference")
    t.allow("new_connection", "omar", "connected, met by mail")
    for identity in ("beatriz", "leila", "salma", "minh"):
        profile = BY_KEY[identity].profile
        for rule in ("new_connection", "conference"):
            t.outcomes.allowed.append(Outcome(rule, profile, "connected during the conference"))

    wall = t.at(a.workday(12), "14:37").replace(tzinfo=None)
    a.invitations += [
        Asked("Sofia Peña", OWNER.name, wall, "", "INCOMING", BY_KEY["sofia"].profile, OWNER.profile),
        Asked(
            OWNER.name,
            "Haruto Mori",
            wall - timedelta(days=27),
            "Your talk on quiet interfaces stayed with me.",
            "OUTGOING",
            OWNER.profile,
            BY_KEY["haruto"].profile,
        ),
        Asked(
            "Petr Novotný",
            OWNER.name,
            wall + timedelta(days=6),
            "Would love to connect!",
            "INCOMING",
            "https://www.linkedin.com/in/petrnovotny-sales",
            OWNER.profile,
        ),
    ]
    a.praise_received.append(
        Praise(
            "Björn Lindqvist",
            "Kraftverk",
            "Engineering Director",
            "Mara is the only designer I know who counts the people who are not in the room. Our pilot was better for it, and so was I.",
            t.at(a.workday(420), "17:51").replace(tzinfo=None),
        )
    )
    a.praise_received.append(
        Praise(
            "Tom Ashworth",
            "Greyfriars Digital",
            "Design Director",
            "I have worked with Mara on and off for ten years. She listens first, she decides late, and she is usually right.",
            t.at(a.workday(610), "09:12").replace(tzinfo=None),
        )
    )
    a.praise_given.append(
        Praise(
            "Zeynep Kaya",
            "Formwerk",
            "Junior Designer",
            "Zeynep asks the question that everybody else has swallowed. Hire her and keep up.",
            t.at(a.workday(150), "20:04").replace(tzinfo=None),
        )
    )
    for key, ago, skills in (
        ("ana", 330, ("Service Design", "Workshop Facilitation")),
        ("tomasz", 200, ("User Research",)),
        ("bjorn", 505, ("Systems Thinking", "Service Design", "User Research")),
    ):
        who = BY_KEY[key]
        for second, skill in enumerate(skills):
            a.skills.append(
                Skill(who.name, who.profile, skill, t.at(a.workday(ago), "11:20") + timedelta(seconds=second))
            )


def _strangers(t: _Teller) -> None:
    """People who wrote once and wait to be known."""
    a = t.archive
    a.write(
        "brent",
        t.at(a.workday(12), "15:00", "brent"),
        ["mara"],
        "Quick question about Lumenworks",
        "I noticed you lead design at Lumenworks and figured you would be the right person. Do you have 15 minutes this week to see how teams like yours double their reply rates?",
    )
    a.write(
        "brent",
        t.at(a.workday(9), "15:05", "brent"),
        ["mara"],
        "Re: Quick question about Lumenworks",
        "Floating this to the top of your inbox. Would Thursday at 3 work?",
    )
    t.forbid("awaiting_me", "brent", "a stranger's sales mail: he waits to be known")
    a.write(
        "elena",
        t.at(a.workday(6), "19:42", "elena"),
        ["mara"],
        "Thesis on light in neonatal wards",
        "I am a master's student in Novi Sad and your paper is the reason for my topic. May I ask you three questions about how you chose the wards? By mail would be perfectly fine.",
    )
    t.forbid("awaiting_me", "elena", "a stranger's question shows in the thread, not as a follow-up")
