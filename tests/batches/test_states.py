"""The states of the main job form no dead ends and no loops out of an end."""

from enum import StrEnum

import pytest

from batches import states
from batches.states import Moves

TABLES = [
    (states.QUOTE_MOVES, states.QuoteState, {"active"}),
    (states.BATCH_MOVES, states.BatchState, {"priced"}),
    (states.UNIT_MOVES, states.UnitState, {"ready"}),
    (states.EXECUTION_MOVES, states.ExecutionState, {"planned"}),
]


def reachable(moves: Moves, start: set[str]) -> set[str]:
    found, todo = set(start), list(start)
    while todo:
        for following in moves.get(todo.pop(), frozenset()) - found:
            found.add(following)
            todo.append(following)
    return found


@pytest.mark.parametrize(("moves", "enum", "start"), TABLES)
def test_every_state_is_reached_from_the_first(
    moves: Moves, enum: type[StrEnum], start: set[str]
) -> None:
    assert reachable(moves, start) == set(enum)


@pytest.mark.parametrize(("moves", "enum", "start"), TABLES)
def test_every_state_reaches_an_end(
    moves: Moves, enum: type[StrEnum], start: set[str]
) -> None:
    ends = set(enum) - set(moves)
    assert ends
    for state in enum:
        assert reachable(moves, {state}) & ends


def test_no_arrow_leaves_a_terminal_state() -> None:
    assert states.BATCH_TERMINAL.isdisjoint(states.BATCH_MOVES)
    assert {"split", "done"}.isdisjoint(states.UNIT_MOVES)
    assert {"ended", "refused", "abandoned"}.isdisjoint(states.EXECUTION_MOVES)


def test_open_states_are_those_with_arrows() -> None:
    assert set(states.BATCH_MOVES) == states.BATCH_OPEN
    assert set(states.UNIT_MOVES) == states.UNIT_OPEN
    assert set(states.EXECUTION_MOVES) == states.EXECUTION_OPEN


def test_no_state_moves_to_itself() -> None:
    for moves, _, _ in TABLES:
        assert all(state not in following for state, following in moves.items())


def test_only_answers_are_delivered() -> None:
    assert {"completed", "review"} == states.ROW_DELIVERED
