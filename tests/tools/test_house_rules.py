import subprocess
import sys
from textwrap import dedent

import pytest

from tools import house_rules

CLEAN = "batches/services/submission.py"


def breaches(path: str, source: str) -> list[tuple[int, str]]:
    found = house_rules.check_source(path, dedent(source))
    return [(breach.line, breach.rule) for breach in found]


@pytest.mark.parametrize(
    "line",
    [
        "dispatch.delay(batch.pk)",
        "dispatch.apply_async(args=[1])",
        "current_app.send_task('batches.sweep')",
        "dispatch.delay_on_commit(1)",
    ],
)
def test_a_message_is_sent_only_by_kit_jobs(line: str) -> None:
    assert breaches(CLEAN, line) == [(1, "jobs-by-name")]
    assert breaches("batchrouter/kit/jobs.py", line) == []


@pytest.mark.parametrize(
    "line",
    [
        "batch.state = 'running'",
        "batch.state: str = 'running'",
        "batch.state, batch.state_at = 'running', now",
        "batches.filter(pk=1).update(state='running')",
        "Batch.objects.bulk_update(rows, ['state', 'state_at'])",
        "batch.save(update_fields=['state'])",
        "cursor.execute('UPDATE batches_batch SET state = %s')",
        "cursor.execute(f'UPDATE b SET lease = {x}, state = {y}')",
    ],
)
def test_a_state_moves_only_by_its_table(line: str) -> None:
    assert breaches(CLEAN, line) == [(1, "state-by-advance")]
    assert breaches("batchrouter/kit/states.py", line) == []


@pytest.mark.parametrize(
    "line",
    [
        "rows = Batch.objects.filter(state='running')",
        "state = batch.state",
        "Batch.objects.update(state_at=now)",
        "sql = 'UPDATE b SET lease = 1 WHERE state = 2'",
        "batch.save(update_fields=['deadline_at'])",
    ],
)
def test_reading_a_state_is_free(line: str) -> None:
    assert breaches(CLEAN, line) == []


@pytest.mark.parametrize(
    "line",
    [
        "Posting(amount_nanousd=1)",
        "Posting.objects.create(amount_nanousd=1)",
        "Posting.objects.filter(pk=1).update(amount_nanousd=1)",
        "made.postings.bulk_create([])",
        "made.postings.all().delete()",
        "cursor.execute('INSERT INTO billing_posting VALUES (1)')",
    ],
)
def test_postings_are_written_only_by_the_ledger(line: str) -> None:
    assert breaches(CLEAN, line) == [(1, "postings-one-writer")]
    assert breaches("billing/ledger.py", line) == []


def test_postings_may_be_read_anywhere() -> None:
    assert breaches(CLEAN, "rows = Posting.objects.filter(account=a)") == []


@pytest.mark.parametrize("line", ["x = a / b", "x /= 2", "x = float(text)"])
@pytest.mark.parametrize(
    "path", ["billing/costs.py", "catalog/pricing.py", "batchrouter/kit/money.py"]
)
def test_money_is_never_divided_or_made_a_float(path: str, line: str) -> None:
    assert breaches(path, line) == [(1, "no-float-money")]


def test_whole_division_is_fine_with_money() -> None:
    assert breaches("billing/costs.py", "x = a // b") == []


def test_a_score_may_be_divided() -> None:
    assert breaches("routing/scoring.py", "x = a / b") == []


def test_a_selector_takes_the_org_first() -> None:
    source = """\
    def batches_of(org, state): ...
    def batch(public_id, org): ...
    def _newest(rows): ...
    """
    assert breaches("batches/selectors.py", source) == [(2, "scoped-reads")]
    assert breaches("batches/selectors/pages.py", source) == [(2, "scoped-reads")]


def test_a_selector_may_start_from_a_row_of_an_org() -> None:
    assert breaches("batches/selectors.py", "def events_of(batch): ...") == []


@pytest.mark.parametrize("app", ["catalog", "routing"])
def test_what_belongs_to_nobody_needs_no_org(app: str) -> None:
    assert breaches(f"{app}/selectors.py", "def models(operation): ...") == []


@pytest.mark.parametrize(
    "source",
    [
        "unit.state = 'x'  # house: allow state-by-advance because the row is unsaved",
        "# house: allow state-by-advance because the row is unsaved\nunit.state = 'x'",
        "q.update(\n  state='x')  # house: allow state-by-advance because it is faster",
    ],
)
def test_a_comment_with_a_reason_allows_a_breach(source: str) -> None:
    assert breaches(CLEAN, source) == []


@pytest.mark.parametrize(
    "comment",
    [
        "# house: allow state-by-advance",
        "# house: allow state-by-advance because",
        "# house: allow no-such-rule because it has a good reason",
    ],
)
def test_a_comment_without_rule_and_reason_allows_nothing(comment: str) -> None:
    found = breaches(CLEAN, f"unit.state = 'x'  {comment}")
    assert sorted(found) == [(1, "allow"), (1, "state-by-advance")]


def test_a_comment_allows_only_the_rule_it_names() -> None:
    line = "f.delay(1)  # house: allow no-float-money because this is about a job"
    assert sorted(breaches(CLEAN, line)) == [(1, "allow"), (1, "jobs-by-name")]


def test_a_comment_that_allows_nothing_is_reported() -> None:
    line = "x = 1  # house: allow jobs-by-name because it used to be a job"
    assert breaches(CLEAN, line) == [(1, "allow")]


def test_a_docstring_about_states_is_no_breach() -> None:
    assert breaches(CLEAN, '"""UPDATE b SET state = 1 would be wrong."""') == []


def test_the_command_names_the_place_and_fails() -> None:
    command = [sys.executable, "tools/house_rules.py", "batchrouter/kit/jobs.py"]
    done = subprocess.run(
        command, cwd=house_rules.ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")
