"""Sections to Markdown: on the terminal, and between marks in docs/performance.md."""

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from devtools.say import Trouble, say


@dataclass(frozen=True)
class Table:
    """Columns and rows of text."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Target:
    """What was promised, and what was measured."""

    what: str
    wanted: str
    measured: str
    is_met: bool


@dataclass
class Section:
    """What one measurement found.

    Attributes:
        database: which PostgreSQL it ran on.
        note: how to read the tables.
        faults: what is wrong with the results; any of them fails the whole run.
    """

    name: str
    title: str
    database: str = ""
    tables: list[Table] = field(default_factory=list)
    note: str = ""
    targets: list[Target] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Circumstances:
    """When, where and from what a section was measured."""

    date: str
    commit: str
    machine: str
    command: str
    database: str
    broker: str


def render(section: Section, circumstances: Circumstances) -> str:
    """Return a section as Markdown."""
    shown = circumstances
    measured = (
        f"Measured {shown.date} at commit {shown.commit} on {shown.machine}"
        f"{_services(shown)}. Command: `{shown.command}`"
    )
    parts = [
        measured,
        *(_table(table) for table in section.tables),
        section.note,
    ]
    if section.targets:
        parts.append(_table(_verdicts(section.targets)))
    if section.faults:
        parts.append("**The results are wrong:** " + "; ".join(section.faults))
    return "\n\n".join(parts)


def write(path: Path, name: str, text: str) -> None:
    """Put a section's text between its marks.

    Raises:
        Trouble: the file has no such marks.
    """
    begin, end = f"<!-- benchmark {name} -->", f"<!-- end of benchmark {name} -->"
    before = path.read_text()
    pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    filled = f"{begin}\n\n{text}\n\n{end}"
    after, found = pattern.subn(lambda _match: filled, before)
    if found != 1:
        raise Trouble(f"{path} should hold the marks {begin} and {end} once.")
    path.write_text(after)


def keep(folder: Path, section: Section, circumstances: Circumstances) -> None:
    """Keep a section as JSON, for comparing runs."""
    folder.mkdir(parents=True, exist_ok=True)
    stamp = circumstances.date.replace(":", "").replace(" ", "-")
    kept = {"circumstances": asdict(circumstances), "section": asdict(section)}
    path = folder / f"{stamp}-{section.name}.json"
    path.write_text(json.dumps(kept, indent=1) + "\n")


def show(section: Section, text: str) -> None:
    """Print a section."""
    say(f"\n## {section.title}\n\n{text}\n")


def _services(shown: Circumstances) -> str:
    if not shown.database:
        return ""
    return f"; PostgreSQL {shown.database}, broker {shown.broker}"


def _verdicts(targets: Sequence[Target]) -> Table:
    rows = [
        [aim.what, aim.wanted, aim.measured, "met" if aim.is_met else "**missed**"]
        for aim in targets
    ]
    return Table(["target", "wanted", "measured", ""], rows)


def _table(table: Table) -> str:
    """Write a table whose columns are as wide as their widest cell."""
    lines = [list(table.columns), *(list(row) for row in table.rows)]
    widths = [max(3, *map(len, cells)) for cells in zip(*lines, strict=True)]
    lines.insert(1, ["-" * width for width in widths])
    return "\n".join(
        "| "
        + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        + " |"
        for row in lines
    )
