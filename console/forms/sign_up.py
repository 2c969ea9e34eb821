"""Signing up, and the token that came by mail."""

from django import forms

from console.forms.base import (
    HOW_TO_CHOOSE,
    ServiceForm,
    email_field,
    password_field,
)


class SignUpForm(ServiceForm):
    """An address, a password, and what the organization is called."""

    email = email_field(autocomplete="username", autofocus=True)
    password = password_field("Password", is_new=True, help_text=HOW_TO_CHOOSE)
    org_name = forms.CharField(
        label="Organization (optional)",
        required=False,
        help_text="Batches, credits and keys belong to it. It can be renamed later.",
        widget=forms.TextInput(attrs={"autocomplete": "organization"}),
    )


class EmailForm(ServiceForm):
    """Only an address."""

    email = email_field(autocomplete="username")


class TokenForm(ServiceForm):
    """The token of a mail; hidden where the link brought it along."""

    token = forms.CharField(
        label="Token from the mail",
        max_length=400,
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "spellcheck": "false", "class": "id"}
        ),
        error_messages={"required": "Paste the token from the mail."},
    )

    @classmethod
    def from_link(cls, token: str) -> "TokenForm":
        """Return the form for whoever followed a link."""
        form = cls(initial={"token": token})
        if token:
            form.fields["token"].widget = forms.HiddenInput()
        return form
