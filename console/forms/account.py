"""The person's address and the organization's name."""

from django import forms

from accounts.orgs import NAME_MAX, RETENTION_DAYS_MAX, RETENTION_DAYS_MIN
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


class RetentionForm(ServiceForm):
    """How long the content of ended batches is kept."""

    retention_days = forms.IntegerField(
        label="Days after a batch has ended",
        required=False,
        widget=forms.NumberInput(
            attrs={
                "min": RETENTION_DAYS_MIN,
                "max": RETENTION_DAYS_MAX,
                "autocomplete": "off",
            }
        ),
        error_messages={"invalid": "Enter a whole number of days, or nothing."},
    )
