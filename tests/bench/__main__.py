"""`python -m tests.bench`: make the corpus, run the three programs on it, print one table in Markdown."""

import argparse
import platform
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from deploy.sample import bulk
from tests.bench.measure import Cost, run, size_of
from tests.bench.tools import Kith, Mu, Notmuch

STEPS = ("kith", "notmuch", "mu", "again", "mbox", "queries", "scale")
_MB = 1024 * 1024
_REPEATS = 3


class Table:
    """Rows as they are measured; a row names its goal and whether it is met."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, ...]] = []
        self.notes: list[str] = []

    def cost(self, step: str, cost: Cost, messages: int = 0, goal: str = "") -> None:
        """A measured command."""
        rate = f"{messages / cost.wall:,.0f}" if messages else ""
        memory = f"{cost.resident / _MB:,.0f} ({cost.proportional / _MB:,.0f})"
        self._row(step, f"{cost.wall:,.2f}", f"{cost.cpu:,.2f}", memory, rate, goal)
        if cost.status:
            words = cost.stderr.decode(errors="replace").strip().splitlines()
            self.notes.append(f"{step}: exit {cost.status}. {words[-1] if words else ''}")

    def fact(self, step: str, value: str, goal: str = "") -> None:
        """A derived figure: a ratio or a size."""
        self._row(step, value, "", "", "", goal)

    def _row(self, *cells: str) -> None:
        self.rows.append(cells)
        sys.stderr.write("  ".join(cell for cell in cells if cell) + "\n")

    def markdown(self, title: str) -> str:
        """The table with its title and notes."""
        head = "| step | seconds or value | CPU s | peak MB, sum of RSS (PSS) | messages/s | goal |"
        lines = [title, "", head, "| --- | ---: | ---: | ---: | ---: | --- |"]
        lines += [f"| {' | '.join(row)} |" for row in self.rows]
        lines += ["", *(f"- {note}" for note in self.notes)] if self.notes else []
        return "\n".join(lines) + "\n"


class Bench:
    """One run: a corpus, a scratch folder, the steps wanted."""

    def __init__(self, options: argparse.Namespace, scratch: Path) -> None:
        self.options = options
        self.scratch = scratch
        self.table = Table()
        self.messages: int = options.messages
        self.corpora = Path(options.corpus) if options.corpus else scratch / "corpus"
        self.walls: dict[str, float] = {}

    def wants(self, step: str) -> bool:
        """Whether the step was asked for."""
        if step in {"notmuch", "mu"} and getattr(self.options, f"skip_{step}"):
            return False
        return not self.options.only or step in self.options.only

    def run(self) -> None:
        """Every step wanted, in the order of the table."""
        maildir = self.maildir(self.messages)
        kith = Kith(self.scratch / "kith")
        notmuch = Notmuch(self.scratch / "notmuch", maildir)
        mu = Mu(self.scratch / "mu", maildir)
        has_kith = kith.is_there and any(self.wants(step) for step in ("kith", "again", "mbox", "queries"))
        if not kith.is_there:
            self.table.notes.append("kith is not installed in this environment; its rows are missing")
        _warm(maildir)
        if has_kith:
            self._first_import(kith, maildir)
        if self.wants("notmuch") and notmuch.is_there:
            self._timed("notmuch", "notmuch new", notmuch.new(), notmuch.env)
            if has_kith:
                self._ratio("notmuch new / kith import", "notmuch", "kith", "at least 10, aim 20")
        if self.wants("mu") and mu.is_there:
            self.table.cost("mu init", self._execute(mu.init(), mu.env))
            self._timed("mu", "mu index", mu.index(), mu.env)
            if has_kith:
                self._ratio("mu index / kith import", "mu", "kith", "at least 5, aim 10")
        self._sizes(kith, notmuch, mu)
        if self.wants("again"):
            self._again(kith, notmuch, mu, maildir, has_kith)
        if self.wants("mbox") and has_kith:
            self._mbox(kith)
        if self.wants("queries") and has_kith:
            self._queries(kith)
        if self.wants("scale") and kith.is_there:
            self._scale()

    def maildir(self, messages: int) -> Path:
        """The corpus of that many messages, made when it is not there."""
        return self._made(
            f"maildir-{messages}", lambda path: bulk.write_maildir(path, messages, bulk.people_for(messages))
        )

    def mbox(self, messages: int) -> Path:
        """The same messages as one file."""
        return self._made(
            f"{messages}.mbox", lambda path: bulk.write_mbox(path, messages, bulk.people_for(messages))
        )

    def _made(self, name: str, write: Callable[[Path], Path]) -> Path:
        path = self.corpora / name
        done = self.corpora / f"{name}.done"
        if done.exists():
            return path
        if path.is_dir():
            shutil.rmtree(path)
        self.corpora.mkdir(parents=True, exist_ok=True)
        begun = time.perf_counter()
        write(path)
        done.touch()
        sys.stderr.write(f"made {path} in {time.perf_counter() - begun:.1f} s\n")
        return path

    def _execute(self, command: list[str], env: dict[str, str]) -> Cost:
        return run(command, env, self.scratch)

    def _timed(self, name: str, step: str, command: list[str], env: dict[str, str], goal: str = "") -> Cost:
        cost = self._execute(command, env)
        self.walls[name] = cost.wall
        self.table.cost(step, cost, self.messages, goal)
        return cost

    def _ratio(self, step: str, slow: str, fast: str, goal: str) -> None:
        self.table.fact(step, f"{self.walls[slow] / self.walls[fast]:,.1f} times", goal)

    def _first_import(self, kith: Kith, maildir: Path) -> None:
        self.table.cost("kith init", self._execute(kith.init(), kith.env))
        self._timed(
            "kith", "kith import MAILDIR", kith.command("import", str(maildir)), kith.env, "peak under 400 MB"
        )

    def _sizes(self, kith: Kith, notmuch: Notmuch, mu: Mu) -> None:
        for name, folder, walls in (
            ("kith home", kith.home, "kith"),
            ("notmuch database", notmuch.home, "notmuch"),
            ("mu database", mu.home, "mu"),
        ):
            if walls in self.walls:
                goal = "at most half of mu's" if walls == "kith" else ""
                self.table.fact(f"size of {name}", f"{size_of(folder) / _MB:,.0f} MB", goal)

    def _again(self, kith: Kith, notmuch: Notmuch, mu: Mu, maildir: Path, has_kith: bool) -> None:
        if has_kith:
            command = kith.command("import", str(maildir))
            self._timed(
                "kith again", "kith import, unchanged", command, kith.env, "no slower than mu's, under 1 s"
            )
        if "mu" in self.walls:
            self._timed("mu again", "mu index --lazy-check, unchanged", mu.index(is_lazy=True), mu.env)
        if "notmuch" in self.walls:
            self._timed("notmuch again", "notmuch new, unchanged", notmuch.new(), notmuch.env)

    def _mbox(self, kith: Kith) -> None:
        path = self.mbox(self.messages)
        _warm(path)
        self._timed("mbox", "kith import, same messages as mbox", kith.command("import", str(path)), kith.env)
        self._ratio("same as mbox / first import", "mbox", "kith", "at most 0.5 times")

    def _queries(self, kith: Kith) -> None:
        address = bulk.busiest(bulk.people_for(self.messages))
        for words, goal in (
            (("people",), "under 0.7 s"),
            (("show", address), "under 0.4 s"),
            (("digest",), "under 2 s"),
        ):
            costs = sorted(
                (self._execute(kith.command(*words), kith.env) for _ in range(_REPEATS)),
                key=lambda one: one.wall,
            )
            self.table.cost(f"kith {words[0]} --json (median of {_REPEATS})", costs[_REPEATS // 2], goal=goal)

    def _scale(self) -> None:
        """The first import at other sizes, each in a home of its own."""
        sizes = sorted({10_000, 100_000, *([1_000_000] if self.options.full else [])})
        each = []
        for messages in sizes:
            if messages == self.messages and "kith" in self.walls:
                wall = self.walls["kith"]
            else:
                maildir = self.maildir(messages)
                _warm(maildir)
                kith = Kith(self.scratch / f"kith-{messages}")
                self._execute(kith.init(), kith.env)
                cost = self._execute(kith.command("import", str(maildir)), kith.env)
                self.table.cost(f"kith import, {messages:,} messages", cost, messages, "peak under 400 MB")
                wall = cost.wall
            each.append(wall / messages * 1e6)
            self.table.fact(f"cost per message at {messages:,}", f"{each[-1]:,.1f} µs")
        spread = (max(each) - min(each)) / statistics.mean(each)
        self.table.fact("spread of the cost per message", f"{spread:.0%}", "within 20 %")


def _warm(path: Path) -> None:
    """Read everything once, so that no program pays for the disk alone."""
    files = [path] if path.is_file() else [one for one in path.rglob("*") if one.is_file()]
    for one in files:
        with one.open("rb") as stream:
            while stream.read(_MB):
                pass


def _options(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--messages", type=int, default=100_000, help="size of the corpus (100000)")
    parser.add_argument("--corpus", help="folder in which corpora are kept between runs")
    parser.add_argument("--out", help="write the table to this file as well")
    parser.add_argument("--full", action="store_true", help="also a million messages (some 10 GB of corpus)")
    parser.add_argument("--skip-notmuch", action="store_true")
    parser.add_argument("--skip-mu", action="store_true")
    parser.add_argument("--only", action="append", choices=STEPS, help="only this step; may be repeated")
    return parser.parse_args(words)


def main(words: list[str]) -> int:
    """Run the benchmark and print its table."""
    options = _options(words)
    with tempfile.TemporaryDirectory(prefix="kith-bench-") as scratch:
        bench = Bench(options, Path(scratch))
        bench.run()
        machine = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
        title = (
            f"{options.messages:,} messages, {bulk.people_for(options.messages):,} people, 5 years, seed 1; "
            f"{machine}; files in the page cache before each first run"
        )
        page = bench.table.markdown(title)
    sys.stdout.write(page)
    if options.out:
        Path(options.out).write_text(page, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
