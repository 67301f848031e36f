"""Commands that read: who is listed and in what order, what queries mean, and what may reach a terminal."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.runner import Kith, a_mail, an_mbox

BIDI = "\u202a\u202b\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f"
HOSTILE = f"Eve\x1b[31m\x1b]0;title\x07 {BIDI}Mallory\x9b2J\u2028\u00ad"


def a_card(name: str, email: str, more: str = "") -> str:
    return f"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:{name}\r\nEMAIL:{email}\r\n{more}END:VCARD\r\n"


@pytest.fixture
def known(kith: Kith, tmp_path: Path) -> Kith:
    """Ana wrote and was answered, Ben only wrote, Cem has a card alone, a shop sends newsletters."""
    shop = a_mail("n", "Shop <no-reply@shop.example>").replace(
        b"Subject:", b"Auto-Submitted: auto-generated\nSubject:"
    )
    (tmp_path / "m.mbox").write_bytes(
        an_mbox(
            a_mail("a1"),
            a_mail(
                "a2", "Mara <mara@example.com>", "ana@example.org", date="Tue, 17 Nov 2026 15:00:00 +0100"
            ),
            a_mail("b1", "Ben Ode <ben@example.net>", date="Fri, 20 Nov 2026 10:00:00 +0100"),
            shop,
        )
    )
    (tmp_path / "c.vcf").write_text(a_card("Cem 100% Under_score", "cem@example.org", "ORG:Zeta\r\n"))
    assert kith("import", tmp_path).status == 0
    return kith


def named(document: Any) -> list[str]:
    return [one["name"] for one in document["people"]]


def test_people_lists_people_and_those_waiting(known: Kith) -> None:
    """By default people and those waiting, people first; with `--all` automated senders too; never the owner."""
    found = known.json("people", shape="people")
    assert [(one["name"], one["status"]) for one in found["people"]] == [
        ("Ana Okafor", "person"),
        ("Cem 100% Under_score", "person"),
        ("Ben Ode", "waiting"),
    ]
    assert "no-reply@shop.example" in json.dumps(known.json("people", "--all", shape="people"))
    text = known("people").out
    assert "Ana Okafor" in text
    assert "Ben Ode" not in text
    assert "1 more wrote and wait to be known" in text
    assert "Ben Ode" in known("people", "ben").out, "asked for by name, one who waits is shown"


def test_a_misspelt_name_is_asked_after(known: Kith) -> None:
    """Whoever is meant is proposed, by full name; a name that is like nobody's says how to look for somebody."""
    for typed in ("Anna", "Okafr", "ana okafro"):
        told = known("show", typed)
        assert (told.status, told.err) == (
            2,
            f"kith: Nobody here is called {typed}. Did you mean Ana Okafor?\n",
        )
    assert known("show", "Zebulon").err.endswith("Search with: kith people NAME\n")
    assert known("show", " ").err.startswith("kith: Say who: an id, an address, or a name.")


def test_an_empty_list_says_what_it_was_asked_for(known: Kith, tmp_path: Path) -> None:
    """A book with people is never told to begin; one without anybody is."""
    assert known("people", "--tag", "berlin").out == "Nobody matches the tag berlin.\n"
    assert known("people", "Zoe", "--role", "mentor").out == "Nobody matches Zoe and the role mentor.\n"
    assert known("people", "--tag", "berlin").err == ""
    new = Kith(tmp_path / "new").init()
    assert new("people").out == "Nobody yet.\n"
    for command in ("people", "status"):
        assert "Next: kith connect google" in new(command).err
    assert new("status").out.startswith("Mara Lindholm: nothing has been read yet.\n")


def test_people_are_sorted_as_asked(known: Kith) -> None:
    """By strength, by the newest contact, by name."""
    assert named(known.json("people", "--sort", "last")) == ["Ben Ode", "Ana Okafor", "Cem 100% Under_score"]
    assert named(known.json("people", "--sort", "name")) == ["Ana Okafor", "Ben Ode", "Cem 100% Under_score"]


def test_a_limit_gives_the_first_and_a_cursor_to_the_rest(known: Kith) -> None:
    """`next` is where to go on with `--after`; the pages joined are the whole list."""
    whole = named(known.json("people"))
    first = known.json("people", "--limit", "2", shape="people")
    assert named(first) == whole[:2]
    second = known.json("people", "--limit", "2", "--after", first["next"], shape="people")
    assert named(second) == whole[2:]
    assert second["next"] is None
    assert known("people", "--after", "p0000000000000000").status == 2


def test_roles_and_tags_choose(known: Kith) -> None:
    """`--role` and `--tag` list those who have it, spelt in any case."""
    known("role", "ana@example.org", "Mentor")
    known("tag", "cem@example.org", "Lisbon 2026")
    assert named(known.json("people", "--role", "mentor")) == ["Ana Okafor"]
    assert named(known.json("people", "--role", "MENTOR")) == ["Ana Okafor"]
    assert named(known.json("people", "--tag", "lisbon 2026")) == ["Cem 100% Under_score"]
    assert named(known.json("people", "--role", "nobody")) == []


@pytest.mark.parametrize(("query", "found"), [("%", 1), ("_", 1), ("100%", 1), ("r_s", 1), ("a%a", 0), ("_na", 0), ("\\", 0), ("'", 0), ('"', 0), ("zeta", 1), ("ZETA cem", 1), ("ana ben", 0)])  # fmt: skip
def test_wildcards_in_a_query_are_letters(known: Kith, query: str, found: int) -> None:
    """`%`, `_`, quotes and backslashes mean themselves; every word must occur, in any case."""
    assert len(known.json("people", query, shape="people")["people"]) == found


@pytest.mark.parametrize(
    "query", ["draft", "DRAFT", "dra", "draft section", "okafor", '"draft', "draft*", "draft AND", "(draft"]
)
def test_search_takes_words_and_no_query_language(known: Kith, query: str) -> None:
    """Words of subjects, excerpts and names, the last may be a beginning; operators are words or nothing."""
    result = known("--json", "search", query)
    assert result.status == 0
    if "AND" not in query:
        assert json.loads(result.out)["interactions"], query


def test_search_can_be_narrowed(known: Kith) -> None:
    """By person, kind and days; newest first; `--until` leaves its own day out."""
    everything = known.json("search", "draft", shape="interactions")["interactions"]
    assert [one["at"] for one in everything] == sorted((one["at"] for one in everything), reverse=True)
    assert len(known.json("search", "draft", "--person", "ana@example.org")["interactions"]) == 2
    assert known.json("search", "draft", "--kind", "meeting")["interactions"] == []
    assert len(known.json("search", "draft", "--since", "2026-11-20")["interactions"]) == len(everything) - 2
    assert len(known.json("search", "draft", "--until", "2026-11-20")["interactions"]) == 2


def test_a_person_is_shown_with_what_belongs_to_them(known: Kith) -> None:
    """`show`: the shape of the contract; in text the name, the address, the month and the subject."""
    page = known.json("show", "Ana", shape="show")
    assert [one["direction"] for one in page["interactions"]] == ["out", "in"]
    assert page["person"]["counts"]["sent"] == page["person"]["counts"]["received"] == 1
    assert len(page["threads"]) >= 1
    text = known("show", "ana@example.org").out
    for expected in ("Ana Okafor", "ana@example.org", "TIMELINE", "November 2026", "Draft"):
        assert expected in text


@pytest.mark.parametrize("columns", ["40", "80", "120", "200"])
def test_no_line_is_wider_than_the_screen(known: Kith, columns: str) -> None:
    """People, a person, follow-ups, search and status fit the width there is; names stay whole where they can."""
    narrow = Kith(known.home, settings={"COLUMNS": columns})
    for arguments in (["people", "--all"], ["show", "ana@example.org"], ["followups"], ["search", "draft"]):
        for line in narrow(*arguments).out.splitlines():
            assert len(line) <= int(columns), (arguments, line)
    assert "Ana Okafor" in narrow("people").out


def test_names_and_subjects_do_nothing_to_a_terminal(kith: Kith, tmp_path: Path) -> None:
    """Escapes, control and direction characters of a mail, a card, a file's name and a query never reach the screen."""
    hostile = HOSTILE.replace("\u2028", " ")
    mail = a_mail(
        "e1",
        f'"{hostile}" <eve@example.org>',
        subject=f"Hi {hostile}",
        body=f"Could you {hostile} look at this before Friday?",
    )
    box = tmp_path / f"a{BIDI}\x1b[31m.mbox"
    box.write_bytes(an_mbox(mail, a_mail("m1", "mara@example.com", "eve@example.org")))
    (tmp_path / "c.vcf").write_text(
        a_card(hostile, "eve2@example.org", f"ORG:{hostile}\r\nTITLE:{hostile}\r\n"), encoding="utf-8"
    )
    commands: list[list[str | Path]] = [
        ["import", box, tmp_path / "c.vcf", tmp_path / f"none{hostile}"],
        ["tag", "eve@example.org", "red"],
        ["note", "eve@example.org", f"note {hostile}"],
        ["favour", "given", "eve@example.org", f"favour {hostile}"],
        ["people", "--all"],
        ["show", "eve@example.org"],
        ["show", f"nobody {hostile}"],
        ["people", f"nobody {hostile}"],
        ["search", "hi"],
        ["search", f"nobody {hostile}"],
        ["followups"],
        ["duplicates"],
        ["digest"],
        ["rejects"],
        ["status"],
        ["done", hostile],
        ["tag", "eve@example.org", hostile],
        [hostile],
        ["init", "--name", "x", "--email", hostile, "--timezone", "UTC"],
        ["init", "--name", "x", "--email", "x@example.com", "--timezone", hostile],
        ["import", "--as", hostile, box],
        ["digest", "--week", hostile],
        ["--home", f"/nowhere/{hostile}", "people"],
    ]
    for arguments in commands:
        result = kith(*arguments)
        printed = result.out + result.err
        assert not [ch for ch in printed if (ord(ch) < 32 and ch != "\n") or 0x7F <= ord(ch) < 0xA0], (
            arguments,
            result,
        )
        assert not set(BIDI) & set(printed), (arguments, result)


def test_config_shows_every_setting_and_no_secret(kith: Kith) -> None:
    """Each setting with its value and place; the key and passwords in URLs are masked."""
    key = (kith.home / "secret.key").read_text()
    secret = Kith(
        kith.home, settings={"KITH_BROKER_URL": "redis://me:hunter2@localhost/0", "KITH_WEEKLY_CAP": "3"}
    )
    result = secret("config")
    assert key not in result.out
    assert "hunter2" not in result.out + secret("config", "--json").out
    told = {one["name"]: one for one in secret.json("config")["settings"]}
    assert told["KITH_WEEKLY_CAP"] == {"name": "KITH_WEEKLY_CAP", "value": 3, "from": "environment"}
    assert told["KITH_SECRET_KEY"]["value"] == "********"
    assert told["KITH_GOOGLE_CLIENT_SECRET"]["value"] is None, "a secret that is not set is not told as one"
    assert told["KITH_LOOKBACK"]["from"] == "default"


def test_settings_come_from_the_file_and_the_environment_wins(kith: Kith) -> None:
    """`kith.toml` in the home, with short or full names; a setting given as a file; the environment before both."""
    (kith.home / "kith.toml").write_text('weekly_cap = 2\nKITH_DIGEST_DAY = "friday"\n')
    told = {one["name"]: one for one in kith.json("config")["settings"]}
    assert (told["KITH_WEEKLY_CAP"]["value"], told["KITH_DIGEST_DAY"]["value"]) == (2, "friday")
    assert told["KITH_WEEKLY_CAP"]["from"].endswith("kith.toml")
    other = Kith(kith.home, settings={"KITH_WEEKLY_CAP": "7"})
    assert {one["name"]: one["value"] for one in other.json("config")["settings"]}["KITH_WEEKLY_CAP"] == 7


def test_a_meeting_counts_as_soon_as_it_is_over(kith: Kith, tmp_path: Path) -> None:
    """Asked at noon and again in the evening of one day: the meeting between is counted the second time."""
    (tmp_path / "c.ics").write_text(
        "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\nBEGIN:VEVENT\nUID:u1\nDTSTAMP:20261101T100000Z\n"
        "DTSTART:20261123T140000Z\nDTEND:20261123T150000Z\nORGANIZER:mailto:mara@example.com\n"
        "ATTENDEE;PARTSTAT=ACCEPTED:mailto:ana@example.org\nEND:VEVENT\nEND:VCALENDAR\n"
    )
    noon, evening = Kith(kith.home, "2026-11-23T12:00:00Z"), Kith(kith.home, "2026-11-23T18:00:00Z")
    noon("import", tmp_path / "c.ics")
    assert [one["counts"]["meetings"] for one in noon.json("people", "--all")["people"]] == [0]
    assert [one["counts"]["meetings"] for one in evening.json("people", "--all")["people"]] == [1]
    assert [one["counts"]["meetings"] for one in noon.json("people", "--all")["people"]] == [0]
