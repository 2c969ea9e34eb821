"""The person's address and the organization's name."""

from django import forms

from accounts.orgs import NAME_MAX
from console.forms.base import ServiceForm, email_field


class AddressForm(ServiceForm):
    """Another address; nothing changes before it is confirmed."""

    email = email_field("New email")


class OrgNameForm(ServiceForm):
    """What an organization is called."""

    name = forms.CharField(
        label="Name",
        max_length=NAME_MAX,
        widget=forms.TextInput(attrs={"autocomplete": "organization"}),
        error_messages={"required": "Enter a name."},
    )
