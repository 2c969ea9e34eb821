"""A state changes only through its table, and only once.

A model that has a state inherits :class:`Stateful`, names its table in ``moves`` and
calls :func:`advance`; nothing else writes ``state``.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import ClassVar

from django.db import models, transaction

from batchrouter.kit.errors import Conflict

Moves = Mapping[str, frozenset[str]]


class MoveNotAllowed(Conflict):
    """No arrow leads from the present state to the wanted one."""

    code = "state_conflict"


class LostRace(Conflict):
    """Somebody else moved the row between our read and this write."""

    code = "state_conflict"


class Stateful(models.Model):
    """A row with a ``state`` and the instant it was entered."""

    moves: ClassVar[Moves] = {}

    state = models.CharField(max_length=16)
    state_at = models.DateTimeField()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{type(self).__name__} {self.pk} {self.state}"

    def advance(self, to: str, *, at: datetime) -> None:
        """Move to ``to`` exactly once, even when two workers try together.

        Raises:
            MoveNotAllowed: the table has no such arrow.
            LostRace: the row was moved meanwhile.
        """
        seen = self.state
        if to not in self.moves.get(seen, frozenset()):
            raise MoveNotAllowed(f"{type(self).__name__}: {seen} cannot become {to}")
        with transaction.atomic():
            same_row = type(self)._default_manager.filter(pk=self.pk, state=seen)
            if same_row.update(state=to, state_at=at) != 1:
                raise LostRace(f"{type(self).__name__}: {seen} was no longer current")
        self.state, self.state_at = to, at


def state_known(states: Iterable[str], *, name: str) -> models.CheckConstraint:
    """Return the rule that the database, too, takes no other state."""
    known = [str(state) for state in states]
    return models.CheckConstraint(condition=models.Q(state__in=known), name=name)
