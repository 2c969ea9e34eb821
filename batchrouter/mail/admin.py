"""Operators' view of the outbox; what a letter said is kept nowhere."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from batchrouter.kit import clock
from batchrouter.kit.errors import Conflict
from batchrouter.mail.models import Letter, SuppressedAddress
from batchrouter.mail.outbox import send_again
from batchrouter.mail.states import LetterState


@admin.register(Letter)
class LetterAdmin(admin.ModelAdmin[Letter]):
    list_display = (
        "public_id",
        "kind",
        "to",
        "state",
        "attempts",
        "error",
        "created_at",
        "sent_at",
    )
    list_filter = ("state", "kind")
    search_fields = ("public_id", "to", "provider_message_id")
    ordering = ("-pk",)
    actions = ("send_failed_again",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Letters are posted by what they are about."""
        return False

    def has_delete_permission(
        self, request: HttpRequest, obj: Letter | None = None
    ) -> bool:
        """The limits count them."""
        return False

    def get_readonly_fields(
        self, request: HttpRequest, obj: Letter | None = None
    ) -> list[str]:
        """Show all and change nothing."""
        return [field.name for field in Letter._meta.fields]

    @admin.action(description="Send failed letters again", permissions=["change"])
    def send_failed_again(
        self, request: HttpRequest, queryset: QuerySet[Letter]
    ) -> None:
        """Queue what has failed; others are left alone."""
        queued = 0
        for letter in queryset.filter(state=LetterState.FAILED):
            try:
                send_again(letter, now=clock.now())
            except Conflict:  # another operator was faster
                continue
            queued += 1
        self.message_user(request, f"{queued} queued.", messages.SUCCESS)


@admin.register(SuppressedAddress)
class SuppressedAddressAdmin(admin.ModelAdmin[SuppressedAddress]):
    """Deleting a row lifts it: the address gets mail again."""

    list_display = ("address", "reason", "created_at")
    list_filter = ("reason",)
    search_fields = ("address",)
    readonly_fields = ("created_at",)
