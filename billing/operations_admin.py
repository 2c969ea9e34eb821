"""Where operators ask for movements of money, and others approve them.

Rows are never edited here: the form asks by a service, and decisions are made by one,
with the buttons of a request's page or by the actions of the list.
"""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path
from django.views.decorators.http import require_POST

from accounts.models import User
from batchrouter.kit import clock, ids
from batchrouter.kit.errors import BatchRouterError
from batchrouter.kit.money import MoneyFormatError, format_usd, parse_usd
from billing.models import CardRefund, OperationKind, OperationState, OperatorRequest
from billing.operations import (
    Asking,
    approve,
    limits_from_settings,
    operator_named,
    reject,
    request_adjustment,
    request_card_refund,
    request_goodwill,
    request_suspense_release,
)

# A true-up is asked for by ``manage.py provider_true_up``, which compares the books.
_KINDS = [
    (kind.value, kind.label) for kind in OperationKind if kind != OperationKind.TRUE_UP
]


class AskForm(forms.ModelForm[OperatorRequest]):
    """What is wanted; who asks is whoever is logged in."""

    kind = forms.ChoiceField(choices=_KINDS)
    amount_usd = forms.CharField(max_length=19, help_text="dollars, such as 25.00")

    class Meta:
        model = OperatorRequest
        fields = ("kind", "org", "reference", "debit_code", "credit_code", "reason")
        help_texts = {
            "reference": "the top-up of a refund, or the ticket in suspense",
            "debit_code": "of an adjustment, such as expense:goodwill",
            "credit_code": "of an adjustment, such as available:paid",
        }

    maker = ""
    asked: OperatorRequest | None = None

    def clean_amount_usd(self) -> int:
        """Return the amount in nano-dollars."""
        try:
            return parse_usd(self.cleaned_data["amount_usd"])
        except MoneyFormatError as error:
            raise forms.ValidationError(str(error)) from error

    def clean(self) -> dict[str, Any]:
        """Ask by the service, so that whatever it refuses stands beside the form."""
        wanted = super().clean() or {}
        if self.errors:
            return wanted
        if wanted["org"] is None and wanted["kind"] != OperationKind.ADJUSTMENT:
            raise forms.ValidationError("Name the organization.")
        try:
            self.asked = _ask(wanted, maker=self.maker)
        except BatchRouterError as error:
            raise forms.ValidationError(error.message) from error
        return wanted

    def _post_clean(self) -> None:
        """Leave the row alone: the service has made it."""

    def save(self, commit: bool = True) -> OperatorRequest:  # noqa: FBT001, FBT002 Django's
        """Return the row that the service made."""
        if self.asked is None:
            raise ValueError("nothing was asked for")
        return self.asked

    def save_m2m(self) -> None:
        """Keep nothing more: there is no list on the form."""


def _ask(wanted: dict[str, Any], *, maker: str) -> OperatorRequest:
    asking = Asking(
        maker, wanted["reason"], ids.new_id("opkey"), limits_from_settings()
    )
    amount, now = wanted["amount_usd"], clock.now()
    org, reference = wanted["org"], wanted["reference"]
    match wanted["kind"]:
        case OperationKind.GOODWILL:
            return request_goodwill(
                org=org, amount_nanousd=amount, asking=asking, now=now
            )
        case OperationKind.REFUND_CARD:
            return request_card_refund(
                org=org,
                amount_nanousd=amount,
                top_up_id=reference,
                asking=asking,
                now=now,
            )
        case OperationKind.RELEASE_SUSPENSE:
            return request_suspense_release(
                org=org,
                suspense_id=reference,
                amount_nanousd=amount,
                asking=asking,
                now=now,
            )
        case _:
            return request_adjustment(
                org=org,
                amount_nanousd=amount,
                debit_code=wanted["debit_code"],
                credit_code=wanted["credit_code"],
                asking=asking,
                now=now,
            )


class RefundInline(admin.TabularInline[CardRefund, OperatorRequest]):
    model = CardRefund
    fields = ("public_id", "top_up_id", "state", "stripe_refund_id", "attempts")
    readonly_fields = fields
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Refuse."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Refuse."""
        return False


@admin.register(OperatorRequest)
class OperatorRequestAdmin(admin.ModelAdmin[OperatorRequest]):
    form = AskForm
    # There may be more organizations than a list to choose from can hold.
    autocomplete_fields = ("org",)
    list_display = (
        "public_id",
        "kind",
        "org",
        "provider",
        "amount",
        "state",
        "maker",
        "checker",
        "created_at",
    )
    list_filter = ("state", "kind", "created_at")
    search_fields = ("public_id", "reference", "org__public_id", "maker", "checker")
    list_select_related = ("org",)

    def get_inlines(
        self, request: HttpRequest, obj: OperatorRequest | None
    ) -> list[Any]:
        """Show refunds of a request that was made."""
        return [] if obj is None else [RefundInline]

    actions = ("approve_requests", "reject_requests")

    def get_urls(self) -> list[URLPattern]:
        """Add where the buttons of a request's page lead."""
        decide = self.admin_site.admin_view(require_POST(self.decide))
        door = path("<int:pk>/decide/", decide, name="billing_operatorrequest_decide")
        return [door, *super().get_urls()]

    def decide(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Approve or decline one request, and show what became of it."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        asked = get_object_or_404(OperatorRequest, pk=pk)
        match request.POST.get("action"):
            case "approve":
                self._approve(request, asked)
            case "decline":
                self._reject(request, asked)
            case _:
                return HttpResponseBadRequest("Approve or decline.")
        return redirect("admin:billing_operatorrequest_change", pk)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show whoever may decide what it is about, beside the buttons."""
        more = dict(extra_context or {})
        asked = self.get_object(request, object_id)
        is_open = asked is not None and asked.state == OperationState.REQUESTED
        if asked is not None and is_open and self.has_change_permission(request):
            more["to_decide"] = _facts(asked)
        return super().change_view(request, object_id, form_url, more)

    @admin.display(description="amount (USD)")
    def amount(self, asked: OperatorRequest) -> str:
        """Show the amount in dollars."""
        return format_usd(asked.amount_nanousd)

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Refuse to edit a row; the list is open to whoever decides by its actions."""
        return obj is None and super().has_change_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Refuse."""
        return False

    def get_form(
        self,
        request: HttpRequest,
        obj: OperatorRequest | None = None,
        change: bool = False,  # noqa: FBT001, FBT002 Django's
        **kwargs: Any,
    ) -> type[forms.ModelForm[OperatorRequest]]:
        """Let the form know who asks."""
        made = super().get_form(request, obj, change, **kwargs)
        if obj is None:
            made.maker = _signature(request)  # type: ignore[attr-defined] # AskForm's
        return made

    def get_fields(
        self, request: HttpRequest, obj: OperatorRequest | None = None
    ) -> list[Any]:
        """Ask for the amount in dollars; show all there is of a row."""
        if obj is None:
            return [*AskForm.Meta.fields, "amount_usd"]
        return [field.name for field in OperatorRequest._meta.fields]

    def save_model(self, *_given: Any, **_more: Any) -> None:
        """Keep what the service wrote."""

    @admin.action(description="Approve and carry out", permissions=["change"])
    def approve_requests(
        self, request: HttpRequest, chosen: QuerySet[OperatorRequest]
    ) -> None:
        """Approve each of the chosen requests that the visitor did not make."""
        for asked in chosen.order_by("pk"):
            self._approve(request, asked)

    @admin.action(description="Reject", permissions=["change"])
    def reject_requests(
        self, request: HttpRequest, chosen: QuerySet[OperatorRequest]
    ) -> None:
        """Reject each of the chosen requests that the visitor did not make."""
        for asked in chosen.order_by("pk"):
            self._reject(request, asked)

    def _approve(self, request: HttpRequest, asked: OperatorRequest) -> None:
        try:
            done = approve(
                asked.public_id, checker=_signature(request), now=clock.now()
            )
        except BatchRouterError as error:
            self._say(request, asked, error.message, messages.ERROR)
        else:
            self._say(request, done, f"{done.state}. {done.outcome}")

    def _reject(self, request: HttpRequest, asked: OperatorRequest) -> None:
        try:
            reject(
                asked.public_id,
                checker=_signature(request),
                why="Rejected in the admin.",
                now=clock.now(),
            )
        except BatchRouterError as error:
            self._say(request, asked, error.message, messages.ERROR)
        else:
            self._say(request, asked, "rejected.")

    def _say(
        self,
        request: HttpRequest,
        asked: OperatorRequest,
        text: str,
        level: int = messages.SUCCESS,
    ) -> None:
        self.message_user(request, f"{asked.public_id}: {text}", level)


def _facts(asked: OperatorRequest) -> list[tuple[str, str]]:
    """Return what a checker has to know, name and value; what is empty is left out."""
    facts = [
        ("What", asked.get_kind_display()),
        ("Amount", f"{format_usd(asked.amount_nanousd)} USD"),
        ("Organization", str(asked.org or "")),
        ("Provider", f"{asked.provider} {asked.month}".strip()),
        ("Reference", asked.reference),
        ("Debit", asked.debit_code),
        ("Credit", asked.credit_code),
        ("Reason", asked.reason),
        ("Asked by", asked.maker),
    ]
    return [(name, value) for name, value in facts if value]


def _signature(request: HttpRequest) -> str:
    """Return under which name the visitor signs; the admin admits staff only."""
    if not isinstance(request.user, User):
        raise TypeError("nobody is logged in")
    return operator_named(request.user.email)
