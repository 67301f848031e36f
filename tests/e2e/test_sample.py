"""The sample network through the command: what it holds by construction is what comes out."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from deploy.sample.network import SampleReport
from tests.cli.runner import Kith, adds_up, total
from tests.e2e.conftest import begun


@pytest.fixture(scope="module")
def people(imported: Kith) -> dict[str, Any]:
    """Every entry by each of its addresses and profiles."""
    found = imported.json("people", "--all", shape="people")["people"]
    by_identity = {}
    for one in found:
        for identity in one["identities"]:
            by_identity[identity["value"]] = one
        if one["linkedin"]:
            by_identity[one["linkedin"]] = one
    return by_identity


def test_every_count_is_what_was_written(sample: SampleReport, people: dict[str, Any]) -> None:
    """Sent, received, met and the rest: equal to the truth for everybody, to the last message."""
    told = {identity: people[identity]["counts"] for identity in sample.counts if identity in people}
    assert told == {identity: msgspec.to_builtins(counts) for identity, counts in sample.counts.items()}


def test_everybody_stands_where_the_definitions_put_them(
    sample: SampleReport, people: dict[str, Any]
) -> None:
    """People, those waiting, and machines."""
    assert {identity: people[identity]["status"] for identity in sample.statuses} == sample.statuses


def test_the_follow_ups_are_the_expected_ones(
    sample: SampleReport, imported: Kith, people: dict[str, Any]
) -> None:
    """All that must be open is; nothing is that must not be; nothing is that nobody thought of."""
    found = imported.json("followups", shape="followups")["followups"]
    opened = {(one["rule"], who) for one in found for who in (one["person"], *one["people"]) if who}

    def told(outcomes: Any) -> dict[tuple[str, str], str]:
        return {(one.rule, people[one.identity]["id"]): one.identity for one in outcomes}

    expected, allowed, forbidden = (
        told(one) for one in (sample.expected_open, sample.allowed_open, sample.forbidden_open)
    )
    assert {who for key, who in expected.items() if key not in opened} == set()
    assert {who for key, who in forbidden.items() if key in opened} == set()
    unforeseen = [
        (one["rule"], one["title"], one["why"])
        for one in found
        if not any(
            (one["rule"], who) in expected.keys() | allowed.keys() for who in (one["person"], *one["people"])
        )
    ]
    assert unforeseen == []


def test_the_report_counts_what_was_written(sample: SampleReport, tmp_path: Path) -> None:
    """Messages, components and cards in the files are what the import says it read; nothing is rejected."""
    kith = begun(tmp_path / "home", sample)
    report = kith.json("import", *sample.files, shape="report")
    assert adds_up(report)
    read = {one["kind"]: one for one in report["sources"] if one["kind"] != "linkedin"}
    assert (read["mbox"]["read"], read["ics"]["read"], read["vcf"]["read"]) == (
        sample.messages,
        sample.components,
        sample.cards,
    )
    assert read["mbox"]["skips"] == {"draft": sample.drafts}
    assert [one["source"] for one in report["sources"]] == [str(path) for path in sample.files]
    assert total(report, "rejected") == 0


def test_files_in_another_order_and_apart_give_the_same_export(sample: SampleReport, tmp_path: Path) -> None:
    """Whatever the order, and in one command or five: equal byte for byte, events.jsonl apart."""
    exports = []
    for name, order in (("together", sample.files), ("apart", tuple(reversed(sample.files)))):
        kith = begun(tmp_path / name, sample)
        if name == "together":
            assert kith("import", *order).status == 0
        else:
            for path in order:
                assert kith("import", path).status == 0
        exports.append(kith.export(tmp_path / f"{name}-out", without=("events.jsonl",)))
    for name in exports[0]:
        assert exports[0][name] == exports[1][name], name


def test_replay_and_a_second_import_change_nothing(
    imported: Kith, sample: SampleReport, tmp_path: Path
) -> None:
    """After a replay, and after the same files again, the export is the one before, events.jsonl included."""
    before = imported.export(tmp_path / "before")
    assert imported("replay").status == 0
    assert imported.export(tmp_path / "replayed") == before
    again = imported.json("import", *sample.files, shape="report")
    assert adds_up(again)
    assert (total(again, "added"), total(again, "changed")) == (0, 0)
    assert imported.export(tmp_path / "again") == before


def test_a_year_of_waking_up_is_the_same_as_sleeping(imported: Kith, tmp_path: Path) -> None:
    """Commands run at other instants leave nothing behind: back at the first instant, the export is the same."""
    before = imported.export(tmp_path / "before", without=("events.jsonl",))
    later = Kith(imported.home, "2027-02-01T09:00:00Z")
    assert later("people").status == 0
    later.export(tmp_path / "later")
    assert imported.export(tmp_path / "after", without=("events.jsonl",)) == before


def test_a_backup_restored_elsewhere_exports_the_same(imported: Kith, tmp_path: Path) -> None:
    """Byte for byte, events included, in a home that never read a file."""
    before = imported.export(tmp_path / "before")
    assert imported("backup", tmp_path / "kith.backup").status == 0
    other = Kith(tmp_path / "other")
    assert other("restore", tmp_path / "kith.backup").status == 0
    assert other.export(tmp_path / "after") == before


def test_a_person_forgotten_stays_forgotten(imported: Kith, sample: SampleReport, tmp_path: Path) -> None:
    """No word of them is left in any export, and importing the same files again does not bring them back."""
    assert imported("backup", tmp_path / "kith.backup").status == 0
    kith = Kith(tmp_path / "other")
    kith("restore", tmp_path / "kith.backup")
    address = "jonas@werkhalle9.example"
    assert any(address.encode() in content for content in kith.export(tmp_path / "with").values())
    assert kith("forget", address).status == 0
    for name in ("without", "again"):
        left = kith.export(tmp_path / name)
        assert [file for file, content in left.items() if address.encode() in content] == []
        assert kith("show", address).status == 2
        report = kith.json("import", *sample.files, shape="report")
        assert adds_up(report)


def test_postgresql_gives_the_same_book(
    imported: Kith, sample: SampleReport, postgres_database: str, tmp_path: Path
) -> None:
    """The same commands on the other database: every export equal byte for byte, and again after a replay."""
    kith = Kith(tmp_path / "home", settings={"KITH_DATABASE_URL": postgres_database})
    emails = [word for email in sample.owner_emails for word in ("--email", email)]
    assert kith("init", "--name", sample.owner_name, *emails, "--timezone", sample.timezone).status == 0
    assert kith("import", *sample.files).status == 0
    for words in sample.words:
        assert kith(*words).status == 0
    expected = imported.export(tmp_path / "sqlite")
    assert kith.export(tmp_path / "postgres") == expected
    assert kith("replay").status == 0
    assert kith.export(tmp_path / "replayed") == expected
