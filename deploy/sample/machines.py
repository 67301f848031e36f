"""What machines send to a professional: newsletters, notices, list posts, automatic answers, bounces, invitations.

None of it is contact between humans; each kind carries the headers by which it is told (RFC 2369, 2919, 3834, 3464).
"""

from datetime import datetime, timedelta
from html import escape

from deploy.sample.archive import Archive
from deploy.sample.mail import Letter, reply_subject
from deploy.sample.meetings import Guest, invitation, reply
from deploy.sample.people import BY_KEY, HOME, OWNER, WORK, Figure

_PROMOTIONS = ("Inbox", "Category Promotions", "Unread")
_UPDATES = ("Inbox", "Opened", "Category Updates")
_FORUMS = ("Inbox", "Opened", "Category Forums")

_NEWSLETTERS: tuple[tuple[str, str, int, tuple[tuple[str, str], ...]], ...] = (
    ("The Long Corridor", "letters@longcorridor.example", 7, (
        ("What do patients see at four in the morning?", "Have you ever counted the lamps between a bed and a bathroom? We did, in nine hospitals. The answer is fourteen, and one of them always flickers. What would you change first? Hit reply and tell us."),
        ("The quiet return of the paper sign", "Screens were meant to replace them. Then a ward in Ghent switched its screens off for a month. Can you guess what happened?"),
        ("Five beds, one window", "An architect, a nurse and a seven-year-old draw the same room. Only one of them draws the window. Guess who."),
        ("On being tired", "This week: why rotas are a design problem, a museum you can only visit at dusk, and a reader on her grandmother's lamp."),
    )),
    ("Formular Weekly", "weekly@formular.example", 7, (
        ("12 links for people who make services", "A form that says sorry, a bus stop that listens, and the best error message of the year. Could your team use a workshop this spring? Seats are going fast."),
        ("The issue with no screenshots", "We wrote about seven services without a single picture. Did you miss them?"),
        ("Is your onboarding too polite?", "Our survey of 400 teams has a surprising answer. Will you join the webinar on Thursday?"),
    )),
    ("Harbour Print Shop", "hello@harbourprint.example", 21, (
        ("Posters, now also very large", "Until Sunday: twenty per cent off everything larger than you."),
        ("Did you forget something in your cart?", "Two rolls of tracing paper are waiting for you. Shall we keep them?"),
    )),
    ("Nachtlicht Magazin", "redaktion@nachtlicht.example", 28, (
        ("Wer macht das Licht aus?", "Die neue Ausgabe ist da: vier Nachtschichten, drei Städte, ein Hausmeister mit System. Haben Sie schon verlängert?"),
        ("Was kostet die Dunkelheit?", "Ein Heft über Straßen, Schulen und die Frage, wann es hell genug ist."),
    )),
)  # fmt: skip
_LIST = ("Service Design Berlin", "talk@lists.servicedesign.example")
_POSTS: tuple[tuple[str, str, str], ...] = (
    (
        "luca",
        "Blueprints on one page",
        "Does anybody have an example of a blueprint that fits on one page and is still true? Mine are either small or honest.",
    ),
    (
        "marcus",
        "Next meetup: night work",
        "The next meetup is about night work. Who would like to speak for ten minutes? No slides, no pitch, bring an object.",
    ),
    (
        "aisha",
        "Volunteers for the open ward day",
        "We are looking for six people who can hold a door and a conversation. Any takers?",
    ),
    (
        "nora",
        "Call for the design week",
        "The call is open until the end of the month. What should a design week not show any more?",
    ),
    (
        "chidi",
        "Midwives and maps",
        "Sharing a short paper on how midwives in Lagos draw their district. Comments welcome, especially harsh ones.",
    ),
)
_NOTICES: tuple[tuple[str, str, str, str], ...] = (
    ("Tracker", "notifications@tracker.example", "[aurora] Night scene fades too fast (#{n})", "Ravi Subramaniam commented:\n\nThe step below ten per cent is the old driver. Shall we close this?\n\nReply to this email directly or view it on the tracker."),
    ("LinkedIn", "messages-noreply@social.example", "You have {n} new invitations", "People are waiting to connect with you. Who do you know?"),
    ("Railways", "tickets@bahn.example", "Your booking {n}", "Your journey is booked. Seat 71, by the window. Please have your ticket ready."),
    ("Drive", "drive-shares-noreply@docs.example", 'Lena Vogt shared "Night visits, round {n}" with you', "Lena Vogt has invited you to edit the following document."),
    ("Hosting", "billing@hosting.example", "Receipt {n}", "Thank you for your payment. This receipt is for your records. Questions? Visit the help centre."),
)  # fmt: skip


def fill(archive: Archive) -> None:
    """File two years of what machines send."""
    _newsletters(archive)
    _notices(archive)
    _list_posts(archive)
    _automatic_answers(archive)
    _bounces(archive)
    _invitations(archive)
    _drafts(archive)


def _newsletters(archive: Archive) -> None:
    for name, address, every, issues in _NEWSLETTERS:
        at = archive.now - timedelta(days=725)
        number = 60
        while at < archive.now - timedelta(days=1):
            title, text = issues[number % len(issues)]
            stamp = at.replace(hour=6, minute=5 + number % 50, second=11, microsecond=0)
            domain = address.partition("@")[2]
            page = (
                f'<html><body style="background:#f4f1ea"><table width="600" align="center"><tr><td><h1>{escape(title)}</h1>'
                f'<p>{escape(text)}</p><p>No. {number}</p><p><a href="https://{domain}/u/{number}">Unsubscribe</a> · '
                f'<a href="https://{domain}/v/{number}">View in browser</a></p><img src="https://{domain}/o/{number}.gif" width="1" height="1">'
                "</td></tr></table></body></html>"
            )
            headers = (
                ("List-Id", f"{name} <letters.{domain}>"),
                ("List-Unsubscribe", f"<https://{domain}/u/{number}>, <mailto:leave-{number}@{domain}>"),
                ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
                ("Precedence", "bulk"),
                ("Feedback-ID", f"{number}:campaign:{domain}"),
            )
            plain = f"{title}\n\n{text}\n\nView in browser: https://{domain}/v/{number}\nUnsubscribe: https://{domain}/u/{number}"
            archive.machine(
                Letter(
                    at=stamp,
                    sender=(name, address),
                    to=((OWNER.name, HOME),),
                    subject=title,
                    text=plain,
                    html=page,
                    headers=headers,
                    labels=_PROMOTIONS,
                    delivered_to=HOME,
                )
            )
            number += 1
            at += timedelta(days=every)


def _notices(archive: Archive) -> None:
    rng = archive.rng
    for place, (name, address, subject, text) in enumerate(_NOTICES):
        for _ in range(28 - place * 4):
            at = archive.now - timedelta(days=rng.uniform(1, 720))
            own = WORK if place in {0, 3} else HOME
            headers = (("Auto-Submitted", "auto-generated"), ("X-Auto-Response-Suppress", "All"))
            archive.machine(
                Letter(
                    at=at.replace(microsecond=0),
                    sender=(name, address),
                    to=((OWNER.name, own),),
                    subject=subject.format(n=rng.randrange(100, 9000)),
                    text=text,
                    headers=headers,
                    labels=_UPDATES,
                    delivered_to=own,
                )
            )


def _list_posts(archive: Archive) -> None:
    rng = archive.rng
    for round_ in range(6):
        for place, (key, subject, text) in enumerate(_POSTS):
            who = BY_KEY[key]
            at = archive.at_desk(
                archive.now - timedelta(days=25 + round_ * 110 + place * 19 + rng.random() * 9), who
            )
            headers = (
                ("List-Id", "Service Design Berlin <talk.lists.servicedesign.example>"),
                ("List-Post", f"<mailto:{_LIST[1]}>"),
                ("List-Unsubscribe", "<mailto:talk-leave@lists.servicedesign.example>"),
                ("Precedence", "list"),
                ("Reply-To", f"{who.name.encode('ascii', 'ignore').decode()} <{who.address}>"),
                ("X-Original-From", f"{who.name.encode('ascii', 'ignore').decode()} <{who.address}>"),
            )
            archive.machine(
                Letter(
                    at=at.replace(microsecond=0),
                    sender=(f"{who.name} via {_LIST[0]}", _LIST[1]),
                    to=(_LIST,),
                    subject=f"[SDB] {subject}" + (f", {at.year}" if round_ else ""),
                    text=f"{text}\n\n{who.first}",
                    signature="Service Design Berlin\nTo leave this list write to talk-leave@lists.servicedesign.example",
                    headers=headers,
                    labels=_FORUMS,
                    delivered_to=HOME,
                )
            )


def _automatic_answers(archive: Archive) -> None:
    """Vacation notes to letters of the owner; they answer nothing."""
    mine = [
        letter
        for letter in archive.letters
        if letter.sender[1] in {HOME, WORK} and not letter.cc and len(letter.to) == 1
    ]
    away = {
        "gustav": (
            "Automatic reply: ",
            "I am out of the office and back on Monday. For urgent matters, could you please write to nordics@lumenworks.example?",
        ),
        "sabine": (
            "Automatische Antwort: ",
            "Ich bin derzeit nicht im Büro. In dringenden Fällen wenden Sie sich bitte an das Sekretariat. Ihre Nachricht wird nicht weitergeleitet.",
        ),
        "claire": (
            "Réponse automatique : ",
            "Je suis absente jusqu'à lundi. Pouvez-vous contacter le secrétariat en cas d'urgence ?",
        ),
        "luca": (
            "Automatic reply: ",
            "I am at a conference with little time for mail. Is it urgent? Then please write again next week.",
        ),
        "javier": ("Respuesta automática: ", "Estoy fuera de la oficina. ¿Es urgente? Escriba a recepción."),
    }
    for key, (prefix, text) in away.items():
        who = BY_KEY[key]
        letters = [letter for letter in mine if letter.to[0][1] == who.address]
        for letter in letters[-1:] if key == "luca" else letters[1:9:4]:
            archive.machine(
                _answer(archive, who, letter, prefix + letter.subject, text), is_sender_machine=False
            )


def _answer(archive: Archive, who: Figure, letter: Letter, subject: str, text: str) -> Letter:
    headers = (
        ("Auto-Submitted", "auto-replied"),
        ("X-Auto-Response-Suppress", "All"),
        ("Precedence", "auto_reply"),
    )
    at = min(letter.at + timedelta(seconds=40), archive.now - timedelta(minutes=5)).astimezone(who.tz)
    return Letter(
        at=at,
        sender=(who.name, who.address),
        to=((OWNER.name, letter.sender[1]),),
        subject=subject,
        text=text,
        client="outlook",
        answers=letter,
        headers=headers,
        language=who.language,
        delivered_to=letter.sender[1],
    )


def _bounces(archive: Archive) -> None:
    """Oliver's old address is gone: a failure with its machine-readable part (RFC 3464)."""
    who = BY_KEY["oliver"]
    at = archive.at_desk(archive.now - timedelta(days=300), OWNER)
    lost = archive.write(
        "mara",
        at,
        ["oliver"],
        "Grüße aus Berlin",
        "ich bin über ein altes Foto von der Messe gestolpert, wir zwei mit der Lampe. Ich hoffe, es geht dir gut.",
        language="de",
    )
    status = (
        "Reporting-MTA: dns; mx.example.com\nArrival-Date: " + f"{at:%d %b %Y %H:%M:%S %z}" + "\n\n"
        f"Final-Recipient: rfc822; {who.address}\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 user unknown\n"
    )
    archive.machine(
        Letter(
            at=at + timedelta(seconds=9),
            sender=("Mail Delivery Subsystem", "mailer-daemon@mx.example.com"),
            to=((OWNER.name, lost.sender[1]),),
            subject="Delivery Status Notification (Failure)",
            text=f"Your message was not delivered to {who.address} because the address could not be found.",
            shape="bounce",
            calendar=status,
            answers=lost,
            headers=(("Auto-Submitted", "auto-replied"),),
            delivered_to=lost.sender[1],
        )
    )


def _invitations(archive: Archive) -> None:
    """Meetings called by others reach the owner by mail, and the owner's come back as answers (RFC 5546)."""
    called = [
        meeting for meeting in archive.meetings if meeting.organizer is not None and not meeting.every_weeks
    ]
    by_address = {who.address: who for who in BY_KEY.values() if who.address}
    for place, meeting in enumerate(called):
        assert meeting.organizer is not None
        sent = archive.at_desk(meeting.starts_at - timedelta(days=8 + place % 5), OWNER)
        sent = _before(archive, sent)
        if meeting.organizer.address != WORK:
            who = by_address[meeting.organizer.address]
            text = f"You have been invited to the following event.\n\n{meeting.summary}\nWhen: {meeting.starts_at:%d %b %Y %H:%M} (Europe/Berlin)\n\nGoing? Yes - Maybe - No"
            archive.machine(
                Letter(
                    at=sent,
                    sender=(who.name, who.address),
                    to=((OWNER.name, WORK),),
                    subject=f"Invitation: {meeting.summary} @ {meeting.starts_at:%d %b %Y}",
                    text=text,
                    shape="invitation",
                    calendar=invitation(meeting, sent),
                    labels=_UPDATES,
                    delivered_to=WORK,
                ),
                is_sender_machine=False,
            )
        elif place % 3 == 0:
            guest = meeting.guests[1]
            done = Guest(guest.name, guest.address, "ACCEPTED")
            archive.machine(
                Letter(
                    at=sent,
                    sender=(guest.name, guest.address),
                    to=((OWNER.name, WORK),),
                    subject=f"Accepted: {meeting.summary}",
                    text=f"{guest.name} has accepted this invitation.",
                    shape="invitation",
                    method="REPLY",
                    calendar=reply(meeting, done, sent),
                    labels=_UPDATES,
                    delivered_to=WORK,
                ),
                is_sender_machine=False,
            )


def _before(archive: Archive, at: datetime) -> datetime:
    return min(at, archive.now - timedelta(hours=30)).replace(microsecond=0)


def _drafts(archive: Archive) -> None:
    """A letter never sent."""
    at = (archive.now - timedelta(days=3, hours=2)).replace(microsecond=0)
    who = BY_KEY["bjorn"]
    archive.machine(
        Letter(
            at=at,
            sender=(OWNER.name, HOME),
            to=((who.name, who.address),),
            subject=reply_subject("The old kitchen table", "gmail", "en"),
            text="Hej Björn,\n\nI have been meaning to",
            labels=("Drafts",),
        ),
        is_sender_machine=False,
    )
