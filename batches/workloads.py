"""Pure: the name of a kind of work, under which its quality is learned.

Work is of one kind when it is of the same workflow product; else when all its items
say the same in what repeats from item to item: instructions and system messages, tools
and the schema of the answer, each by its beginning, because a date or a name may stand
further on. What neither names nor repeats anything is told apart by operation only.
"""

import hashlib
from typing import Final

_PREFIX_CHARACTERS: Final = 400
_DIGEST_BYTES: Final = 8


class TaskKey:
    """The task of the items of a group; its text is a digest, empty without one."""

    def __init__(self) -> None:
        self._texts: tuple[str, ...] | None = None
        self._prefixes: tuple[str, ...] = ()
        self._is_mixed = False

    def note(self, repeated_texts: tuple[str, ...]) -> None:
        """Count in one item by what it is likely to share with others."""
        if repeated_texts == self._texts or self._is_mixed:
            return
        prefixes = tuple(text[:_PREFIX_CHARACTERS] for text in repeated_texts)
        self._is_mixed = self._texts is not None and prefixes != self._prefixes
        self._texts, self._prefixes = repeated_texts, prefixes

    def __str__(self) -> str:
        if self._is_mixed or not self._prefixes:
            return ""
        told = hashlib.blake2b(digest_size=_DIGEST_BYTES)
        for prefix in self._prefixes:
            data = prefix.encode(errors="surrogatepass")
            told.update(len(data).to_bytes(4, "big") + data)
        return told.hexdigest()


def workload_key(*, workflow: str | None, task_key: str, operation: str) -> str:
    """Name the kind of work that a group of items is.

    Args:
        workflow: the slug of the workflow product that the manifest names.
        task_key: of the group.
        operation: of the items.
    """
    task = f"task-{task_key}" if task_key else "model"
    return f"{workflow or task}:{operation}"
