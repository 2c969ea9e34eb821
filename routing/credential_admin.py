"""Operators' view of keys at providers: a secret goes in once and never comes out."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.helpers import AdminErrorList, AdminForm
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.decorators.debug import sensitive_post_parameters

from accounts.models import User
from batchrouter.kit import clock
from batchrouter.kit.errors import BatchRouterError, InvalidRequest
from routing import credentials
from routing.credential_checks import Verdict
from routing.models import ProviderCredential


class CredentialForm(forms.ModelForm[ProviderCredential]):
    """What an operator gives; the service says what is wrong with it and saves it."""

    provider = forms.ChoiceField(
        choices=lambda: [(name, name) for name in settings.PROVIDER_API_KEYS]
    )
    secret = forms.CharField(
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="Shown to nobody from here on.",
    )

    class Meta:
        model = ProviderCredential
        fields = ("provider", "label", "base_url")
        help_texts = {
            "base_url": "Empty: the one of the settings, else the provider's own."
        }


@admin.register(ProviderCredential)
class ProviderCredentialAdmin(admin.ModelAdmin[ProviderCredential]):
    """Add a key, check it, retire it; nothing else about it changes."""

    list_display = (
        "provider",
        "label",
        "shown",
        "is_active",
        "check_outcome",
        "checked_at",
        "created_by",
        "created_at",
        "retired_at",
    )
    list_filter = ("provider", "is_active")
    list_select_related = ("created_by",)
    fields = ("public_id", "base_url", *list_display)
    actions = ("check_now", "retire")

    @admin.display(description="Key")
    def shown(self, row: ProviderCredential) -> str:
        """Show the end of the key, which tells two apart."""
        return f"…{row.last_four}"

    def has_change_permission(
        self, request: HttpRequest, obj: ProviderCredential | None = None
    ) -> bool:
        """Make a new one instead."""
        return False

    def has_delete_permission(
        self, request: HttpRequest, obj: ProviderCredential | None = None
    ) -> bool:
        """Keep the record; retiring drops the secret."""
        return False

    # Not the admin's own view, which would ask the provider inside its transaction.
    @method_decorator(sensitive_post_parameters("secret"))
    def add_view(
        self,
        request: HttpRequest,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Take a key, ask the provider, and make it the active one where it is good."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = CredentialForm(request.POST or None)
        if form.is_valid() and self._added(request, form):
            name = "admin:routing_providercredential_changelist"
            return HttpResponseRedirect(reverse(name))
        fieldsets = [(None, {"fields": list(form.fields)})]
        context = {
            **self.admin_site.each_context(request),
            "title": "Add a key at a provider",
            "adminform": AdminForm(form, fieldsets, {}, model_admin=self),
            "errors": AdminErrorList(form, []),
            "inline_admin_formsets": [],
            "media": self.media + form.media,
            "is_popup": False,
            "to_field": None,
            "show_save_and_add_another": False,
            "show_save_and_continue": False,
            **(extra_context or {}),
        }
        return self.render_change_form(request, context, add=True, form_url=form_url)

    @admin.action(description="Check now", permissions=["add"])
    def check_now(
        self, request: HttpRequest, queryset: QuerySet[ProviderCredential]
    ) -> None:
        """Ask each key's provider; a waiting key that is good becomes active."""
        for row in queryset:
            self._check(request, row)

    @admin.action(description="Retire, and drop the secret", permissions=["add"])
    def retire(
        self, request: HttpRequest, queryset: QuerySet[ProviderCredential]
    ) -> None:
        """End the chosen keys; no new call uses them."""
        for row in queryset:
            credentials.retire_credential(row, now=clock.now())
            self.log_change(request, row, "Retired.")
        self.message_user(request, f"{len(queryset)} keys retired.")

    def _added(self, request: HttpRequest, form: CredentialForm) -> bool:
        """Add and check what the form holds; put a refusal into the form."""
        user = request.user
        try:
            row = credentials.add_credential(
                **form.cleaned_data,
                created_by=user if isinstance(user, User) else None,
                now=clock.now(),
            )
        except InvalidRequest as error:
            form.add_error(error.param, error.message)
            return False
        self.log_addition(request, row, [{"added": {}}])
        self._check(request, row)
        return True

    def _check(self, request: HttpRequest, row: ProviderCredential) -> None:
        try:
            outcome = credentials.check_credential(row, now=clock.now())
        except BatchRouterError as error:
            self.message_user(request, error.message, messages.ERROR)
            return
        self.log_change(request, row, f"Checked: {outcome}.")
        is_good = outcome.verdict is Verdict.ACCEPTED
        level = messages.SUCCESS if is_good else messages.ERROR
        standing = "active" if row.is_active else "not active"
        self.message_user(request, f"{row}: {outcome}, {standing}.", level)
