"""Operators' view of people and keys; secrets are never shown."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest

from accounts.keys import revoke_key
from accounts.models import (
    ApiKey,
    Invitation,
    Membership,
    OperatorAction,
    Org,
    SessionToken,
    User,
)
from batchrouter.kit import clock
from batchrouter.kit.money import format_usd


class MembershipInline(admin.TabularInline[Membership, Org]):
    model = Membership
    extra = 0
    raw_id_fields = ("user",)


@admin.register(Org)
class OrgAdmin(admin.ModelAdmin[Org]):
    list_display = ("public_id", "name", "agent_name", "is_suspended", "created_at")
    list_filter = ("is_suspended",)
    search_fields = ("public_id", "name")
    # Suspended by an action: a form that was opened before would lift it.
    readonly_fields = ("public_id", "agent_name", "is_suspended", "created_at")
    inlines = (MembershipInline,)
    actions = ("suspend", "resume")

    @admin.action(
        description="Suspend: its people and keys are refused at once",
        permissions=["change"],
    )
    def suspend(self, request: HttpRequest, orgs: QuerySet[Org]) -> None:
        """Shut organizations out."""
        count = orgs.filter(is_suspended=False).update(is_suspended=True)
        messages.success(request, f"{count} suspended.")

    @admin.action(description="Resume: let them in again", permissions=["change"])
    def resume(self, request: HttpRequest, orgs: QuerySet[Org]) -> None:
        """Let suspended organizations in again."""
        count = orgs.filter(is_suspended=True).update(is_suspended=False)
        messages.success(request, f"{count} resumed.")

    def has_delete_permission(self, request: object, obj: object = None) -> bool:
        """Organizations have books; they are suspended instead."""
        return False


@admin.register(User)
class UserAdmin(admin.ModelAdmin[User]):
    list_display = ("email", "public_id", "is_staff", "is_active", "created_at")
    search_fields = ("email", "public_id")
    readonly_fields = ("public_id", "created_at", "last_login")
    exclude = ("password",)
    filter_horizontal = ("groups", "user_permissions")

    def save_model(
        self,
        request: HttpRequest,
        obj: User,
        form: ModelForm[User],
        change: bool,  # noqa: FBT001 # Django's signature
    ) -> None:
        """Write what was changed alone: a password may have been set meanwhile."""
        columns = {column.name for column in obj._meta.concrete_fields}
        changed = columns.intersection(form.changed_data)
        obj.save(update_fields=changed if change else None)


class _LookOnly(admin.ModelAdmin):  # type: ignore[type-arg] # of any model
    """Rows that their owners make; operators look at them."""

    def has_add_permission(self, request: object) -> bool:
        """Refuse."""
        return False

    def has_change_permission(self, request: object, obj: object = None) -> bool:
        """Refuse."""
        return False

    def has_delete_permission(self, request: object, obj: object = None) -> bool:
        """Refuse."""
        return False


@admin.register(ApiKey)
class ApiKeyAdmin(_LookOnly):
    list_display = (
        "prefix",
        "name",
        "org",
        "spending",
        "expires_at",
        "revoked_at",
        "last_used_at",
    )
    list_filter = ("is_test",)
    list_select_related = ("org", "spend_limit")
    search_fields = ("public_id", "prefix", "org__public_id")
    fields = (
        "public_id",
        "prefix",
        "name",
        "org",
        "created_by",
        "is_test",
        "scopes",
        "spending",
        "replaces",
        "expires_at",
        "revoked_at",
        "last_used_at",
        "created_at",
    )
    actions = ("revoke",)

    @admin.display(description="spent of limit, USD")
    def spending(self, key: ApiKey) -> str:
        """Show what the key and its replacements have spent."""
        limit = key.spend_limit
        if limit is None:
            return "no limit"
        spent, most = format_usd(limit.spent_nanousd), format_usd(limit.limit_nanousd)
        return f"{spent} of {most}"

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        """Tell whether the operator may end keys."""
        return request.user.has_perm("accounts.change_apikey")

    @admin.action(
        description="Revoke: the next request with them is refused",
        permissions=["revoke"],
    )
    def revoke(self, request: HttpRequest, keys: QuerySet[ApiKey]) -> None:
        """End keys for good."""
        live = list(keys.filter(revoked_at=None))
        for key in live:
            revoke_key(key, now=clock.now())
        messages.success(request, f"{len(live)} revoked.")


@admin.register(Invitation)
class InvitationAdmin(_LookOnly):
    list_display = ("email", "org", "role", "expires_at", "accepted_at", "revoked_at")
    list_select_related = ("org",)
    search_fields = ("public_id", "email", "org__public_id")


@admin.register(SessionToken)
class SessionTokenAdmin(_LookOnly):
    list_display = ("public_id", "user", "ip", "last_used_at", "expires_at")
    list_select_related = ("user",)
    search_fields = ("public_id", "user__email")
    exclude = ("digest", "auth_hash")


@admin.register(OperatorAction)
class OperatorActionAdmin(_LookOnly):
    list_display = (
        "at",
        "operator",
        "action",
        "path",
        "reason",
        "chosen",
        "status",
        "ip",
    )
    list_filter = ("action", "status")
    list_select_related = ("operator",)
    search_fields = ("public_id", "operator__email", "path", "reason", "request_id")
    date_hierarchy = "at"

    @admin.display(description="rows chosen")
    def chosen(self, row: OperatorAction) -> str:
        """Return the keys of the rows that a list's action was for."""
        return ", ".join(row.objects_chosen) or "-"
