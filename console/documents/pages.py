"""Which documents there are, in the order of the navigation."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from console.documents.markdown import Document, render

# What the samples say where a reader's own server is meant.
SAMPLE_URL = "http://127.0.0.1:8000"


@dataclass(frozen=True, slots=True)
class Entry:
    """A page of the documentation.

    Attributes:
        path: its file below docs/.
        summary: what it is for, in the index and in llms.txt.
    """

    slug: str
    name: str
    path: str
    summary: str


@dataclass(frozen=True, slots=True)
class Group:
    """Pages that belong together."""

    name: str
    entries: tuple[Entry, ...]


_GROUPS = (
    Group(
        "Start",
        (
            Entry("curl", "curl", "guide/curl.md", "A first batch from a shell."),
            Entry(
                "javascript",
                "JavaScript",
                "guide/javascript.md",
                "A first batch from Node.js, without a library.",
            ),
            Entry(
                "python",
                "Python",
                "guide/python.md",
                "A first batch from Python: upload a file, wait, read all rows.",
            ),
            Entry(
                "agents",
                "Agents",
                "agents.md",
                "From nothing to rows by calls alone, without a browser.",
            ),
        ),
    ),
    Group(
        "Run",
        (
            Entry(
                "manifests",
                "Manifests",
                "guide/manifests.md",
                "What goes in: items, deadlines, privacy, checks.",
            ),
            Entry(
                "webhooks",
                "Webhooks",
                "webhooks.md",
                "Hear what happens: events, signatures, replays.",
            ),
            Entry(
                "verification",
                "Verified rows",
                "verification.md",
                "What is checked of an answer, and what follows.",
            ),
            Entry(
                "report",
                "Reports",
                "report.md",
                "Import past jobs, replay them, read what would be saved.",
            ),
            Entry(
                "receipts",
                "Receipts",
                "guide/receipts.md",
                "What is signed, and how to check it without us.",
            ),
        ),
    ),
    Group(
        "Look up",
        (
            Entry(
                "errors",
                "Errors",
                "guide/errors.md",
                "Every code, its status and what to do.",
            ),
            Entry(
                "limits",
                "Limits",
                "guide/limits.md",
                "Sizes, counts and times that hold.",
            ),
        ),
    ),
)


def groups(folder: Path) -> tuple[Group, ...]:
    """Return the pages whose file is there, by group."""
    return tuple(
        Group(
            group.name,
            tuple(one for one in group.entries if (folder / one.path).is_file()),
        )
        for group in _GROUPS
    )


def entry(folder: Path, slug: str) -> Entry | None:
    """Return a page by its slug."""
    return next(
        (one for group in groups(folder) for one in group.entries if one.slug == slug),
        None,
    )


def document(folder: Path, found: Entry, *, base_url: str) -> Document:
    """Return a rendered page whose samples call this server; kept until it changes."""
    path = folder / found.path
    return _rendered(path, path.stat().st_mtime_ns, base_url)


@lru_cache(maxsize=64)
def _rendered(path: Path, _changed_at_ns: int, base_url: str) -> Document:
    return render(path.read_text().replace(SAMPLE_URL, base_url))
