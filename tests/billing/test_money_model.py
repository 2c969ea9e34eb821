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


def test_the_model_is_the_database_after_every_step() -> None:
    MoneyMachine.steps.clear()
    started = time.monotonic()
    run_state_machine_as_test(
        MoneyMachine,
        settings=settings(
            max_examples=SEQUENCES,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            derandomize="MONEY_MODEL_SEQUENCES" not in os.environ,
            suppress_health_check=list(HealthCheck),
        ),
    )
    assert MoneyMachine.steps["top_up"] >= SEQUENCES
    figures = os.environ.get("MONEY_MODEL_FIGURES")
    if figures:
        told = {
            "sequences": SEQUENCES,
            "steps_max": STEPS,
            "seconds": round(time.monotonic() - started, 1),
            "operations": dict(sorted(MoneyMachine.steps.items())),
        }
        Path(figures).write_text(json.dumps(told))
