"""Operators' view of people and keys; secrets are never shown."""

from django.contrib import admin

from accounts.models import ApiKey, Membership, Org, User


class MembershipInline(admin.TabularInline[Membership, Org]):
    model = Membership
    extra = 0
    raw_id_fields = ("user",)


@admin.register(Org)
class OrgAdmin(admin.ModelAdmin[Org]):
    list_display = ("public_id", "name", "is_suspended", "created_at")
    search_fields = ("public_id", "name")
    readonly_fields = ("public_id", "created_at")
    inlines = (MembershipInline,)


@admin.register(User)
class UserAdmin(admin.ModelAdmin[User]):
    list_display = ("email", "public_id", "is_staff", "is_active", "created_at")
    search_fields = ("email", "public_id")
    readonly_fields = ("public_id", "created_at", "last_login")
    exclude = ("password",)
    filter_horizontal = ("groups", "user_permissions")


@admin.register(ApiKey)
class ApiKeyAdmin(admin.ModelAdmin[ApiKey]):
    list_display = ("prefix", "name", "org", "expires_at", "revoked_at", "last_used_at")
    search_fields = ("public_id", "prefix", "org__public_id")
    readonly_fields = (
        "public_id",
        "prefix",
        "org",
        "created_by",
        "is_test",
        "last_used_at",
        "created_at",
    )
    exclude = ("digest",)

    def has_add_permission(self, request: object) -> bool:
        """Keys are made by their owners; here they can be ended."""
        return False
