"""Machine or human, judged for each address by the headers of what it sent, and why.

The owner's word comes first; then what only humans do (a meeting, an answer to the owner, an invitation); then headers;
then the address itself. A word list never outweighs a meeting or a reply.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

from msgspec import Struct

_NO_REPLY = re.compile(
    r"^(?:(?:do[._-]?)?no[t]?[._-]?reply|noreply|nicht[._-]?antworten|ne[._-]?pas[._-]?repondre|no[._-]?responder"
    r"|mailer[._-]?daemon|postmaster|bounces?|notifications?|notify|alerts?|newsletters?|unsubscribe|auto(?:mated)?"
    r"|calendar[._-]notification|jira|confluence|github|gitlab|slack|updates?|digest|invitations?|messages)"
    r"(?:[+._=-].*)?(?=@)"
)
_ROLE = re.compile(
    r"^(?:info|support|help|billing|invoice|rechnung|sales|contact|kontakt|hello|team|office|service|admin|orders?"
    r"|feedback|careers?|jobs?|hr|press|marketing|security|abuse|webmaster|reservations?|booking|events?)(?=@)"
)
_ROOM = re.compile(
    r"(?:@resource\.calendar\.google\.com|@group\.calendar\.google\.com|@import\.calendar\.google\.com)$"
)
_MACHINE = ("bulk", "automatic", "bounce")


class Evidence(Struct, frozen=True, kw_only=True):
    """What is known of one address: messages it sent by nature, and its dealings with the owner."""

    address: str
    natures: Mapping[str, int]
    to_lists: int = 0
    answered: int = 0
    """Messages from the owner to it."""
    meetings: int = 0
    is_room: bool = False
    is_contact: bool = False
    said: bool | None = None
    """The owner's own verdict: is it automated?"""


class Verdict(NamedTuple):
    """Whether an address is a machine, and why in a few words."""

    is_automated: bool
    why: str


def judge(evidence: Evidence) -> Verdict:
    """The verdict on one address; the same evidence in any order gives the same answer."""
    address = evidence.address
    natures = evidence.natures
    human = natures.get("personal", 0)
    machine = sum(natures.get(kind, 0) for kind in _MACHINE)
    lists = natures.get("list", 0)
    if evidence.said is not None:
        return Verdict(evidence.said, "you said so")
    if evidence.is_room or _ROOM.search(address):
        return Verdict(True, "a room or resource in calendars")
    if evidence.meetings:
        return Verdict(False, "you met")
    is_no_reply = bool(_NO_REPLY.search(address))
    if is_no_reply and not (evidence.answered and human):
        return Verdict(True, "an address that takes no replies")
    if evidence.to_lists and not human + machine + lists:
        return Verdict(True, "a mailing list")
    if evidence.answered and human:
        return Verdict(False, "you write to each other")
    if evidence.is_contact:
        return Verdict(False, "in your address book or LinkedIn")
    if natures.get("invitation", 0):
        return Verdict(False, "sent you a calendar invitation")
    if machine > human:
        return Verdict(
            True, f"{machine} of {machine + human + lists} messages are bulk or automatic by their headers"
        )
    if _ROLE.search(address) and not evidence.answered and machine:
        return Verdict(True, "a shared address that sends automatic mail")
    return Verdict(False, "")
