"""What the owner says by the command: felt at once, kept by a replay, undone where it can be."""

from pathlib import Path

import pytest

from tests.cli.runner import Kith, Result, a_mail, an_mbox

CARDS = "".join(
    f"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:{name}\r\nEMAIL:{email}\r\nORG:{firm}\r\nEND:VCARD\r\n"
    for name, email, firm in (
        ("Ana Okafor", "ana@example.org", "Northgate"),
        ("Ana Okafor", "ana@home.test", "Northgate"),
        ("Cem Kaya", "cem@example.net", "Zeta"),
    )
)


@pytest.fixture
def known(kith: Kith, tmp_path: Path) -> Kith:
    """Ana asked twice; two cards may be one person; Cem stands apart."""
    (tmp_path / "m.mbox").write_bytes(
        an_mbox(
            a_mail(
                "a0",
                "mara@example.com",
                "ana@example.org",
                date="Mon, 02 Nov 2026 10:00:00 +0100",
                body="Hello Ana.",
            ),
            a_mail("a1"),
            a_mail(
                "a2",
                subject="Venue",
                date="Wed, 18 Nov 2026 10:00:00 +0100",
                body="Can you send me the address of the venue?",
            ),
        )
    )
    (tmp_path / "c.vcf").write_text(CARDS)
    assert kith("import", tmp_path).status == 0
    return kith


def said(kith: Kith, *words: str) -> Result:
    """A decision, which must survive a replay."""
    result = kith(*words)
    assert result.status == 0, result
    before = kith("--json", "people", "--all"), kith("--json", "followups", "--all")
    assert kith("replay").status == 0
    assert (kith("--json", "people", "--all"), kith("--json", "followups", "--all")) == before
    return result


def ana(kith: Kith) -> dict[str, object]:
    found: dict[str, object] = kith.json("show", "ana@example.org", shape="show")["person"]
    return found


def open_ids(kith: Kith) -> list[str]:
    return [one["id"] for one in kith.json("followups", shape="followups")["followups"]]


def test_roles_tags_and_rhythm(known: Kith) -> None:
    """Given and taken; the answer in JSON is the person as they are now."""
    said(known, "role", "ana@example.org", "Mentor", "client")
    said(known, "tag", "ana@example.org", "lisbon")
    said(known, "cadence", "ana@example.org", "6w")
    now = ana(known)
    assert (now["roles"], now["tags"], now["cadence_days"]) == (["client", "mentor"], ["lisbon"], 42)
    assert known.json("role", "ana@example.org", "client", "--remove", shape="person")["roles"] == ["mentor"]
    assert known.json("tag", "--remove", "ana@example.org", "lisbon", shape="person")["tags"] == []
    assert known.json("cadence", "ana@example.org", "off", shape="person")["cadence_days"] is None
    for wrong in (
        ["cadence", "ana@example.org", "often"],
        ["role", "ana@example.org", "  "],
        ["tag", "ana@example.org", "<x>"],
    ):
        assert known(*wrong).status == 2


def test_notes_and_favours_stand_in_the_timeline(known: Kith) -> None:
    """A note and a favour are interactions; favours are counted in the balance."""
    said(known, "note", "ana@example.org", "Met", "her", "sister.")
    said(known, "favour", "given", "ana@example.org", "Read her draft")
    said(known, "favour", "received", "ana@example.org", "An introduction")
    page = known.json("show", "ana@example.org", shape="show")
    assert {(one["kind"], one["excerpt"]) for one in page["interactions"]} >= {
        ("note", "Met her sister."),
        ("favour", "Read her draft"),
    }
    assert page["person"]["balance"] == {"given": 1, "received": 1}
    assert known("note", "ana@example.org", " ").status == 2


def test_follow_ups_are_done_snoozed_and_dismissed(known: Kith) -> None:
    """By the beginning of an id; each leaves the list, and a snoozed one returns on its day."""
    first, second = open_ids(known)[:2]
    assert known.json("done", first[:8], shape="followup")["state"] == "done"
    told = known.json("snooze", second, "--until", "7d", shape="followup")
    assert (told["state"], told["until"]) == ("snoozed", "2026-11-30")
    assert not {first, second} & set(open_ids(known))
    assert second in open_ids(Kith(known.home, "2026-11-30T09:00:00Z"))
    assert known.json("dismiss", second, shape="followup")["state"] == "dismissed"
    assert known("snooze", second, "--until", "2026-11-01").status == 2
    states = {one["id"]: one["state"] for one in known.json("followups", "--all")["followups"]}
    assert (states[first], states[second]) == ("done", "dismissed")
    said(known, "dismiss", second, "--never")


def test_a_muted_person_raises_nothing(known: Kith) -> None:
    """`mute` closes what is open for them, `--off` lets follow-ups begin again."""
    assert open_ids(known)
    said(known, "mute", "ana@example.org")
    assert open_ids(known) == []


def test_a_verdict_makes_a_machine_of_an_address_or_a_domain(known: Kith) -> None:
    """Said automated, they leave the people; said human, they return."""
    said(known, "verdict", "cem@example.net", "automated")
    assert known.json("people", "Cem")["people"] == []
    assert known.json("people", "Cem", "--all")["people"][0]["is_automated"]
    said(known, "verdict", "@example.net", "human")
    assert known.json("show", "cem@example.net")["person"]["status"] in {"person", "automated"}
    said(known, "verdict", "cem@example.net", "human")
    assert known.json("people", "Cem")["people"][0]["status"] == "person"


def test_a_proposal_is_answered_by_yes(known: Kith, tmp_path: Path) -> None:
    """Two of one name at one firm are proposed with reasons; merged they are one; split, what was there before."""
    before = known.export(tmp_path / "before", without=("events.jsonl",))
    [pair] = known.json("duplicates", shape="duplicates")["duplicates"]
    assert pair["why"]
    merged = known.json("merge", "ana@example.org", "ana@home.test", shape="person")
    assert merged["emails"] == ["ana@example.org", "ana@home.test"]
    assert known.json("duplicates")["duplicates"] == []
    assert known("merge", "ana@example.org", "ana@home.test").status == 2
    said(known, "split", merged["id"], "ana@home.test")
    assert known.export(tmp_path / "after", without=("events.jsonl",)) == before
    assert known("split", "cem@example.net", "cem@example.net").status == 2


def test_a_merge_says_the_command_that_undoes_it(known: Kith, tmp_path: Path) -> None:
    """Typed as it stands there, it brings back what was there before."""
    before = known.export(tmp_path / "before", without=("events.jsonl",))
    told = known("merge", "ana@example.org", "cem@example.net").out
    assert known(*told.partition("To undo it: kith ")[2].split()).status == 0
    assert known.export(tmp_path / "after", without=("events.jsonl",)) == before


@pytest.mark.parametrize(
    ("said_day", "until"),
    [("tomorrow", "2026-11-24"), ("Friday", "2026-11-27"), ("monday", "2026-11-30"), ("7d", "2026-11-30")],
)
def test_a_follow_up_can_wait_until_a_named_day(known: Kith, said_day: str, until: str) -> None:
    """Tomorrow, and the next day of a name, which is never today (here a Monday)."""
    (first, *_) = open_ids(known)
    assert known.json("snooze", first, "--until", said_day, shape="followup")["until"] == until


def test_one_thing_is_not_told_as_several(known: Kith) -> None:
    """Figures and their words agree."""
    assert "1 event was blanked." in known("forget", "cem@example.net").out
    assert "0 items it had brought are gone." in known("never", "nobody@example.org").out


def test_a_proposal_is_answered_by_a_lasting_no(known: Kith, tmp_path: Path) -> None:
    """`distinct` ends the question, through replays and later imports; a split says as much."""
    said(known, "distinct", "ana@example.org", "ana@home.test")
    assert known.json("duplicates", shape="duplicates")["duplicates"] == []
    (tmp_path / "c.vcf").write_text(CARDS.replace("Northgate", "Northgate Hospitals"))
    known("import", tmp_path / "c.vcf")
    assert known.json("duplicates")["duplicates"] == []
    assert known("distinct", "ana@example.org", "ana@example.org").status == 2


def test_a_person_is_named_in_every_way_they_are_shown(known: Kith, tmp_path: Path) -> None:
    """By id, by address, by profile as printed, by phone as one writes it."""
    (tmp_path / "d.vcf").write_text(
        "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Dee Lund\r\nEMAIL:dee@example.org\r\nTEL:+49 30 1234567\r\n"
        "URL:https://www.linkedin.com/in/dee-lund\r\nEND:VCARD\r\n"
    )
    known("import", tmp_path / "d.vcf")
    person = known.json("show", "dee@example.org")["person"]
    for who in (
        person["id"], person["linkedin"], "linkedin.com/in/dee-lund", "https://linkedin.com/in/dee-lund/",
        "+49301234567", "+49 30 1234567", "+49 (30) 123-4567",
    ):  # fmt: skip
        assert known.json("show", who)["person"]["id"] == person["id"], who


def test_the_weekly_mail_is_switched(known: Kith) -> None:
    """Off and on again, kept by a replay; the digest itself is composed as before."""
    before = known("digest").out
    assert "The weekly mail is off." in said(known, "digest", "--mail", "off").out
    assert known("digest").out == before
    assert known.json("digest", "--mail", "on") == {"mail": "on"}
    assert known("digest", "--mail", "sometimes").status == 2
