"""What a task says survives the way to a to-do tool and back, whatever it says, and what others wrote stays."""

import time
from contextlib import suppress
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors._tasks import one_line, plain_lines, safe_link
from connectors._todoist_words import LIMITS as TODOIST
from connectors._todoist_words import body_of, content_of, key_in, marked, unmarked
from connectors._todoist_words import title_of as todoist_title
from connectors._vtodo import (
    NoTask,
    changed,
    completed,
    due_in,
    key_of,
    new_todo,
    note_in,
    note_of,
    read_todo,
    reopened,
    title_in,
    title_of,
    touched,
    uid_of,
)
from schemas.connector import TaskDraft
from tests.contract.source import NOW

WORDS = st.text(max_size=300)
KEYS = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=60)
DRAFTS = st.builds(TaskDraft, WORDS, WORDS, st.none() | st.dates(date(1990, 1, 1), date(2100, 1, 1)), WORDS)
BODY = "BEGIN:VCALENDAR\r\nBEGIN:VTODO\r\nUID:a\r\nSUMMARY:x\r\n{}END:VTODO\r\nEND:VCALENDAR\r\n"


@given(DRAFTS, KEYS)
def test_a_new_vtodo_reads_as_it_was_meant(draft: TaskDraft, key: str) -> None:
    """Title, note, day and key of any draft are read as they were written, from lines that no reader trips over."""
    body = new_todo(key, draft, NOW).to_bytes()
    todo = read_todo(body)
    assert (title_in(todo), note_in(todo), due_in(todo, "Europe/Berlin")) == (
        title_of(draft),
        note_of(draft),
        draft.due,
    )
    assert key_of(todo.text("UID")) == key
    assert body.count(b"BEGIN:") == 2
    assert all(len(line) <= 75 for line in body.split(b"\r\n"))
    assert b"\n" not in body.replace(b"\r\n", b"")


@given(DRAFTS, DRAFTS, KEYS)
def test_a_changed_vtodo_reads_as_the_later_draft(was: TaskDraft, draft: TaskDraft, key: str) -> None:
    """What was written under one draft and nobody touched becomes the other, and then there is nothing to change."""
    todo = new_todo(key, was, NOW)
    todo = read_todo(touched(todo, changed(todo, was, draft), NOW).to_bytes())
    assert (title_in(todo), note_in(todo)) == (title_of(draft), note_of(draft))
    assert due_in(todo, "UTC") == draft.due
    assert todo.text("URL") == safe_link(draft.url)
    assert changed(todo, was, draft) == {}


@given(st.lists(st.sampled_from([
    b"BEGIN:VCALENDAR\r\n", b"END:VCALENDAR\r\n", b"BEGIN:VTODO\n", b"END:VTODO\r\n", b"BEGIN:VALARM\r\n",
    b"END:VALARM\r\n", b"UID:a\r\n", b"SUMMARY:x\r\n y\r\n", b"RECURRENCE-ID:20260101\r\n", b"\xff\xfe\r", b" \r\n", b"::\n",
    b'X;A="\r\n', b"STATUS:COMPLETED", b"\n",
]), max_size=30))  # fmt: skip
def test_what_is_not_written_to_stays(pieces: list[bytes]) -> None:
    """Any resource is refused, or read and given back byte for byte; a change adds its lines and nothing else."""
    body = b"".join(pieces)
    try:
        todo = read_todo(body)
    except NoTask:
        return
    assert todo.to_bytes() == body
    again = todo.but({"X-NEW": "X-NEW:1"}).to_bytes()
    assert again.replace(b"X-NEW:1\r\n", b"", 1) == body


@given(st.binary(max_size=400))
def test_no_bytes_make_the_reader_fail(body: bytes) -> None:
    """Bytes of any kind are a task or none."""
    with suppress(NoTask):
        assert read_todo(body).to_bytes() == body


@pytest.mark.parametrize(
    "filling",
    [
        "BEGIN:X\r\n" * 50_000 + "END:X\r\n" * 50_000,
        "END:VTODO\r\nBEGIN:VTODO\r\n" * 40_000,
        "X-A:b\r\n" * 120_000,
        "X-A:" + "b\r\n " * 200_000 + "\r\n",
        'X-A;B="' + '";C="' * 150_000 + "\r\n",
    ],
    ids=["deep", "many tasks", "many lines", "many folds", "many quotes"],
)
def test_hostile_resources_take_little_time(filling: str) -> None:
    """A megabyte made to be slow is read, changed and written within seconds."""
    body = BODY.format(filling).encode()[: 1024 * 1024]
    start = time.process_time()
    try:
        todo = read_todo(body)
        touched(todo, completed(todo, "Done.", NOW), NOW).to_bytes()
    except NoTask:
        pass
    assert time.process_time() - start < 12


def test_too_large_a_resource_is_none() -> None:
    """More than a megabyte is not looked into."""
    with pytest.raises(NoTask, match="1 MB"):
        read_todo(BODY.format("X:" + "y" * 1024 * 1024 + "\r\n").encode())


def test_of_a_series_the_whole_is_meant() -> None:
    """An occurrence of its own beside the task is left alone."""
    inside = "END:VTODO\r\nBEGIN:VTODO\r\nUID:a\r\nRECURRENCE-ID:20260101\r\nSUMMARY:one\r\n"
    todo = read_todo(BODY.format(inside).encode())
    assert title_in(todo) == "x"
    again = todo.but(completed(todo, "", NOW)).to_bytes().decode()
    assert again.index("STATUS:COMPLETED") < again.index("RECURRENCE-ID")
    assert read_todo(again.encode()).but(reopened()).to_bytes().count(b"NEEDS-ACTION") == 1


@given(KEYS)
def test_a_uid_holds_its_key(key: str) -> None:
    """A UID is made of letters that stand in any URL as they are, and gives its key back."""
    uid = uid_of(key)
    assert key_of(uid) == key
    assert uid.replace("-", "").replace("_", "").replace(".", "").isascii()
    assert "/" not in uid
    assert "%" not in uid


@given(DRAFTS, KEYS)
def test_a_todoist_task_reads_as_it_was_meant(draft: TaskDraft, key: str) -> None:
    """Any title is shown as it was meant, and the key is found whatever the note says."""
    content = content_of(draft)
    assert 0 < len(content) <= TODOIST.title
    shown = todoist_title(content)
    title = one_line(draft.title, TODOIST.title)
    assert shown == title or (shown.endswith("…") and title.startswith(shown[:-1]))
    whole = marked(body_of(draft), key)
    assert len(whole) <= TODOIST.note
    assert key_in(whole) == key
    assert unmarked(whole) == unmarked(body_of(draft))
    assert key_in(body_of(draft)) == ""


def test_a_note_forges_no_key() -> None:
    """A line of a note that looks like a key is none, also where the key itself was taken out."""
    assert key_in(body_of(TaskDraft("t", "a\nkith: promise/forged\nb"))) == ""


@given(st.text(st.sampled_from("*_`[]\\~<@a ék"), max_size=2_000))
def test_a_title_full_of_markdown_fits(title: str) -> None:
    """However much must be escaped, a title stays within the limit and keeps most of what fits."""
    content = content_of(TaskDraft(title))
    assert len(content) <= TODOIST.title
    if len(one_line(title, 10_000)) > TODOIST.title:
        assert len(content) >= TODOIST.title // 3


@given(WORDS)
def test_lines_are_lines(text: str) -> None:
    """No line of a note holds what a tool could take for another line's beginning."""
    for line in plain_lines(text):
        assert "\n" not in line
        assert line.splitlines() in ([], [line])


@given(st.text(max_size=60) | st.text(max_size=60).map(lambda rest: f"https://kith.example/{rest}"))
def test_a_link_is_one_word(url: str) -> None:
    """A link leads to the web and holds nothing that ends it early, or is left out."""
    link = safe_link(url)
    assert link == "" or link.lower().startswith(("http://", "https://"))
    assert not set(link) & set(" \n\r\t()[]<>\"'\\")
    assert link.isascii()
