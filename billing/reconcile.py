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
from billing import checks, digests, operation_checks
from billing.checks import EVER, PROBLEMS_MAX, Proof, violations
from billing.freeze import freeze_money
from billing.models import ReconcileRun

log = logging.getLogger(__name__)

# Takes the present instant and yields a sentence for each violation.
CheckFunction = Callable[[datetime], Iterable[str]]


@dataclass(frozen=True)
class Check:
    """An invariant and its proof.

    Attributes:
        code: of docs/decisions/0002.
        title: what holds.
        fn: finds violations; ``recent`` finds those among what moved since an instant.
        recent: None where only all of it proves anything.
        freezes: whether spending stops where it fails.
        nightly: too long for the short rounds.
    """

    code: str
    title: str
    fn: CheckFunction
    recent: Callable[[datetime, datetime], Iterable[str]] | None = None
    freezes: bool = True
    nightly: bool = False


@dataclass(frozen=True)
class CheckResult:
    """What one check found; nothing is good."""

    code: str
    title: str
    ok: bool
    problems: list[str]


def _prove(
    proofs: Iterable[Proof], now: datetime, since: datetime = EVER
) -> Iterable[str]:
    return chain.from_iterable(violations(proof, now, since) for proof in proofs)


def _check(code: str, title: str, *proofs: Proof, freezes: bool = True) -> Check:
    proved = partial(_prove, proofs)
    return Check(code, title, proved, recent=proved, freezes=freezes)


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
        "R12",
        "what Stripe holds is what payments and refunds explain",
        operation_checks.R12_KINDS,
        operation_checks.R12_REFUNDS,
        operation_checks.R12_DISPUTES,
        operation_checks.R12_UNANSWERED,
    ),
    Check(
        "R13",
        "providers' invoices agree with the books",
        operation_checks.invoices_agree,
        # A provider's rounding is no reason to stop customers.
        freezes=False,
    ),
    _check(
        "R15",
        "what is in suspense has an open ticket",
        operation_checks.R15_UNTICKETED,
        operation_checks.R15_RESOLVED,
    ),
    _check(
        "R16",
        "grants: issued is used, expired and remaining",
        checks.R16_ISSUED,
        checks.R16_REST,
    ),
    # A late notice is a fault of ours, but no money is wrong.
    _check("R18", "no notice waits for days", operation_checks.R18, freezes=False),
    Check(
        "R19",
        "last night's entries are unchanged",
        digests.prefix_unchanged,
        nightly=True,
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


def run_checks(*, now: datetime, since: datetime | None = None) -> list[CheckResult]:
    """Run the proofs, in the order of the codes.

    Args:
        now: the present instant.
        since: look at what moved since then, and leave the nightly proofs out; None
            looks at everything.
    """
    ordered = sorted([*OWN_CHECKS, *EXTRA_CHECKS], key=lambda check: check.code)
    return [
        _run(check, now, since)
        for check in ordered
        if since is None or not check.nightly
    ]


def reconcile(
    *, freeze: bool, now: datetime, since: datetime | None = None
) -> ReconcileRun:
    """Run the proofs, record what was found, and freeze money where one fails."""
    results = run_checks(now=now, since=since)
    failed = [result.code for result in results if not result.ok]
    if failed:
        log.critical("reconciliation failed: %s", ", ".join(failed))
        stopping = [code for code in failed if code in _freezing_codes()]
        if freeze and stopping:
            reason = f"reconciliation failed: {', '.join(stopping)}"
            freeze_money(reason=reason, now=now)
    return ReconcileRun.objects.create(
        started_at=now,
        since=since,
        finished_at=clock.now(),
        is_ok=not failed,
        results=[asdict(result) for result in results],
    )


def _freezing_codes() -> set[str]:
    return {check.code for check in [*OWN_CHECKS, *EXTRA_CHECKS] if check.freezes}


def _run(check: Check, now: datetime, since: datetime | None) -> CheckResult:
    if since is None or check.recent is None:
        found = check.fn(now)
    else:
        found = check.recent(now, since)
    problems = list(islice(found, PROBLEMS_MAX))
    return CheckResult(check.code, check.title, not problems, problems)
