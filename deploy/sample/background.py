"""Two years of everyday contact: scenes, notes and meetings spread over people and weeks; it leaves nothing open."""

from datetime import datetime, time, timedelta
from random import Random

from deploy.sample.archive import BERLIN, Archive
from deploy.sample.mail import Letter
from deploy.sample.meetings import Guest
from deploy.sample.people import (
    BY_KEY,
    CLIENTS,
    COMMUNITY,
    EVERYBODY,
    FORMER,
    MENTORS,
    OWNER,
    PARTNERS,
    TEAM,
    Figure,
)
from deploy.sample.scenes import NOTES, SCENES, SLOTS, Scene

QUIET_DAYS: dict[str, int] = {
    # Whose newest letters belong to a story: the background keeps silent for so many days before the end.
    "ana": 12, "claire": 14, "emeka": 14, "mei": 14, "carla": 9, "sabine": 14, "jonas": 80, "luca": 24, "samir": 16,
    "priya": 30, "viktor": 110, "irina": 10, "ruth": 10, "zeynep": 10, "pedro": 9, "yuki": 9, "thandi": 12,
    "malcolm": 12, "tomasz": 14, "aisha": 12, "grace": 9, "agnes": 12, "marcus": 9, "helene": 40, "dave": 9,
    "nikhil": 5, "lena": 2, "katya": 70, "chidi": 12, "rosa": 9,
}  # fmt: skip
_PER_MONTH = 0.36
_EXTRA_CIRCLES = {"bjorn": "client partner friend", "samir": "friend", "aisha": "client", "ana": "community"}
_MEETING_TITLES: dict[str, tuple[str, ...]] = {
    "client": (
        "{place}: progress",
        "Walk-through {ward}",
        "{first} and Mara, planning",
        "Review of {doc}",
        "Budget and scope, {place}",
    ),
    "partner": (
        "{first} x Lumenworks",
        "Sketches, second round",
        "Planning the {month} fieldwork",
        "Contract points",
    ),
    "former": ("Lunch with {first}", "Coffee, {first}", "Walk along the canal with {first}"),
    "mentor": ("{first} / Mara", "An hour with {first}", "Tea with {first}"),
    "community": ("Coffee with {first}", "Panel preparation", "{first} and Mara on {topic}"),
    "company": ("{first} and Mara", "Numbers for {place}", "{thing}: decisions", "Preparing {doc}"),
    "team": ("Pairing on {thing}", "Synthesis {ward}", "Debrief after {place}"),
}
_AFTERWARDS: tuple[str, ...] = (
    "Good to sit together yesterday. My notes fill one page and the page is attached. The point about the handover stays with me most.",
    "That was a useful hour. I have written down the two decisions and crossed out my third idea, you were right about it.",
    "It was a pleasure to talk yesterday. The sketch on the napkin is now a proper drawing, and it hangs above my desk.",
    "Short and clear, as meetings should be. What we said about the order of things is in the shared notes, in your words where I could.",
    "I walked home thinking about what you said on trust. It went straight into the brief.",
    "Here are the three numbers from yesterday in one place: 41 rooms, 12 weeks, one evening of training.",
    "I enjoyed that. The photographs from the walk are in the folder, the fifth one is my favourite.",
    "A quick line after our talk: the smaller room, the later start and no slides. All agreed from our side.",
)  # fmt: skip


def fill(archive: Archive) -> None:
    """File the everyday letters and meetings of everybody with a weight."""
    for who in EVERYBODY:
        if who.weight and who.address and who.circle != "stranger":
            _letters(archive, who)
    _single_meetings(archive)
    _series(archive)


def slots(rng: Random, who: Figure | None = None) -> dict[str, str]:
    """One choice of words for a scene."""
    chosen = {name: rng.choice(words) for name, words in SLOTS.items()}
    if who is not None:
        chosen["first"] = who.first
    return chosen


def _bounds(archive: Archive, who: Figure) -> tuple[datetime, datetime]:
    start = archive.now - timedelta(days=who.from_month * 30.4)
    end = archive.now - timedelta(days=max(who.to_month * 30.4, QUIET_DAYS.get(who.key, 2)))
    return start, end


def _letters(archive: Archive, who: Figure) -> None:
    rng = archive.rng
    start, end = _bounds(archive, who)
    months = (end - start).days / 30.4
    wanted = max(1, round(who.weight * months * _PER_MONTH))
    circles = {who.circle, *_EXTRA_CIRCLES.get(who.key, "").split()}
    fitting = [
        scene
        for scene in SCENES
        if circles & set(scene.circles.split()) and scene.language in {"en", who.language}
        and (scene.language == who.language or who.language not in {"fr", "es"} or rng.random() < 0.4)
    ]  # fmt: skip
    rng.shuffle(fitting)
    again = [
        scene for scene in fitting if "{" in scene.subject or sum("{" in line for line in scene.lines) > 1
    ]
    chosen = (fitting + again)[:wanted]
    gap = (end - start) / (len(chosen) + 1)
    for place, scene in enumerate(chosen):
        at = start + gap * (place + rng.uniform(0.35, 1.0))
        _scene(archive, who, scene, at, end)
    for circles_of_note, subject, text in NOTES:
        if circles & set(circles_of_note.split()) and rng.random() < 0.22:
            words = slots(rng, who)
            at = archive.at_desk(start + (end - start) * rng.random(), who)
            if at < end:
                archive.write(who.key, at, ["mara"], subject.format(**words), text.format(**words))


def _scene(archive: Archive, who: Figure, scene: Scene, at: datetime, end: datetime) -> None:
    rng = archive.rng
    words = slots(rng, who)
    when = archive.at_desk(at, who)
    cc = [
        colleague.key
        for colleague in rng.sample(TEAM, 1)
        if who.circle in {"team", "company"} and rng.random() < 0.25
    ]
    cc = [
        key
        for key in cc
        if key not in QUIET_DAYS
        and key != who.key
        and (BY_KEY[key].from_month, BY_KEY[key].to_month) == (24.0, 0.0)
    ]
    before: Letter | None = None
    plan: list[tuple[str, datetime, str]] = []
    for place, line in enumerate(scene.lines):
        writer = who if line[0] == "T" else OWNER
        if place:
            when = archive.after(when, who.pace if line[0] == "T" else 5, writer)
        plan.append((writer.key, when, line[2:].format(**words)))
    if plan[-1][1] >= end:
        return
    for place, (key, moment, text) in enumerate(plan):
        to = ["mara"] if key != "mara" else [who.key]
        before = archive.write(
            key,
            moment,
            to,
            scene.subject.format(**words),
            _opened(text, scene.language) if place == 0 or rng.random() < 0.45 else text,
            cc=cc,
            answers=before,
            language=scene.language,
            hello=place == 0 or rng.random() < 0.45,
            close=place < 2 or rng.random() < 0.5,
        )


def _opened(text: str, language: str) -> str:
    """A sentence after a greeting begins as the language has it; German goes on in lower case by itself."""
    return text if language == "de" else text[0].upper() + text[1:]


def _single_meetings(archive: Archive) -> None:
    rng = archive.rng
    rates = (
        (CLIENTS, 0.30),
        (PARTNERS, 0.18),
        (FORMER, 0.10),
        (MENTORS, 0.20),
        (COMMUNITY, 0.12),
        (TEAM, 0.25),
    )
    for figures, rate in rates:
        for who in figures:
            start, end = _bounds(archive, who)
            end = min(end, archive.now - timedelta(days=4))
            months = max(0.0, (end - start).days / 30.4)
            for _ in range(round(months * rate * min(who.weight, 1.6))):
                day = (start + (end - start) * rng.random()).astimezone(BERLIN).date()
                day -= timedelta(days=max(0, day.weekday() - 4))
                at = datetime.combine(
                    day, time(rng.choice((9, 10, 11, 13, 14, 15, 16)), rng.choice((0, 30))), BERLIN
                )
                _meeting(archive, who, at)


def _meeting(archive: Archive, who: Figure, at: datetime) -> None:
    rng = archive.rng
    words = slots(rng, who)
    is_inside = who.circle in {"team", "company"}
    with_them = [who.key]
    if who.circle == "client" and rng.random() < 0.5:
        with_them.append(rng.choice(("lena", "gustav", "ravi")))
    archive.meet(
        at,
        rng.choice(_MEETING_TITLES[who.circle]).format(**words),
        with_them,
        minutes=rng.choice((30, 45, 60)),
        organizer=rng.choice(("mara", who.key)),
        location="" if rng.random() < 0.5 else rng.choice(("Video", "Lumenworks, room Polar", "On site")),
        zone_name="W. Europe Standard Time" if who.client == "outlook" else "Europe/Berlin",
    )
    if not is_inside and (archive.now - at < timedelta(days=70) or rng.random() < 0.35):
        morning = archive.at_desk(at + timedelta(hours=19), OWNER)
        if morning < archive.now - timedelta(days=2):
            to = [key for key in with_them if BY_KEY[key].circle not in {"team", "company"}]
            archive.write(
                "mara",
                morning,
                to,
                f"After {rng.choice(('today', 'our talk', 'yesterday', 'the walk'))}",
                rng.choice(_AFTERWARDS),
            )


def _monday(archive: Archive, weeks_ago: int, weekday: int, hour: int, minute: int = 0) -> datetime:
    day = (
        archive.today
        - timedelta(days=archive.today.weekday())
        - timedelta(weeks=weeks_ago)
        + timedelta(days=weekday)
    )
    return datetime.combine(day, time(hour, minute), BERLIN)


def _series(archive: Archive) -> None:
    """The recurring ones: exclusions for holidays, occurrences moved or cancelled, series that ended."""
    rng = archive.rng
    later = archive.now + timedelta(weeks=16)
    room = Guest("Room Polar (8)", "room-polar@resource.calendar.example", "ACCEPTED", "ROOM")

    def holidays(start: datetime, every: int) -> tuple[datetime, ...]:
        found, at = [], start
        while at < archive.now - timedelta(weeks=3):
            if (
                (at.month, at.day) >= (12, 22)
                or (at.month, at.day) <= (1, 3)
                or (at.month == 8 and at.day < 15)
            ):
                found.append(at)
            at += timedelta(weeks=every)
        return tuple(found)

    weekly = _monday(archive, 102, 1, 10)
    archive.meet(
        weekly,
        "Lena / Mara",
        ["lena"],
        every_weeks=1,
        until=later,
        excluded=holidays(weekly, 1),
        extra=(room,),
    )
    nikhil = _monday(archive, 101, 2, 14, 30)
    archive.meet(
        nikhil, "Nikhil / Mara 1:1", ["nikhil"], every_weeks=2, until=later, excluded=holidays(nikhil, 2)
    )
    elif_ = _monday(archive, 100, 3, 9, 30)
    archive.meet(
        elif_,
        "Elif and Mara",
        ["elif"],
        every_weeks=2,
        until=later,
        excluded=holidays(elif_, 2),
        organizer="elif",
    )
    sync = _monday(archive, 103, 0, 9, 45)
    archive.meet(
        sync,
        "Service design, Monday round",
        ["lena", "nikhil", "elif", "ravi", "wei"],
        minutes=45,
        every_weeks=1,
        until=later,
        excluded=holidays(sync, 1),
        extra=(room,),
    )
    guild = _monday(archive, 96, 3, 16)
    names = ["lena", "nikhil", "elif", "ravi", "wei", "kofi", "gustav", "carla"]
    archive.meet(
        guild,
        "Design guild",
        names,
        minutes=60,
        every_weeks=4,
        until=later,
        organizer="nikhil",
        answers={"gustav": "DECLINED"},
    )
    company = tuple(figure.key for figure in TEAM if figure.key != "julian")
    everyone = Guest("Everyone at Lumenworks", "everyone@lumenworks.example", "NEEDS-ACTION", "GROUP")
    for quarter in range(8):
        at = _monday(archive, 6 + 13 * quarter, 2, 11)
        archive.meet(at, "Town hall", company, minutes=60, organizer="ingrid", extra=(everyone,))
    bjorn = _monday(archive, 101, 3, 13)
    archive.meet(
        bjorn,
        "Kraftverk pilot: Björn and Mara",
        ["bjorn"],
        minutes=45,
        every_weeks=2,
        until=archive.now - timedelta(weeks=49),
        excluded=holidays(bjorn, 2),
        organizer="bjorn",
    )
    for place, weeks in enumerate((98, 90, 83, 77, 70, 63, 58)):
        archive.meet(
            _monday(archive, weeks, 1, 15),
            f"Kraftverk pilot, steering round {place + 1}",
            ["bjorn", "oliver", "gustav"],
            minutes=60,
            organizer="oliver",
        )
    tom = [9, 16, 23, 30, 38, 47, 59, 71, 84, 97]
    for place, weeks in enumerate(tom):
        at = _monday(archive, weeks, 4, 13)
        archive.meet(
            at,
            ("Lunch with Tom", "Tom and Mara", "Coffee with Tom")[place % 3],
            ["tom"],
            minutes=60,
            location=rng.choice(("Café Linden", "Video", "The place by the river")),
        )
