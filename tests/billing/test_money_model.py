"""A plain-Python model of credits equals the database after every step.

The long form is ``python -m proofs.money_model``.
"""

import json
import os
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.billing.money_machine import MoneyMachine

pytestmark = pytest.mark.django_db

SEQUENCES = int(os.environ.get("MONEY_MODEL_SEQUENCES", "12"))
STEPS = int(os.environ.get("MONEY_MODEL_STEPS", "30"))
FIGURES = os.environ.get("MONEY_MODEL_FIGURES")
# After that no further round begins.
SECONDS = float(os.environ.get("MONEY_MODEL_SECONDS", "inf"))
# Sequences between two looks at the clock.
ROUND = 20


def test_the_model_is_the_database_after_every_step() -> None:
    MoneyMachine.steps.clear()
    started = time.monotonic()
    done = 0
    while done < SEQUENCES and time.monotonic() - started < SECONDS:
        count = min(ROUND, SEQUENCES - done)
        _drive(count)
        done += count
        if FIGURES:
            told = {
                "sequences": done,
                "steps_max": STEPS,
                "seconds": round(time.monotonic() - started, 1),
                "operations": dict(sorted(MoneyMachine.steps.items())),
            }
            Path(FIGURES).write_text(json.dumps(told))
    assert MoneyMachine.steps["top_up"] >= done


def _drive(sequences: int) -> None:
    run_state_machine_as_test(
        MoneyMachine,
        settings=settings(
            max_examples=sequences,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            derandomize=FIGURES is None,
            suppress_health_check=list(HealthCheck),
        ),
    )
