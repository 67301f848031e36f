"""What README and docs/ name exists, and what they say of commands, settings and JSON keys is so."""

import re
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import deploy.settings
from deploy.cli.main import app
from schemas import interface
from schemas.records import SignalKind

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")]
)
COMMANDS = app.commands
COMMON = {"--home", "--owner", "-v", "--json", "--help", "--version"}
SETTINGS = {"KITH_HOME", *deploy.settings._NAMES}

_CODE = re.compile(r"^```[a-z]*\n(.*?)^```$|`([^`\n]+)`", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)|src(?:set)?=\"([^\"]+)\"")
_PLANNED = re.compile(r"^## Not in this release$.*?(?=^## |\Z)", re.MULTILINE | re.DOTALL)
_PATH = re.compile(
    r"(?:connectors|deploy|docs|schemas|services|tests|workers)/[\w./-]*[\w/]|\.ci/run|pyproject\.toml"
)


class Call(NamedTuple):
    """A `kith` command as a page writes it."""

    page: str
    command: str
    options: tuple[str, ...]


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def said_of_now(page: Path) -> str:
    """A page without what it says is not there yet."""
    return _PLANNED.sub("", text_of(page))


def code_of(text: str) -> Iterator[str]:
    for block, span in _CODE.findall(text):
        yield from (block or span).splitlines()


def calls_of(text: str, page: str) -> Iterator[Call]:
    for line in code_of(text):
        found = re.match(r"\s*(?:\.venv/bin/)?kith\s+(.*)", line.partition("  #")[0])
        if found:
            words = found.group(1).replace("[", " ").replace("]", " ").split()
            command = next((word for word in words if re.fullmatch(r"[a-z]+", word)), "")
            yield Call(page, command, tuple(word for word in words if word.startswith("-")))


def anchors_of(page: Path) -> set[str]:
    heads = re.findall(r"^#+ (.+)$", text_of(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    """Files and headings that a page links to are there."""
    for link in map("".join, _LINK.findall(text_of(page))):
        if "://" in link:
            continue
        file, _, anchor = link.partition("#")
        target = (page.parent / file).resolve() if file else page
        assert target.exists(), f"{page.name} links to {link}"
        assert not anchor or anchor in anchors_of(target), f"{page.name} links to {link}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_exists(page: Path) -> None:
    """Each `kith` command and each option that a page writes is there."""
    for call in calls_of(said_of_now(page), page.name):
        if not call.command:
            assert set(call.options) <= COMMON, call
            continue
        assert call.command in COMMANDS, call
        known = {name for option in COMMANDS[call.command].params for name in option.opts}
        assert set(call.options) <= known | COMMON, call


def test_the_interface_names_every_command_with_its_options() -> None:
    """What the command line can do is told in docs/interface.md."""
    told: dict[str, set[str]] = {}
    for call in calls_of(said_of_now(ROOT / "docs" / "interface.md"), "interface.md"):
        told.setdefault(call.command, set()).update(call.options)
    for name, command in COMMANDS.items():
        options = {option.opts[0] for option in command.params if option.opts[0].startswith("--")}
        assert name in told, name
        assert options - told[name] == set(), name


def test_what_is_planned_is_not_there_yet() -> None:
    """A command that has come is no longer told as planned."""
    (planned,) = _PLANNED.findall(text_of(ROOT / "docs" / "interface.md"))
    names = {call.command for call in calls_of(planned, "interface.md")}
    assert names
    assert names & set(COMMANDS) == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_setting_exists(page: Path) -> None:
    """Each setting that a page names is read somewhere."""
    files = (ROOT / "tests" / "conftest.py", *(ROOT / "tests" / "live").glob("*.py"))
    of_tests = "".join(file.read_text(encoding="utf-8") for file in files)
    for name in re.findall(r"KITH_[A-Z_]+[A-Z]", text_of(page)):
        is_read = name.removesuffix("_FILE") in SETTINGS
        assert is_read or name in of_tests, f"{page.name} names {name}"


def test_settings_are_told_whole() -> None:
    """docs/settings.md has a row for each setting, and no other."""
    rows = re.findall(r"^\| `(KITH_\w+)`", text_of(ROOT / "docs" / "settings.md"), re.MULTILINE)
    assert sorted(rows) == sorted(SETTINGS)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_make_target_exists(page: Path) -> None:
    """Each `make` target that a page writes is in the Makefile."""
    rules = re.findall(r"^([a-z][a-z -]*):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    targets = {target for rule in rules for target in rule.split()}
    for line in code_of(text_of(page)):
        found = re.match(r"\s*make ([a-z-]+)", line)
        assert not found or found.group(1) in targets, f"{page.name}: {line}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_file_named_exists(page: Path) -> None:
    """Each path of this repository that a page names in code is there, but for what its examples make."""
    for line in code_of(re.sub(r"^```.*?^```$", "", text_of(page), flags=re.MULTILINE | re.DOTALL)):
        for path in _PATH.findall(line):
            if "acme" not in path:
                assert (ROOT / path).exists(), f"{page.name} names {path}"


def table_of(page: Path, head: str) -> dict[str, list[str]]:
    """The rows of the table whose first column is called so: its name to the code words of the second."""
    lines = text_of(page).partition(f"\n| {head} |")[2].partition("\n\n")[0].splitlines()[2:]
    rows = (line.strip("| ").split(" | ") for line in lines)
    return {name.strip("*`"): re.findall(r"`([^`]+)`", rest[0]) for name, *rest in rows}


def test_json_shapes_are_those_of_the_schema() -> None:
    """docs/interface.md has every shape of `kith schema` with its keys in their order, the printed ones in bold."""
    page = ROOT / "docs" / "interface.md"
    schema = interface.schema()
    assert table_of(page, "shape") == {
        name: list(shape["properties"]) for name, shape in schema["$defs"].items() if "properties" in shape
    }
    printed = {shape.rpartition("/")[2] for shape in schema["shapes"].values()}
    assert set(re.findall(r"^\| \*\*(\w+)\*\*", text_of(page), re.MULTILINE)) == printed


def test_the_words_in_shapes_are_those_of_the_schema() -> None:
    """docs/interface.md has every value that a status, kind, direction, rule or state may have."""
    words = {
        "Person.status": interface.Status,
        "Interaction.kind": interface.Kind,
        "Interaction.direction": interface.Direction,
        "SignalShape.kind": SignalKind,
        "Thread.state": interface.ThreadState,
        "Followup.rule": interface.Rule,
        "Followup.state": interface.FollowupState,
    }
    assert table_of(ROOT / "docs" / "interface.md", "word") == {
        name: list(typing.get_args(values)) for name, values in words.items()
    }
