"""A digest for shared eyes: counts only, no names, no words of anybody's."""

from schemas.interface import Digest, DigestItem, DigestSection
from services.digest.words import counted


def discreet(digest: Digest) -> Digest:
    """The digest with every section's items replaced by their number; nothing that names or quotes remains."""
    sections = [
        DigestSection(
            key=section.key,
            title=section.title if section.key != "goals" else "Your goals",
            items=[
                DigestItem(
                    person=None,
                    text=f"{counted(len(section.items), 'line')}.",
                    why="Names are left out, as you set it.",
                    followup=None,
                )
            ],
        )
        for section in digest.sections
    ]
    waiting = sum(item.followup is not None for section in digest.sections for item in section.items)
    return Digest(
        week=digest.week,
        from_=digest.from_,
        to=digest.to,
        owner=digest.owner,
        sections=sections,
        numbers={**digest.numbers, "troubles": []},
        subject=counted(waiting, "suggestion") if waiting else "",
        greeting=digest.greeting,
    )
