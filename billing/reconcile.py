"""Prove the money invariants; stop spending where one does not hold.

Billing knows its own tables only. Other apps add their proofs by ``register_check``,
called once from their ``AppConfig.ready``.
"""

import logging
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import partial
from itertools import chain, islice

from batchrouter.kit import clock
from billing import checks
from billing.checks import PROBLEMS_MAX, Proof, violations
from billing.freeze import freeze_money
from billing.models import ReconcileRun

log = logging.getLogger(__name__)

# Takes the present instant and yields a sentence for each violation.
CheckFunction = Callable[[datetime], Iterable[str]]


@dataclass(frozen=True)
class Check:
    """An invariant and its proof."""

    code: str
    title: str
    fn: CheckFunction


@dataclass(frozen=True)
class CheckResult:
    """What one check found; nothing is good."""

    code: str
    title: str
    ok: bool
    problems: list[str]


def _prove(proofs: Iterable[Proof], now: datetime) -> Iterable[str]:
    return chain.from_iterable(violations(proof, now) for proof in proofs)


def _check(code: str, title: str, *proofs: Proof) -> Check:
    return Check(code, title, partial(_prove, proofs))


OWN_CHECKS: tuple[Check, ...] = (
    _check("R01", "all postings add up to zero", checks.R01),
    _check(
        "R02",
        "every transaction adds up to zero, within one organization",
        checks.R02,
        checks.R02_ORG,
    ),
    _check("R03", "cached balances are the sums of postings", checks.R03),
    _check("R04", "every account's chain is whole", checks.R04),
    _check("R05", "no customer account is or was below zero", checks.R05),
    _check(
        "R06",
        "what is reserved is what open reservations hold",
        checks.R06_HELD,
        checks.R06_LEGS,
        checks.R06_REVENUE,
    ),
    _check("R07", "no reservation is open a day after its end", checks.R07),
    _check(
        "R16",
        "grants: issued is used, expired and remaining",
        checks.R16_ISSUED,
        checks.R16_REST,
    ),
    _check("R20", "receipts chain without a gap", checks.R20_CHAIN, checks.R20_HEAD),
)
EXTRA_CHECKS: list[Check] = []


def register_check(code: str, title: str, fn: CheckFunction) -> None:
    """Add another app's proof.

    Args:
        code: of docs/decisions/0002, such as ``R08``; one app may extend another's.
        title: what holds, for the table.
        fn: takes the present instant, yields a sentence per violation. It should read
            one snapshot: one statement, or rows that cannot change any more.

    Raises:
        ValueError: the same function is registered already.
    """
    if any(check.fn == fn for check in EXTRA_CHECKS):
        raise ValueError(f"{code} is registered already")
    EXTRA_CHECKS.append(Check(code, title, fn))


def run_checks(*, now: datetime) -> list[CheckResult]:
    """Run every proof, in the order of the codes."""
    ordered = sorted([*OWN_CHECKS, *EXTRA_CHECKS], key=lambda check: check.code)
    return [_run(check, now) for check in ordered]


def reconcile(*, freeze: bool, now: datetime) -> ReconcileRun:
    """Run every proof, record what was found, and freeze money where it fails."""
    results = run_checks(now=now)
    failed = [result.code for result in results if not result.ok]
    if failed:
        log.critical("reconciliation failed: %s", ", ".join(failed))
        if freeze:
            freeze_money(reason=f"reconciliation failed: {', '.join(failed)}", now=now)
    return ReconcileRun.objects.create(
        started_at=now,
        finished_at=clock.now(),
        is_ok=not failed,
        results=[asdict(result) for result in results],
    )


def _run(check: Check, now: datetime) -> CheckResult:
    problems = list(islice(check.fn(now), PROBLEMS_MAX))
    return CheckResult(check.code, check.title, not problems, problems)
