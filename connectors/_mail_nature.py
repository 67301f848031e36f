"""What a mail is by its headers: from a human to humans, or one of the kinds that never count as contact.

What only machines write decides: RFC 2369, 2919 and 8058 for lists and bulk, RFC 3834 for automatic answers, RFC 3464
and 8098 for reports, RFC 6047 for invitations. What humans' servers add as well (`X-Auto-Response-Suppress`, a sending
platform's own headers, `X-Mailer`, a local part such as `info`) decides nothing. Word lists about addresses are not
kept here, but for senders that refuse answers.
"""

import re
from collections.abc import Mapping
from functools import lru_cache

from connectors._mail_addresses import mailboxes
from schemas.records import Nature

Verdict = tuple[Nature, str]

_MARKS = frozenset({
    "auto-submitted", "precedence", "list-id", "list-post", "list-unsubscribe", "list-unsubscribe-post",
    "mailing-list", "x-mailing-list", "x-mailinglist", "x-beenthere", "x-loop", "feedback-id", "x-autoreply",
    "x-autorespond", "x-autoresponder", "x-auto-reply", "x-autoreply-from", "auto-response", "x-auto-response-for",
    "x-campaign", "x-campaignid", "x-campaign-id", "x-mailchimp-campaign", "x-mc-user", "x-csa-complaints",
    "x-mailgun-tag", "x-failed-recipients", "x-cron-env", "x-jira-fingerprint", "x-github-reason",
    "x-newsletter", "x-bulkmail", "x-google-group-id", "list-owner", "x-listname", "x-kith-instance",
})  # fmt: skip
"""Headers without which mail from an ordinary address is personal at one look."""
_LISTS = (
    "list-id", "list-post", "mailing-list", "x-mailing-list", "x-mailinglist", "x-beenthere",
    "x-google-group-id", "list-owner", "x-listname",
)  # fmt: skip
_REPLIES = (
    "x-autoreply", "x-autorespond", "x-autoresponder", "x-auto-reply", "x-autoreply-from", "auto-response",
    "x-auto-response-for",
)  # fmt: skip
_CAMPAIGNS = (
    "list-unsubscribe-post", "x-campaign", "x-campaignid", "x-campaign-id", "x-mailchimp-campaign", "x-mc-user",
    "x-csa-complaints", "x-newsletter", "x-bulkmail",
)  # fmt: skip
_MACHINES = ("x-cron-env", "x-jira-fingerprint", "x-github-reason", "x-kith-instance")
_MAILBOX_HOSTS = (
    ":fastmail",
    ":proton",
    ":protonmail",
    ":migadu",
    ":purelymail",
    ":zoho",
    ":runbox",
    ":posteo",
)
"""Hosts of people's mailboxes that give every mail a Feedback-ID; observed 2025-2026."""

_REFUSES = re.compile(
    r"(?:^|[._+-])(?:no[._-]?repl(?:y|ies)|(?:do[._-]?not|dont)[._-]?reply|nepasrepondre|ne[._-]pas[._-]repondre"
    r"|no[._-]?responder|no[._-]?contestar|non[._-]?rispondere|nao[._-]?responda|keine?[._-]?antwort"
    r"|nicht[._-]?antworten|svar[._-]?ej|ingen[._-]?svar|unattended)(?:$|[._+-])"
    r"|^(?:mailer[._-]?daemon|notifications?|notify|notifier|bounces?|calendar-notification"
    r"|(?:auto|system)[._-]?(?:notifications?|mailer|confirm))(?:$|[._+=-])"
)
_VACATION = re.compile(
    r"(?:automatic (?:reply|response)|automated (?:reply|response)|auto[ -]?(?:reply|response|responder)"
    r"|out[ -]of[ -](?:the[ -])?office auto-?reply|automatische (?:antwort|abwesenheits\w+)|abwesenheits(?:notiz|assistent|nachricht|meldung)\w*"
    r"|r[ée]ponse automatique|message d['’]absence|absence du bureau|respuesta autom[áa]tica|fuera de (?:la )?oficina|risposta automatica"
    r"|fuori sede|resposta autom[áa]tica|automatisch(?:e)? (?:antwoord|beantwoord)\w*|autosvar|automatisk[t]? svar|fr[åa]nvaromeddelande"
    r"|frav[æa]rsmelding|automaattinen vastaus|poissaoloilmoitus|automatyczna odpowied[źz]|autoodpowied[źz]|自動応答|自動返信|不在通知)"
    r"\s*(?:[:：\-–—(\[|]|$)",
    re.IGNORECASE,
)
"""Beginnings of subjects that programs write; a colon, a dash or nothing has to follow."""
_AWAY = re.compile(
    r"(?:(?:re|aw|sv|vs|antw|tr|rif|odp)\s*:\s*)?(?:(?:i am |i'm )?(?:currently )?out of (?:the )?office|on (?:vacation|holiday|leave)"
    r"|abwesenheit|abwesend|im urlaub|urlaub|absence|en cong[ée]s?|ausente|vacaciones|assente|afwezig|fr[åa]nvarande)\b",
    re.IGNORECASE,
)
"""Subjects that humans write as well; they tell something beside another mark."""
_BOUNCED = re.compile(
    r"(?:undeliver|delivery (?:status|fail|has failed|incomplete|delayed)|mail delivery|returned mail|failure notice"
    r"|unzustellbar|nicht zustellbar|non remis|[ée]chec de (?:la )?remise|no se puede entregar|mancato recapito|onbestelbaar)",
    re.IGNORECASE,
)
_CALENDAR_PART = re.compile(
    rb"^content-type[ \t]*:[ \t]*text/calendar[^\n]{0,400}(?:\n[ \t][^\n]{0,400}){0,8}",
    re.IGNORECASE | re.MULTILINE,
)
_SCHEDULING = re.compile(
    r"method\s*=\s*[\"']?(?:request|reply|cancel|counter|declinecounter|refresh|add)\b", re.IGNORECASE
)
"""RFC 5546 3.2; PUBLISH is a calendar someone passes on."""
_RECIPIENT = re.compile(
    r"^(?:final|original)-recipient[ \t]*:(?:[^;\n]{0,40};)?[ \t]*<?([^\s<>;]{1,300}@[^\s<>;]{1,255}?)>?[ \t]*$",
    re.IGNORECASE | re.MULTILINE,
)
_STATUS = re.compile(r"^status[ \t]*:[ \t]*5\.1\.\d", re.IGNORECASE | re.MULTILINE)
_FAILED_LIMIT = 100


def nature_of(fields: Mapping[str, str], sender: str, subject: str, body: bytes) -> Verdict:
    """The nature of a message and the header or rule behind it, in plain words.

    `fields` are its headers by lower-cased name, the topmost of each; `sender` the author's address. Of `body` only
    the headers of calendar parts are looked at.
    """
    content_type = fields.get("content-type", "")[:2000].lower()
    returns_nowhere = fields.get("return-path", "").strip() == "<>"
    local = sender.partition("@")[0]
    refusing = _refuses(local)
    sent_by = fields.get("sender", "")
    is_sent_by_machine = bool(sent_by) and _refuses(_local_part(sent_by))
    if not (
        returns_nowhere
        or refusing
        or is_sent_by_machine
        or not fields.keys().isdisjoint(_MARKS)
        or "report" in content_type
        or "calendar" in content_type
        or (b"text/calendar" in body and content_type.startswith("multipart/"))
        or "@" not in sender
        or _VACATION.match(subject)
        or _AWAY.match(subject)
    ):
        return "personal", ""

    if content_type.startswith("multipart/report"):
        if "disposition-notification" in content_type:
            return "receipt", "read receipt (report-type disposition-notification)"
        if "delivery-status" in content_type:
            return "bounce", "delivery report (report-type delivery-status)"
        return "automatic", "Content-Type: multipart/report"

    submitted = fields.get("auto-submitted", "").strip().lower()
    precedence = fields.get("precedence", "").strip().lower()
    is_answer = "in-reply-to" in fields or "references" in fields
    if is_invitation(content_type, body):
        return "invitation", "calendar part with a scheduling method"
    auto_reply = _auto_reply(fields, submitted, precedence, subject, is_answer, returns_nowhere)
    if auto_reply:
        return "auto_reply", auto_reply
    if returns_nowhere:
        return "bounce", "Return-Path: <>"
    if "x-failed-recipients" in fields:
        return "bounce", "X-Failed-Recipients header"
    if (local.startswith("mailer-daemon") or local == "postmaster") and _BOUNCED.match(subject):
        return "bounce", "delivery failure from the mail system"
    if is_sent_by_machine:
        return _bulk(fields, precedence) or (
            "automatic",
            "Sender header names an address that takes no replies",
        )
    return _bulk(fields, precedence) or _automatic(fields, submitted, local, refusing, is_answer, sender)


@lru_cache(maxsize=20_000)
def _local_part(sender: str) -> str:
    """The local part of the one address in a Sender header (RFC 5322 3.6.2)."""
    found = mailboxes(sender)
    return found[0].address.partition("@")[0] if found else ""


@lru_cache(maxsize=50_000)
def _refuses(local: str) -> bool:
    return _REFUSES.search(local) is not None


def is_invitation(content_type: str, body: bytes) -> bool:
    """Whether a message is a scheduling message (RFC 6047 2.4), not one that merely carries a calendar file."""
    if content_type.startswith("text/calendar"):
        return bool(_SCHEDULING.search(content_type)) or b"METHOD:PUBLISH" not in body[:2000]
    if b"text/calendar" not in body or not content_type.startswith("multipart/"):
        return False
    forwarded = body.find(b"message/rfc822")
    for part in _CALENDAR_PART.finditer(body, 0, forwarded if forwarded >= 0 else len(body)):
        if _SCHEDULING.search(part.group().decode("latin-1")):
            return True
    return False


def _auto_reply(
    fields: Mapping[str, str],
    submitted: str,
    precedence: str,
    subject: str,
    is_answer: bool,
    returns_nowhere: bool,
) -> str:
    if submitted.startswith(("auto-replied", "auto-reply")):
        return "Auto-Submitted: auto-replied"
    for name in _REPLIES:
        if name in fields and fields[name].strip().lower() not in {"no", "false", "0"}:
            return f"{_title(name)} header"
    if precedence in {"auto_reply", "auto-reply"}:
        return f"Precedence: {precedence}"
    if _VACATION.match(subject):
        return "subject of an automatic answer"
    if _AWAY.match(subject) and (
        returns_nowhere
        or submitted.startswith("auto")
        or precedence in {"bulk", "junk"}
        or (is_answer and "x-auto-response-suppress" in fields)
    ):
        return "subject of an absence notice, sent by a program"
    return ""


def _bulk(fields: Mapping[str, str], precedence: str) -> Verdict | None:
    campaign = next((name for name in _CAMPAIGNS if name in fields), "")
    listed = next((name for name in _LISTS if name in fields), "")
    no_posts = fields.get("list-post", "").strip().lower().startswith("no")
    if listed and not no_posts and not (campaign and "list-post" not in fields):
        return "list", f"{_title(listed)} header"
    if campaign or no_posts:
        return "bulk", f"{_title(campaign)} header" if campaign else "List-Post: NO"
    if "list-unsubscribe" in fields:
        return "bulk", "List-Unsubscribe header"
    if precedence == "list":
        return "list", "Precedence: list"
    if precedence in {"bulk", "junk"}:
        return "bulk", f"Precedence: {precedence}"
    return None


def _automatic(
    fields: Mapping[str, str], submitted: str, local: str, is_refusing: bool, is_answer: bool, sender: str
) -> Verdict:
    if submitted and not submitted.startswith("no"):
        return "automatic", f"Auto-Submitted: {submitted[:40]}"
    machine = next((name for name in _MACHINES if name in fields), "")
    if machine:
        return "automatic", f"{_title(machine)} header"
    if is_refusing:
        return "automatic", f"sender {local[:60]}"
    feedback = fields.get("feedback-id", "").strip().lower()
    if (
        feedback
        and not is_answer
        and not feedback.endswith(_MAILBOX_HOSTS)
        and ":user:proton" not in feedback
    ):
        return "automatic", "Feedback-ID header"
    if "@" not in sender:
        return "automatic", "sender without a domain"
    return "personal", ""


def failed_recipients(fields: Mapping[str, str], body: bytes) -> tuple[str, ...]:
    """Addresses that a bounce reports as gone: Final-Recipient with a Status of 5.1.x (RFC 3464 2.3, RFC 3463 3.2)."""
    text = body[:65_536].decode("latin-1")
    failed: dict[str, None] = {}
    for block in text.split("\n\n"):
        if _STATUS.search(block):
            found = {match.group()[:5].lower(): match[1].lower() for match in _RECIPIENT.finditer(block)}
            address = found.get("final") or found.get("origi")
            if address:
                failed[address] = None
    named = fields.get("x-failed-recipients", "")
    if not failed and named and re.search(r"\b5\.1\.\d\b", text):
        failed = {name.strip().lower(): None for name in named[:8000].split(",") if "@" in name}
    return tuple(failed)[:_FAILED_LIMIT]


def _title(name: str) -> str:
    return "-".join(
        {"id": "ID", "csa": "CSA", "mc": "MC"}.get(part, part.capitalize()) for part in name.split("-")
    )
