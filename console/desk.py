"""What the first page asks of one organization, in a query each."""

from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any, Final

from allauth.mfa.models import Authenticator
from django.contrib.postgres.expressions import ArraySubquery
from django.db import connection
from django.db.models import (
    BooleanField,
    CharField,
    Count,
    Exists,
    ExpressionWrapper,
    OuterRef,
    QuerySet,
    Subquery,
    Value,
)
from django.db.models.functions import Concat

from accounts.models import ApiKey, Invitation, Membership, Org, Role
from batches.models import Batch, QualityDay, Quote, WebhookEndpoint
from batches.states import BATCH_TERMINAL, QuoteState
from billing.models import LedgerTransaction
from routing.models import OfferingDrift

# Older trouble is known, or nobody's concern any more.
RECENT: Final = timedelta(days=30)
_KEY_ENDS_SOON: Final = timedelta(days=7)
# Who has run so many knows the way.
_BATCHES_OF_HABIT: Final = 5
_TROUBLED_MAX: Final = 4
_DRIFTS_MAX: Final = 3


@dataclass(frozen=True, slots=True)
class DeskFacts:
    """What an organization has done so far, and what of it asks for somebody.

    Attributes:
        has_habit: several batches have ended.
        hook_failures: tries in a row that the organization's webhook did not take.
        other_hooks_off: addresses named by batches that nothing is sent to any more.
        drifts: "model provider" of what answered lately, and worse than it used to.
        open_quotes: that can be submitted now.
        bare_owners: owners who log in with a password alone.
    """

    has_credits: bool
    has_key: bool
    has_batch: bool
    has_habit: bool
    has_webhook: bool
    has_company: bool
    hook_disabled_at: datetime | None
    hook_failing_since: datetime | None
    hook_failures: int
    other_hooks_off: int
    drifts: tuple[str, ...]
    open_quotes: int
    quote_id: str | None
    quote_nanousd: int | None
    quote_until: datetime | None
    ending_key: str | None
    ending_key_at: datetime | None
    bare_owners: int
    is_bare_owner: bool


def facts_of(org: Org, *, user_id: int, now: datetime) -> DeskFacts:
    """Return the facts of an organization for one of its people, in one query."""
    names = [field.name for field in fields(DeskFacts)]
    row = (
        Org.objects.filter(pk=org.pk)
        .annotate(
            **_done_so_far(),
            **_webhooks(),
            **_quotes(now),
            **_keys(now),
            **_owners(user_id),
            drifts=ArraySubquery(_drifts(now)[:_DRIFTS_MAX]),
        )
        .values(*names)
        .get()
    )
    row["drifts"] = tuple(row["drifts"])
    for count in ("hook_failures", "other_hooks_off", "open_quotes", "bare_owners"):
        row[count] = row[count] or 0
    return DeskFacts(**row)


def _done_so_far() -> dict[str, Any]:
    of_org = {"org": OuterRef("pk")}
    batches = Batch.objects.filter(is_sample=False, **of_org)
    others = Membership.objects.filter(**of_org).order_by("pk")[1:]
    invited = Invitation.objects.filter(**of_org)
    ended = batches.filter(state__in=BATCH_TERMINAL).order_by("pk")
    return {
        "has_credits": Exists(LedgerTransaction.objects.filter(**of_org)),
        "has_key": Exists(ApiKey.objects.filter(**of_org)),
        "has_batch": Exists(batches),
        "has_habit": Exists(ended[_BATCHES_OF_HABIT - 1 :]),
        "has_webhook": Exists(
            WebhookEndpoint.objects.filter(is_default=True, **of_org)
        ),
        "has_company": ExpressionWrapper(
            Exists(others) | Exists(invited), output_field=BooleanField()
        ),
    }


def _webhooks() -> dict[str, Any]:
    endpoints = WebhookEndpoint.objects.filter(org=OuterRef("pk"))
    default = endpoints.filter(is_default=True)
    off = endpoints.filter(is_default=False, disabled_at__isnull=False)
    return {
        "hook_disabled_at": Subquery(default.values("disabled_at")[:1]),
        "hook_failing_since": Subquery(default.values("failing_since")[:1]),
        "hook_failures": Subquery(default.values("failures")[:1]),
        "other_hooks_off": _count(off, "org"),
    }


def _quotes(now: datetime) -> dict[str, Any]:
    # Points of a price curve are offers beside the one that was asked for.
    quotes = Quote.objects.filter(
        org=OuterRef("pk"),
        state=QuoteState.ACTIVE,
        valid_until__gt=now,
        curve_of=None,
        is_test=False,
    )
    newest = quotes.order_by("-pk")
    return {
        "open_quotes": _count(quotes, "org"),
        "quote_id": Subquery(newest.values("public_id")[:1]),
        "quote_nanousd": Subquery(newest.values("total_nanousd")[:1]),
        "quote_until": Subquery(newest.values("valid_until")[:1]),
    }


def _keys(now: datetime) -> dict[str, Any]:
    ending = ApiKey.objects.filter(
        org=OuterRef("pk"),
        revoked_at=None,
        expires_at__gt=now,
        expires_at__lt=now + _KEY_ENDS_SOON,
        # One that was rotated is meant to end.
        apikey=None,
    ).order_by("expires_at", "pk")
    return {
        "ending_key": Subquery(ending.values("name")[:1]),
        "ending_key_at": Subquery(ending.values("expires_at")[:1]),
    }


def _owners(user_id: int) -> dict[str, Any]:
    factors = Authenticator.objects.filter(
        user=OuterRef("user"), type=Authenticator.Type.TOTP
    )
    bare = Membership.objects.filter(
        ~Exists(factors), org=OuterRef("pk"), role=Role.OWNER, user__is_active=True
    )
    return {
        "bare_owners": _count(bare, "org"),
        "is_bare_owner": Exists(bare.filter(user=user_id)),
    }


def _drifts(now: datetime) -> QuerySet[Any, str]:
    """Return a model's slug and a provider's key, with a space between, of each."""
    used = QualityDay.objects.filter(
        org_id=OuterRef(OuterRef("pk")), day__gt=(now - RECENT).date()
    )
    name = Concat(
        "offering__model__slug",
        Value(" "),
        "offering__provider__key",
        output_field=CharField(),
    )
    return (
        OfferingDrift.objects.filter(
            ended_at=None, offering__in=used.values("offering_id")
        )
        .annotate(name=name)
        .order_by("name")
        .values_list("name", flat=True)
        .distinct()
    )


def _count(rows: QuerySet[Any], column: str) -> Subquery:
    grouped = rows.order_by().values(column).annotate(total=Count("pk"))
    return Subquery(grouped.values("total"))


@dataclass(frozen=True, slots=True)
class TroubledBatch:
    """An ended batch that left something to do.

    Attributes:
        failed: rows without an answer, and ``expired`` those that came too late; both
            nothing once a retry was made.
        to_review: answers that want a person's eye and have had none.
    """

    public_id: str
    item_count: int
    failed: int
    expired: int
    to_review: int


# The review file has a line for each such row; what was judged is known by row.
_TROUBLED = """
SELECT * FROM (
  SELECT b.public_id, b.item_count,
         CASE WHEN r.is_retried THEN 0 ELSE (b.result_counts->>'failed')::int END AS f,
         CASE WHEN r.is_retried THEN 0 ELSE (b.result_counts->>'expired')::int END AS x,
         coalesce(s.line_count, 0) - CASE WHEN s.id IS NULL THEN 0 ELSE (
           SELECT count(*) FROM batches_itemverdict v
             JOIN batches_resultrow w ON w.batch_id = v.batch_id AND w.seq = v.seq
            WHERE v.batch_id = b.id AND v.is_current AND w.status = 'review') END AS e
    FROM batches_batch b
    LEFT JOIN batches_storedfile s ON s.id = b.review_file_id
   CROSS JOIN LATERAL (
         SELECT EXISTS (SELECT 1 FROM batches_batch c WHERE c.parent_id = b.id)
                AS is_retried) r
   WHERE b.org_id = %(org)s AND b.completed_at > %(since)s
     AND b.content_deleted_at IS NULL AND NOT b.is_sample
     AND b.result_counts IS NOT NULL
   ORDER BY b.id DESC) t
 WHERE f + x > 0 OR e > 0
 LIMIT %(most)s
"""


def troubled_batches(org: Org, *, now: datetime) -> list[TroubledBatch]:
    """Return the newest batches that left rows to retry or answers to look at."""
    with connection.cursor() as cursor:
        cursor.execute(
            _TROUBLED, {"org": org.pk, "since": now - RECENT, "most": _TROUBLED_MAX}
        )
        return [TroubledBatch(*row) for row in cursor.fetchall()]
