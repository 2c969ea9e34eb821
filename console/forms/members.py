"""Inviting people, and what they may do."""

from django import forms

from accounts.models import Role
from console.forms.base import (
    HOW_TO_CHOOSE,
    ServiceForm,
    email_field,
    password_field,
)

ROLE_WORDS = {
    Role.OWNER: "Owner: everything",
    Role.ADMIN: "Admin: everything but owners",
    Role.MEMBER: "Member: runs batches",
    Role.VIEWER: "Viewer: only reads",
}


class RoleForm(ServiceForm):
    """Another role for a member."""

    role = forms.ChoiceField(
        label="Role",
        choices=[(role.value, ROLE_WORDS[role]) for role in Role],
        initial=Role.MEMBER,
    )

    def offer_to(self, by: str) -> None:
        """Leave out what somebody of that role may not give."""
        if by != Role.OWNER:
            self.fields["role"].widget.choices = [
                (role.value, words)
                for role, words in ROLE_WORDS.items()
                if role != Role.OWNER
            ]


class InvitationForm(RoleForm):
    """Whom to invite, as what."""

    email = email_field()
    field_order = ("email", "role")


class AcceptForm(ServiceForm):
    """The token of an invitation, for somebody who has an account."""

    token = forms.CharField(max_length=400, widget=forms.HiddenInput)


class JoinForm(AcceptForm):
    """The token of an invitation, and the account that is made with it."""

    name = forms.CharField(
        label="Your name (optional)",
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    password = password_field("Password", is_new=True, help_text=HOW_TO_CHOOSE)
