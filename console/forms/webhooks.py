"""The organization's webhook: its address and its secret."""

from django import forms

from batchrouter.kit.destinations import URL_LENGTH_MAX
from console.forms.base import ServiceForm

_SECRET_MAX = 256


def _secret_field(help_text: str) -> forms.CharField:
    """Return a field for the customer's own secret, which is never sent back."""
    return forms.CharField(
        label="Your own secret (optional)",
        required=False,
        max_length=_SECRET_MAX,
        help_text=help_text,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
    )


class SecretForm(ServiceForm):
    """The secret that signs from now on; empty lets us make one."""

    secret = _secret_field(
        "24 to 64 visible characters, or whsec_ and base64. Leave it empty to get one "
        "of ours."
    )

    @property
    def own_secret(self) -> str | None:
        """What was given; None lets us make one, or keep the present one."""
        return self.cleaned_data["secret"] or None


class WebhookForm(SecretForm):
    """Where events go that no batch has an address for."""

    url = forms.CharField(
        label="Address",
        max_length=URL_LENGTH_MAX,
        help_text="A public address over HTTPS, such as "
        "https://hooks.example.com/batches.",
        widget=forms.URLInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        error_messages={"required": "Enter the address that is called."},
    )
    secret = _secret_field(
        "24 to 64 visible characters, or whsec_ and base64. Empty keeps the present "
        "secret; the first one is made by us."
    )
    field_order = ["url", "secret"]
